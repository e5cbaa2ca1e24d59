"""Reports that grow: what a file holds from earlier runs, so that no row comes twice."""

import csv
import io
import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from biqa_cli.errors import UsageError
from biqa_cli.reports.formats import Format
from biqa_cli.reports.rows import columns_of, not_a_formula

Row = tuple[str, str]
"""The path and the model, as they are written."""


@dataclass(slots=True)
class EarlierRows:
    """What a report holds from earlier runs."""

    rows: frozenset[Row]
    bytes: int
    """The length of all whole lines: a run may have been stopped in the middle of the next."""
    length: int
    """Of the file, that next line included."""
    formulas_are_disarmed: bool
    """Whether names are written as for a spreadsheet."""
    met: int = 0
    """How many photos were found to have a row: whoever leaves one out counts it."""

    def has(self, name: str, model: str) -> bool:
        """Return whether a photo has a row of a model; the picture on stdin (-) never has one."""
        written = not_a_formula(name) if self.formulas_are_disarmed else name
        return name != "-" and (written, model) in self.rows


def earlier_rows(path: Path, kind: Format, *, why: bool = False) -> EarlierRows:
    """Return what a report holds; a file that is not there holds nothing.

    Args:
        path: Of the report.
        kind: Its format.
        why: Whether it says why a score is what it is.

    Raises:
        UsageError: If the format cannot grow, or the file is no report of this format.
    """
    if kind not in (Format.csv, Format.ndjson):
        msg = f"--append does not suit {kind.value}, which has an end: use .csv or .ndjson"
        raise UsageError(msg)
    is_csv = kind is Format.csv
    content = _content(path)
    # Lines that are whole; a quoted name may have line breaks, and then its row does not parse.
    whole = content[: content.rfind(b"\n") + 1]
    text = whole.decode("utf-8", "surrogateescape")
    try:
        rows = frozenset(_rows_of_csv(text, why) if is_csv else _rows_of_ndjson(text, why))
    except _OtherColumnsError as error:
        msg = f"{path} was written {'without' if why else 'with'} --why: {error}"
        raise UsageError(msg) from error
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        msg = f"{path} is no {kind.value} report of this version ({error}): name another file"
        raise UsageError(msg) from error
    return EarlierRows(rows, len(whole), len(content), formulas_are_disarmed=is_csv)


def _content(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            msg = f"cannot append to {path}: it is not a file"
            raise UsageError(msg)
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        msg = f"cannot append to {path}: {reason}"
        raise UsageError(msg) from error


class _OtherColumnsError(Exception):
    """A report has the columns of one with --why in place of one without, or the reverse."""


def _check_columns(found: tuple[str, ...], *, why: bool, told: str) -> None:
    if found == columns_of(why=not why):
        raise _OtherColumnsError(f"{'leave it out' if why else 'add it'}, or name another file")
    if found != columns_of(why=why):
        msg = f"{told} {','.join(found)[:200]}"
        raise ValueError(msg)


def _rows_of_csv(text: str, why: bool) -> Iterator[Row]:
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = next(lines, None)
    columns = columns_of(why=why)
    if header is not None:
        _check_columns(tuple(header), why=why, told="its columns are")
    path, model = columns.index("path"), columns.index("model")
    for number, row in enumerate(lines, 2):
        if len(row) != len(columns):
            msg = f"row {number} has {len(row)} columns"
            raise ValueError(msg)
        yield row[path], row[model]


def _rows_of_ndjson(text: str, why: bool) -> Iterator[Row]:
    for line in text.split("\n")[:-1]:
        row = json.loads(line)
        _check_columns(tuple(row), why=why, told="a record has")
        yield row["path"], row["model"]
