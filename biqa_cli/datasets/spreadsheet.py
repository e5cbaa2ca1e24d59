"""Rows of a sheet of an Excel workbook (.xlsx) as text."""

import warnings
import zipfile
from pathlib import Path
from typing import BinaryIO

from biqa_cli.errors import UsageError

_LARGEST = 200_000_000
"""Bytes of XML: the workbooks of the data sets have less than a tenth; a bomb has more."""


def sheet_rows(path: Path, *, sheet: str | None = None) -> list[tuple[int, list[str]]]:
    """Return the number of each row and its cells as text, empty where a cell is.

    Formulas give the value that was saved with them. Rows without cells are left out.

    Args:
        path: A workbook.
        sheet: Its name, compared without case; None is the first sheet.

    Raises:
        UsageError: If the file is not a workbook, or has no such sheet.
    """
    try:
        # A file that is opened here is closed here, also where openpyxl gives up on it.
        with path.open("rb") as file, warnings.catch_warnings():
            # openpyxl warns of missing styles and unknown extensions: neither touches a value.
            warnings.simplefilter("ignore")
            _refuse_a_bomb(file)
            return _rows(file, sheet, path)
    except UsageError:
        raise
    # openpyxl does not say how it fails on damage: what its readers trip over comes out as it is.
    except Exception as error:
        msg = f"cannot read {path} as an Excel workbook (.xlsx): {error}"
        raise UsageError(msg) from error


def _refuse_a_bomb(file: BinaryIO) -> None:
    with zipfile.ZipFile(file) as book:
        size = sum(part.file_size for part in book.infolist())
    if size > _LARGEST:
        msg = f"it unpacks to {size} bytes, more than any table of scores"
        raise ValueError(msg)


def _rows(file: BinaryIO, sheet: str | None, path: Path) -> list[tuple[int, list[str]]]:
    # Slow to import, and most data sets have no workbook.
    from openpyxl import load_workbook

    sheets = {page.title: page for page in load_workbook(file, read_only=True, data_only=True)}
    wanted = [
        page
        for title, page in sheets.items()
        if sheet is None or title.casefold() == sheet.casefold()
    ]
    if not wanted:
        msg = f"{path} has no sheet {sheet!r}: it has {', '.join(sheets) or 'none'}"
        raise UsageError(msg)
    # A sheet may declare a far corner that holds nothing: rows would be filled up to it.
    wanted[0].reset_dimensions()
    return [
        (number, ["" if cell is None else str(cell) for cell in row])
        for number, row in enumerate(wanted[0].iter_rows(values_only=True), start=1)
        if any(cell is not None for cell in row)
    ]
