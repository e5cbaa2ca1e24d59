"""What the formats of a report have in common."""

from typing import Protocol

from biqa_cli.results import ImageResult, RunCounts, RunInfo


class Report(Protocol):
    """A report that is written as its results arrive."""

    def begin(self, run: RunInfo) -> None:
        """Write what comes before the first result."""
        ...

    def add(self, result: ImageResult) -> None:
        """Write one result, or keep it until the end."""
        ...

    def end(self, counts: RunCounts) -> None:
        """Write what comes after the last result."""
        ...
