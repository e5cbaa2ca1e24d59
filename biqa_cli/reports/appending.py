"""Reports that grow: what a file holds from earlier runs, so that no photo has two rows.

A run only adds to the file, so that whatever stops it, no row is lost. Rows of photos that it has
scored again leave the file once all new ones are in it; until then the last row of a photo counts.
"""

import csv
import io
import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from biqa_cli.errors import UsageError
from biqa_cli.reports.formats import Format
from biqa_cli.reports.rows import armed, columns_of, not_a_formula
from biqa_cli.results import ComputedIn, precision_told
from biqa_cli.sources.addresses import is_address

STDIN = "-"
"""The picture on standard input: another one each time."""

Key = tuple[str, str]
"""Of a row: which photo, and the model."""

_IS_KEY = "\0"  # Tells keys from paths, which have none.
_RECORD_START = '{"path": "'


@dataclass(frozen=True, slots=True)
class EarlierRow:
    """What a row says of a photo."""

    score: float | None
    """None where it could not be scored."""
    native: float | None
    precision: ComputedIn = "float32"  # As far as its note says.


@dataclass(slots=True)
class EarlierRows:
    """What a report holds from earlier runs."""

    kind: Format
    why: bool
    """Whether it says why a score is what it is."""
    rows: dict[Key, EarlierRow]
    whole: int
    """The length of all whole rows: a run may have been stopped in the middle of the next."""
    length: int
    """Of the file, that next row included."""
    lacks_line_end: bool = False
    """Whether the last whole row has no line end: some editors drop it."""
    met: int = 0
    """How many photos keep their row: whoever leaves one out counts it with `keep`."""
    below: int = 0
    """How many of those score below the threshold."""
    replaced: set[Key] = field(default_factory=set)
    """Photos whose row is replaced: whoever scores one again notes it with `replace`."""
    rows_by_key: Callable[[], dict[Key, EarlierRow]] = dict
    """Returns the rows as they would be called by keys of tables: they take as much again."""
    keys: dict[Key, EarlierRow] | None = None
    """These rows, once a key was asked for."""

    def find(self, name: str, model: str, *, is_key: bool = False) -> EarlierRow | None:
        """Return the row of a photo and a model, None where there is none.

        Relative names count from the current folder, but for addresses and keys of tables.
        """
        if name == STDIN:
            return None
        if is_key:
            self.keys = self.rows_by_key() if self.keys is None else self.keys
            return self.keys.get(_key(name, model, self.kind, is_key=True))
        return self.rows.get(_key(name, model, self.kind))

    def keep(self, row: EarlierRow, *, threshold: float | None) -> None:
        """Count a photo that is not scored again."""
        self.met += 1
        is_below = threshold is not None and row.score is not None and row.score < threshold
        self.below += is_below

    def replace(self, name: str, model: str, *, is_key: bool = False) -> None:
        """Note that a photo is scored again."""
        self.replaced.add(_key(name, model, self.kind, is_key=is_key))

    def settled(self, content: bytes) -> bytes:
        """Return what a report holds without the rows that this run has replaced.

        Other photos keep all their rows. Relative names of another folder would be taken for
        photos of this one.

        Args:
            content: All of it, as it is once the run has added its rows.
        """
        if not self.replaced:
            return content
        records = list(_records(_text_of(content), self.kind, why=self.why))
        last = {key: number for number, record in enumerate(records) for key in record.keys}
        kept = [
            record.text
            for number, record in enumerate(records)
            if all(key not in self.replaced or last[key] == number for key in record.keys)
        ]
        return "".join(kept).encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class _Record:
    """A part of a report, as it is written."""

    text: str
    keys: tuple[Key, ...] = ()
    """Of the file that the name may be, and of the key. The header and the picture on standard
    input have none: they are never replaced."""
    row: EarlierRow | None = None
    is_row: bool = True
    """False of the header."""


