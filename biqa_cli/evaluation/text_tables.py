"""Tables as text: for a terminal or a text file, and as Markdown."""

import io
import textwrap
from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from biqa_cli.evaluation.formats import Format

Row = tuple[str, ...]

_ENDLESS = 1_000_000
_TIE = "\ue000"
"""A space that keeps the two ends of an interval on one line, where there is room for that: of
private use, since rich breaks lines at a no-break space."""
_GAP = 2
"""Columns of a terminal between two of the table."""


def plain(columns: Row, rows: Sequence[Row], *, width: int | None) -> str:
    """Return a table of plain text; cells fold between words where it would be too wide.

    Args:
        columns: The header.
        rows: The cells, safe to print.
        width: Of the terminal; None folds nothing. No word is broken: a table of long words is
            wider.
    """
    tied = [tuple(cell.replace(", ", f",{_TIE}") for cell in row) for row in rows]
    if width is None or sum(_longest(columns, tied, _words)) + _GAP * (len(columns) - 1) <= width:
        rows = tied
    table = Table(box=None, pad_edge=False)
    for column, size in zip(columns, _widths(columns, rows, width), strict=True):
        table.add_column(Text(column), width=size)
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console(file=io.StringIO(), width=_ENDLESS, color_system=None)
    with console.capture() as drawn:
        console.print(table)
    return "\n".join(line.rstrip() for line in drawn.get().replace(_TIE, " ").splitlines())


def _widths(columns: Row, rows: Sequence[Row], width: int | None) -> list[int]:
    """Return the width of each column: of its longest cell, less what the widest can give up.

    rich would share the lack among columns and cut names that have no space.
    """
    sizes = _longest(columns, rows, lambda cell: [cell])
    words = _longest(columns, rows, _words)
    if width is None:
        return sizes
    room = width - _GAP * (len(columns) - 1)
    while sum(sizes) > room and sizes != words:
        # Of equals the last: the first column names the rows.
        widest = max(
            (i for i in range(len(sizes)) if sizes[i] > words[i]), key=lambda i: (sizes[i], i)
        )
        column = [columns[widest], *(row[widest] for row in rows)]
        # At once as narrow as its folded cells are, so that no other column folds for nothing.
        sizes[widest] = max(_folded(cell, sizes[widest] - 1) for cell in column)
    return sizes


def _folded(cell: str, width: int) -> int:
    """Return how wide a cell is that folds between words."""
    widest = used = 0
    for size in map(cell_len, _words(cell)):
        used = used + 1 + size if used and used + 1 + size <= width else size
        widest = max(widest, used)
    return widest


def sentences(notes: Sequence[str], *, width: int | None) -> str:
    """Return sentences, each on lines of its own, folded between words where `width` is given."""
    if width is None:
        return "\n".join(notes)
    fold = textwrap.TextWrapper(width, break_long_words=False, break_on_hyphens=False).fill
    return "\n".join(map(fold, notes))


def _longest(
    columns: Row, rows: Sequence[Row], pieces: Callable[[str], Sequence[str]]
) -> list[int]:
    """Return for each column how wide the widest piece of a cell is."""
    cells = zip(columns, *rows, strict=True)
    return [max(cell_len(piece) for cell in column for piece in pieces(cell)) for column in cells]


def _words(cell: str) -> list[str]:
    return cell.split(" ")


def markdown(columns: Row, rows: Sequence[Row]) -> str:
    """Return a table as Markdown."""
    lines = (columns, tuple("---" for _ in columns), *rows)
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def render_tables(
    tables: Sequence[tuple[Row, Sequence[Row]]], *, style: Format, width: int | None
) -> str:
    """Return tables one below the other, as Markdown or as plain text."""
    return (
        "\n\n".join(
            markdown(*table) if style is Format.markdown else plain(*table, width=width)
            for table in tables
        )
        + "\n"
    )
