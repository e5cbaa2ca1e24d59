"""Reports as a table for people. The only format that waits for the last result."""

from typing import IO

from biqa_cli.reports.layout import text_table, width_of
from biqa_cli.reports.rows import Value, printable, row_of
from biqa_cli.results import ImageResult, RunCounts, RunInfo

# Narrow columns first: a long path then moves nothing, and only the path is cut.
_COLUMNS = ("score", "low", "high", "native_score", "width", "height", "path", "flaws", "note")
_SHORT = {"native_score": "native"}
_TEXTS = ("path", "flaws", "note")
_MAY_BE_EMPTY = ("flaws", "note")
_DECIMALS = {"score": 1, "low": 0, "high": 0, "native_score": 3}
_NO_FLAWS = "–"
"""The model tells flaws, and names none of this photo."""


class TableReport:
    """One line for each photo with a score, then one with the reason for each without.

    It is drawn once all results are there, since its columns must fit.

    Args:
        file: Where to.
        why: Whether it has a column of flaws, where the model tells any.
    """

    def __init__(self, file: IO[str], *, why: bool = False) -> None:
        self._file = file
        self._why = why
        self._model = ""
        self._scored: list[list[str]] = []
        self._failed: list[str] = []

    def begin(self, run: RunInfo) -> None:
        """Nothing is drawn yet."""
        self._model = run.model

    def add(self, result: ImageResult) -> None:
        """Keep one row."""
        if result.status == "error":
            # In full: a terminal folds it, and a cut reason would be none.
            self._failed.append(f"{printable(result.path)}: {printable(result.error)}")
            return
        row = {"flaws": ""} | row_of(result, why=self._why)
        if self._why and result.flaws == ():
            row["flaws"] = _NO_FLAWS
        self._scored.append([_shown(column, row[column]) for column in _COLUMNS])

    def end(self, counts: RunCounts) -> None:
        """Draw the table."""
        parts = []
        if self._scored:
            # Few photos have a note: without any, its column is left out.
            shown = [
                index
                for index, column in enumerate(_COLUMNS)
                if column not in _MAY_BE_EMPTY or any(row[index] for row in self._scored)
            ]
            parts.append(
                text_table(
                    [_SHORT.get(_COLUMNS[index], _COLUMNS[index]) for index in shown],
                    [[row[index] for index in shown] for row in self._scored],
                    numbers=[_COLUMNS[index] not in _TEXTS for index in shown],
                    width=width_of(self._file),
                    whole=0,
                )
            )
        if self._failed:
            parts.append([f"without a score: {len(self._failed)}", *self._failed])
        if counts.images:
            parts.append([f"model: {self._model}"])
        self._file.write("\n".join("".join(f"{line}\n" for line in lines) for lines in parts))


def _shown(column: str, value: Value) -> str:
    if isinstance(value, float):
        return f"{value:.{_DECIMALS[column]}f}"
    return "" if value is None else printable(str(value))
