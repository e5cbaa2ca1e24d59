"""Rows of a table below the line that names its columns, from text files and workbooks alike."""

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from biqa_cli.errors import UsageError


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table, its cells by the name of their column."""

    place: str
    """Such as `dmos.csv row 12`, counted as an editor counts, for messages."""
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """Return a cell without the space around it; empty where the row ends early."""
        return self.cells.get(column, "").strip()

    def number(self, column: str) -> float | None:
        """Return a cell as a number, None where it is not a finite one."""
        return finite(self.text(column))

    def whole(self, column: str) -> int | None:
        """Return a cell as a whole number (`3` or `3.0`), None where it is not one."""
        value = self.number(column)
        return int(value) if value is not None and value.is_integer() else None

    def bad(self, column: str, wanted: str) -> str:
        """Return the sentence that says what is wrong with a cell."""
        return f"{self.place}: {column} is {self.text(column)!r}, not {wanted}"


def finite(text: str) -> float | None:
    """Return a finite number written in text, None where it is not one."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of a line and its cells. A byte order mark is no part of the first cell.

    Raises:
        UsageError: If the file cannot be read as text with commas.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            for cells in reader:
                yield reader.line_num, cells
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"cannot read {path} as a table with commas: {why_unreadable(error)}"
        raise UsageError(msg) from error


def why_unreadable(error: Exception) -> str:
    """Return in a few words why a file could not be read."""
    match error:
        case FileNotFoundError():
            return "there is no such file"
        case IsADirectoryError():
            return "it is a folder"
        case OSError():
            return error.strerror or str(error)
        case UnicodeDecodeError():
            return f"its byte {error.start} is not UTF-8: save it as UTF-8"
        case _:
            return str(error)


def text_lines(path: Path) -> list[str]:
    """Return the lines of a text file that are not empty.

    Raises:
        UsageError: If it cannot be read as text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"cannot read {path} as text: {why_unreadable(error)}"
        raise UsageError(msg) from error
    return [line for line in text.splitlines() if line.strip()]


def records(
    rows: Iterable[tuple[int, Sequence[str]]],
    columns: Sequence[str],
    *,
    source: Path,
) -> Iterator[Row]:
    """Yield the rows below the first one that names all the columns; empty rows are passed over.

    Names of columns are compared without case and extra space. Columns that the heading has
    beyond `columns` are kept under their own names.

    Args:
        rows: Numbers of rows and their cells.
        columns: Names that the heading must have.
        source: For messages.

    Raises:
        UsageError: If no row names all the columns.
    """
    wanted = {_folded(name): name for name in columns}
    heading: list[str] | None = None
    first: Sequence[str] = ()
    for number, cells in rows:
        if heading is None:
            folded = [_folded(cell) for cell in cells]
            if set(wanted) <= set(folded):
                heading = [wanted.get(name, name) for name in folded]
            first = first or cells
        elif any(cell.strip() for cell in cells):
            yield Row(f"{source.name} row {number}", dict(zip(heading, cells, strict=False)))
    if heading is None:
        found = ", ".join(cell for cell in first if cell) or "nothing"
        msg = f"{source} has no heading with {', '.join(columns)}: its first row has {found}"
        raise UsageError(msg)


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()