def _key(name: str, model: str, kind: Format, *, is_key: bool = False) -> Key:
    """Return what two names of one photo have in common, whether typed or read from a report."""
    # CSV disarms names that a spreadsheet would take for formulas.
    plain = armed(not_a_formula(name)) if kind is Format.csv else name
    if is_key:
        return f"{_IS_KEY}{plain}", model
    # Two objects of a bucket may differ by a slash.
    return plain if is_address(plain) else os.path.abspath(plain), model  # noqa: PTH100  absolute() keeps "..", and a name may be too long


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
        if kind is Format.parquet:
            msg += ", or write a folder of Parquet files with --part-rows 100000"
        raise UsageError(msg)
    content = _content(path)
    # Lines that are whole; a quoted name may have line breaks, and then its row does not parse.
    lines = content[: content.rfind(b"\n") + 1]
    last = _last_row(path, content, kind, why=why) if lines != content else None
    whole = content if last is not None else lines
    if content and not whole and not _is_start_of_report(_text_of(content), kind, why=why):
        msg = f"{path} is not a report of biqa: it stays as it is; name another file"
        raise UsageError(msg)
    ended = b"" if last is None else b"\n"

    def rows_by(key: int, content: bytes) -> dict[Key, EarlierRow]:
        records = _rows_of(path, content + ended, kind, why=why)
        rows = {record.keys[key]: record.row for record in records if record.row}
        if kind is Format.csv and last is not None and last.row:
            # Nothing ends the last column of CSV but the line end, so it may be cut. The row stays,
            # and counts as one that has to be scored again.
            rows[last.keys[key]] = EarlierRow(None, None)
        return rows

    return EarlierRows(
        kind,
        why,
        rows_by(0, whole),
        len(whole),
        len(content),
        lacks_line_end=last is not None,
        rows_by_key=lambda: rows_by(1, _content(path)[: len(whole)]),
    )


def _rows_of(path: Path, content: bytes, kind: Format, *, why: bool) -> list[_Record]:
    """Return the records of a report.

    Raises:
        UsageError: If it is no report of this format, or has other columns.
    """
    try:
        return list(_records(_text_of(content), kind, why=why))
    except _OtherColumnsError as error:
        msg = f"{path} was written {'without' if why else 'with'} --why: {error}"
        raise UsageError(msg) from error
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        msg = f"{path} is no {kind.value} report of this version ({error}): name another file"
        raise UsageError(msg) from error


def _last_row(path: Path, content: bytes, kind: Format, *, why: bool) -> _Record | None:
    """Return the last row of a report whose last line has no end, None where the row is cut."""
    try:
        *_, last = _rows_of(path, content + b"\n", kind, why=why)
    except UsageError as error:
        # The columns without --why are the start of those with it.
        is_cut = _is_start_of_report(_text_of(content), kind, why=why)
        if isinstance(error.__cause__, _OtherColumnsError) and not is_cut:
            raise
        return None
    return last if last.is_row else None


def _is_start_of_report(text: str, kind: Format, *, why: bool) -> bool:
    """Return whether a run that was stopped may have left a first line without its end."""
    if kind is Format.csv:
        return ",".join(columns_of(why=why)).startswith(text)
    if not (text.startswith(_RECORD_START) or _RECORD_START.startswith(text)):
        return False
    try:
        json.loads(text)
    except ValueError:
        return True
    # A whole record that is none of ours.
    return False


def _text_of(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _records(text: str, kind: Format, *, why: bool) -> Iterator[_Record]:
    """Yield the parts of a report; together they are all of it.

    Raises:
        _OtherColumnsError: If it says why where it is not to, or the reverse.
        ValueError: If it is no report of this version, as do KeyError, TypeError and csv.Error.
    """
    parts = _records_of_csv if kind is Format.csv else _records_of_ndjson
    return parts(text, why=why)


def _record(text: str, values: dict[str, object], kind: Format) -> _Record:
    name, model = str(values["path"]), str(values["model"])
    if name == STDIN:
        return _Record(text)
    keys = tuple(_key(name, model, kind, is_key=is_key) for is_key in (False, True))
    score, native = _number(values["score"]), _number(values["native_score"])
    return _Record(text, keys, EarlierRow(score, native, precision_told(str(values["note"]))))


def _number(value: object) -> float | None:
    return None if value in ("", None) else float(str(value))


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


def _records_of_csv(text: str, *, why: bool) -> Iterator[_Record]:
    lines = io.StringIO(text, newline="").readlines()
    reader = csv.reader(lines, strict=True)
    header = next(reader, None)
    if header is None:
        return
    _check_columns(tuple(header), why=why, told="its columns are")
    at = reader.line_num
    yield _Record("".join(lines[:at]), is_row=False)
    for number, row in enumerate(reader, 2):
        if len(row) != len(header):
            msg = f"row {number} has {len(row)} columns"
            raise ValueError(msg)
        # A quoted name may have line breaks.
        yield _record(
            "".join(lines[at : reader.line_num]), dict(zip(header, row, strict=True)), Format.csv
        )
        at = reader.line_num


def _records_of_ndjson(text: str, *, why: bool) -> Iterator[_Record]:
    for line in text.split("\n")[:-1]:
        row = json.loads(line)
        _check_columns(tuple(row), why=why, told="a record has")
        yield _record(f"{line}\n", row, Format.ndjson)
