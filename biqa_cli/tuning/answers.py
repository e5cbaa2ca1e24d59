"""Answers on disk: a table that holds each of them as soon as it is given."""

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

from biqa_cli.datasets.tables import csv_rows
from biqa_cli.errors import UsageError
from biqa_cli.whole_files import write_whole

RATINGS, CHOICES = ("path", "mos"), ("better", "worse")


class Answers:
    """The rows of a table, which is written anew with each: it is always whole.

    Args:
        path: Of the table; one that is there is gone on with.
        columns: `RATINGS` or `CHOICES`.

    Raises:
        UsageError: If the file is another table.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path, self.columns = path, tuple(columns)
        self.rows: list[tuple[str, ...]] = []
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

    def add(self, *cells: str) -> None:
        """Add an answer, on disk on return."""
        self.rows.append(cells)
        self._write()

    def undo(self) -> tuple[str, ...] | None:
        """Take the last answer back and return it; None where there is none."""
        if not self.rows:
            return None
        last = self.rows.pop()
        self._write()
        return last

    def asked(self) -> set[tuple[str, ...]]:
        """Return what was asked already: photos, or pairs of them in the order of their names."""
        if self.columns == RATINGS:
            return {row[:1] for row in self.rows}
        return {tuple(sorted(row)) for row in self.rows}

    def _write(self) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.columns, *self.rows])
        write_whole(self.path, text.getvalue())


def folder_of(paths: Sequence[str], *, output: Path) -> Path:
    """Return the folder that names in a table are relative to: its own, else that of all photos."""
    own = output.absolute().parent
    absolute = [Path(path).absolute() for path in paths]
    if all(path.is_relative_to(own) for path in absolute):
        return own
    return Path(os.path.commonpath([path.parent for path in absolute]))
