"""Answers on disk: a table that holds each of them as soon as it is given."""

import csv
import io
import os
from collections.abc import Collection, Sequence
from pathlib import Path

from biqa_cli.datasets.tables import csv_rows
from biqa_cli.errors import UsageError
from biqa_cli.whole_files import require_writable, write_whole

RATINGS, CHOICES = ("path", "mos"), ("better", "worse")


class Answers:
    """The rows of a table, which is written anew with each: it is always whole.

    Args:
        path: Of the table; one that is there is gone on with.
        columns: `RATINGS` or `CHOICES`.
        allowed: Ratings of this session; None for choices.

    Raises:
        UsageError: If the file is another table, has ratings on another scale, or cannot be
            written.
        OutputError: If the disk is full or fails.
    """

    def __init__(
        self, path: Path, columns: Sequence[str], *, allowed: Collection[str] | None = None
    ) -> None:
        self.path, self.columns = path, tuple(columns)
        self.rows: list[tuple[str, ...]] = []
        require_writable(path)
        if not path.exists():
            return
        heading, *rows = [tuple(cells) for _, cells in csv_rows(path)] or [()]
        if heading != self.columns:
            msg = (
                f"{path} has the columns {', '.join(heading) or 'of an empty file'}, expected "
                f"{', '.join(columns)}: name another file with -o"
            )
            raise UsageError(msg)
        self.rows = [row for row in rows if row]
        other = next((row[-1] for row in self.rows if allowed and row[-1] not in allowed), None)
        if other is not None:
            msg = (
                f"{path} has a rating of {other!r}, which --scale does not: give its own scale, or "
                "name another file with -o"
            )
            raise UsageError(msg)

    def add(self, *cells: str) -> None:
        """Add an answer, on disk on return."""
        self._write([*self.rows, cells])

    def undo(self) -> tuple[str, ...] | None:
        """Take the last answer back and return it; None where there is none."""
        if not self.rows:
            return None
        last = self.rows[-1]
        self._write(self.rows[:-1])
        return last

    def asked(self) -> set[tuple[str, ...]]:
        """Return what was asked already: photos, or pairs of them in the order of their names."""
        if self.columns == RATINGS:
            return {row[:1] for row in self.rows}
        return {tuple(sorted(row)) for row in self.rows}

    def _write(self, rows: list[tuple[str, ...]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.columns, *rows])
        write_whole(self.path, text.getvalue())
        # What could not be written was not answered.
        self.rows = rows


def folder_of(paths: Sequence[str], *, output: Path) -> Path:
    """Return the folder that names in a table are relative to: its own, else that of all photos."""
    own = output.absolute().parent
    absolute = [Path(path).absolute() for path in paths]
    if all(path.is_relative_to(own) for path in absolute):
        return own
    return Path(os.path.commonpath([path.parent for path in absolute]))
