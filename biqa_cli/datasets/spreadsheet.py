"""Rows of a sheet of an Excel workbook (.xlsx): a zip of XML, read without any dependency."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree as ET

from biqa_cli.errors import UsageError

_LARGEST = 200_000_000
"""Bytes of XML: the workbooks of the data sets have less than a tenth; a bomb has more."""


class _RefusingDoctype(ET.TreeBuilder):
    """Entities, with which a small file can grow without end, are declared in a DOCTYPE."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> NoReturn:  # noqa: ARG002  the parser's signature
        msg = "it declares a DOCTYPE, which no workbook has"
        raise ValueError(msg)


def sheet_rows(path: Path, *, sheet: str | None = None) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of a row and its cells as text, empty where a cell is.

    Formulas give the value that was saved with them. Rows without cells are left out.

    Args:
        path: A workbook.
        sheet: Its name, compared without case; None is the first sheet.

    Raises:
        UsageError: If the file is not a workbook, or has no such sheet.
    """
    try:
        with zipfile.ZipFile(path) as book:
            part = _sheet_part(book, sheet, path)
            strings = _shared_strings(book)
            table = _parse(book, part)
        number = 0
        for row in table.findall("{*}sheetData/{*}row"):
            number = int(row.get("r", number + 1))
            yield number, _cells(row, strings)
    except UsageError:
        raise
    # Damaged archives and XML fail in all these ways.
    except (
        OSError,
        zipfile.BadZipFile,
        zlib.error,
        ET.ParseError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        LookupError,
        EOFError,
    ) as error:
        msg = f"cannot read {path} as an Excel workbook (.xlsx): {error}"
        raise UsageError(msg) from error


def _parse(book: zipfile.ZipFile, part: str) -> ET.Element:
    size = book.getinfo(part).file_size
    if size > _LARGEST:
        msg = f"{part} unpacks to {size} bytes, more than any sheet of scores"
        raise ValueError(msg)
    parser = ET.XMLParser(target=_RefusingDoctype())  # noqa: S314  a DOCTYPE is refused
    return ET.fromstring(book.read(part), parser=parser)  # noqa: S314  the same


def _sheet_part(book: zipfile.ZipFile, sheet: str | None, path: Path) -> str:
    listed = _parse(book, "xl/workbook.xml").findall("{*}sheets/{*}sheet")
    by_name = {entry.get("name", ""): entry for entry in listed}
    wanted = [
        entry
        for name, entry in by_name.items()
        if sheet is None or name.casefold() == sheet.casefold()
    ]
    if not wanted:
        msg = f"{path} has no sheet {sheet!r}: it has {', '.join(by_name) or 'none'}"
        raise UsageError(msg)
    (identity,) = [value for key, value in wanted[0].items() if key.endswith("}id")]
    relations = _parse(book, "xl/_rels/workbook.xml.rels").findall("{*}Relationship")
    (target,) = [entry.get("Target", "") for entry in relations if entry.get("Id") == identity]
    # Targets are relative to xl/, or absolute in the archive.
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _shared_strings(book: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in book.namelist():
        return []
    return [_text(entry) for entry in _parse(book, "xl/sharedStrings.xml").findall("{*}si")]


def _text(entry: ET.Element) -> str:
    """Return the text of a string, plain or in runs of formatting, without phonetic hints."""
    runs = [*entry.findall("{*}t"), *entry.findall("{*}r/{*}t")]
    return "".join(run.text or "" for run in runs)


def _cells(row: ET.Element, strings: list[str]) -> list[str]:
    cells: list[str] = []
    for cell in row.findall("{*}c"):
        reference = cell.get("r")
        column = len(cells) if reference is None else _column(reference)
        cells.extend([""] * (column - len(cells)))
        cells.append(_value(cell, strings))
    return cells


def _column(reference: str) -> int:
    """Return the 0-based column of a cell such as `AB12`."""
    letters = reference.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = 26 * column + ord(letter.upper()) - ord("A") + 1
    if not 1 <= column <= 16384:  # noqa: PLR2004  the columns of Excel, A to XFD
        msg = f"a cell is at {reference!r}, outside any sheet"
        raise ValueError(msg)
    return column - 1


def _value(cell: ET.Element, strings: list[str]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        inline = cell.find("{*}is")
        return "" if inline is None else _text(inline)
    value = cell.findtext("{*}v") or ""
    return strings[int(value)] if kind == "s" and value else value
