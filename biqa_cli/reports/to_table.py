"""Reports as a table for people. The only format that waits for the last result."""

from typing import IO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from biqa_cli.reports.rows import COLUMNS, Value, printable, row_of
from biqa_cli.results import ImageResult, RunCounts, RunInfo

_NUMBERS = frozenset({"score", "low", "high", "native_score", "width", "height"})
# A long sentence would otherwise squeeze the names.
_LEAST_WIDTHS = {"path": 32}
_LEAST_WIDTH = 120
_DECIMALS = {"score": 1, "low": 0, "high": 0, "native_score": 3}


class TableReport:
    """A table that is drawn once all results are there, since its columns must fit."""

    def __init__(self, file: IO[str]) -> None:
        self._console = Console(file=file)
        # A narrower table would lose its last columns; a terminal wraps what is wider than it.
        self._console.width = max(self._console.width, _LEAST_WIDTH)
        self._table = Table(box=None, pad_edge=False, header_style="bold")
        for column in COLUMNS:
            self._table.add_column(
                column,
                justify="right" if column in _NUMBERS else "left",
                # Names and sentences fold; numbers stay whole.
                no_wrap=column not in ("path", "error"),
                overflow="fold",
                min_width=_LEAST_WIDTHS.get(column),
            )

    def begin(self, run: RunInfo) -> None:
        """Nothing is drawn yet."""

    def add(self, result: ImageResult) -> None:
        """Keep one row."""
        style = "red" if result.status == "error" else None
        cells = (Text(_shown(column, value)) for column, value in row_of(result).items())
        self._table.add_row(*cells, style=style)

    def end(self, counts: RunCounts) -> None:
        """Draw the table."""
        if counts.images:
            self._console.print(self._table)


def _shown(column: str, value: Value) -> str:
    if isinstance(value, float):
        return f"{value:.{_DECIMALS[column]}f}"
    return "" if value is None else printable(str(value))
