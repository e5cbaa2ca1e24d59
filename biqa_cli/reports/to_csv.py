"""Reports as CSV (RFC 4180), safe to open in a spreadsheet."""

import csv
from typing import IO

from biqa_cli.reports.rows import Value, columns_of, not_a_formula, row_of
from biqa_cli.results import ImageResult, RunCounts, RunInfo


class CsvReport:
    """A header and one line for each image, flushed at once: what is scored is never lost.

    Args:
        file: Where to.
        continued: Whether the file has its header already.
        why: Whether it has the columns that say why.
    """

    def __init__(self, file: IO[str], *, continued: bool = False, why: bool = False) -> None:
        self._file = file
        self._why = why
        self._continued = continued
        self._writer = csv.writer(file, lineterminator="\n")
        # The module does not quote a carriage return where it does not end the lines.
        self._quoting_writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def begin(self, run: RunInfo) -> None:  # noqa: ARG002  CSV has no place for it
        """Write the names of the columns."""
        if not self._continued:
            self._writer.writerow(columns_of(why=self._why))
            self._file.flush()

    def add(self, result: ImageResult) -> None:
        """Write one line."""
        writer = self._quoting_writer if "\r" in result.path else self._writer
        writer.writerow([_cell(value) for value in row_of(result, why=self._why).values()])
        self._file.flush()

    def end(self, counts: RunCounts) -> None:
        """Nothing comes after the last line."""


def _cell(value: Value) -> Value:
    return not_a_formula(value) if isinstance(value, str) else value
