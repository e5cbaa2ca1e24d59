"""Reports as JSON: one document with a header, or one record a line."""

import json
from dataclasses import asdict
from typing import IO

from biqa_cli.reports.rows import record_of
from biqa_cli.results import ImageResult, RunCounts, RunInfo


class JsonReport:
    """{"run": {…}, "results": […], "counts": {…}}, written as the results arrive.

    Each record is a line, so that a file that ends in the middle can be read as far as it goes.

    Args:
        file: Where to.
        why: Whether a record has the columns that say why.
    """

    def __init__(self, file: IO[str], *, why: bool = False) -> None:
        self._file = file
        self._why = why
        self._separator = "\n"

    def begin(self, run: RunInfo) -> None:
        """Write the header."""
        self._file.write(f'{{\n"run": {json.dumps(asdict(run), indent=1)},\n"results": [')

    def add(self, result: ImageResult) -> None:
        """Write one record."""
        record = json.dumps(record_of(result, why=self._why), allow_nan=False)
        self._file.write(f"{self._separator}{record}")
        self._file.flush()
        self._separator = ",\n"

    def end(self, counts: RunCounts) -> None:
        """Write the counts and close the document."""
        self._file.write(f'\n],\n"counts": {json.dumps(asdict(counts))}\n}}\n')


class NdjsonReport:
    """One JSON record a line, flushed at once, for programs that read while biqa runs.

    Args:
        file: Where to.
        why: Whether a record has the columns that say why.
    """

    def __init__(self, file: IO[str], *, why: bool = False) -> None:
        self._file = file
        self._why = why

    def begin(self, run: RunInfo) -> None:
        """Nothing comes before the first record."""

    def add(self, result: ImageResult) -> None:
        """Write one record."""
        self._file.write(json.dumps(record_of(result, why=self._why), allow_nan=False) + "\n")
        self._file.flush()

    def end(self, counts: RunCounts) -> None:
        """Nothing comes after the last record."""
