"""Reports as a table for people. The only format that waits for the last result."""

from typing import IO

from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from biqa_cli.reports.rows import COLUMNS, Value, printable, row_of
from biqa_cli.results import ImageResult, RunCounts, RunInfo

_NUMBERS = frozenset({"score", "low", "high", "native_score", "width", "height"})
_LEAST_WIDTH = 120
_FOLDED = ("path", "error")
# Names have so much before sentences get more than they must.
_NAME_WIDTH, _SENTENCE_WIDTH = 32, 14
_ENDLESS = 1_000_000
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
                no_wrap=column not in _FOLDED,
                overflow="fold",
            )
        self._longest = {column: len(column) for column in _FOLDED}

    def begin(self, run: RunInfo) -> None:
        """Nothing is drawn yet."""

    def add(self, result: ImageResult) -> None:
        """Keep one row."""
        style = "red" if result.status == "error" else None
        shown = {column: _shown(column, value) for column, value in row_of(result).items()}
        for column in _FOLDED:
            self._longest[column] = max(self._longest[column], cell_len(shown[column]))
        self._table.add_row(*map(Text, shown.values()), style=style)

    def end(self, counts: RunCounts) -> None:
        """Draw the table."""
        if counts.images:
            self._share_the_width()
            self._console.print(self._table)

    def _share_the_width(self) -> None:
        """Let sentences fold where they would squeeze the names.

        A least width of the names would not do: rich adds it after it has shared the width, and
        cuts off what then is too much, without a sign.
        """
        endless = self._console.options.update_width(_ENDLESS)
        natural = Measurement.get(self._console, endless, self._table).maximum
        others = natural - sum(self._longest.values())
        name = min(self._longest["path"], _NAME_WIDTH)
        room = max(self._console.width - others - name, _SENTENCE_WIDTH)
        sentence = min(self._longest["error"], room)
        self._table.columns[COLUMNS.index("error")].max_width = sentence
        self._console.width = max(self._console.width, others + name + sentence)


def _shown(column: str, value: Value) -> str:
    if isinstance(value, float):
        return f"{value:.{_DECIMALS[column]}f}"
    return "" if value is None else printable(str(value))
