"""The journal of a run: JSON lines that say what is to be done, what was begun, what was undone.

All actions are on the disk before the first, and each is noted there before it is begun. So a run
that was killed can be finished or undone from its journal and the files alone.
"""

import json
import os
import secrets
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from biqa_cli.culling.action_records import as_action, as_record
from biqa_cli.culling.actions import Action, touched_by
from biqa_cli.culling.placing import Mark
from biqa_cli.errors import UsageError
from biqa_cli.whole_files import wrong_output

SUFFIX = ".jsonl"
_KIND, _VERSION = "biqa cull journal", 2
_TAIL = 4096
_ENDS = ("finished", "undone", "undone in part")


@dataclass(frozen=True, slots=True)
class Journal:
    """What a journal says."""

    path: Path
    began: int
    """When it was begun, in nanoseconds since 1970: a later run has a larger number."""
    scratch: str
    """The name of files that are not whole yet."""
    actions: tuple[Action, ...]
    begun: int = 0
    """So many of the actions were begun, the last perhaps not done."""
    marks: Mapping[int, Mark] = field(default_factory=dict)
    """What the files of transfers were when those were begun, by the number of the action."""
    back: frozenset[int] = frozenset()
    """The numbers of the actions that are taken back."""
    is_ready: bool = False
    """All that is planned is in it; before, nothing is begun."""
    end: str = ""
    """Empty, "finished", "undoing", "undone", or "undone in part" where an undo left something."""
    page: Mapping[str, Any] | None = None
    """What the run notes of the page that it writes in the end; None where it writes none."""

    @property
    def is_unfinished(self) -> bool:
        """Whether it can be finished, and was not."""
        return self.is_ready and not self.end

    @property
    def is_half_way(self) -> bool:
        """Whether its run or its undo is at work, or was interrupted."""
        return self.is_ready and self.end not in _ENDS

    @property
    def in_force(self) -> list[tuple[int, Action]]:
        """The actions that were begun and not taken back, with their numbers."""
        begun = enumerate(self.actions[: self.begun])
        return [(number, action) for number, action in begun if number not in self.back]


def create(
    path: Path, actions: Sequence[Action], *, page: Mapping[str, Any] | None = None
) -> Journal:
    """Write all that is planned into a new journal, onto the disk.

    Args:
        path: Of the journal.
        actions: All of them, in order.
        page: What whoever finishes the run needs to know of its page, as JSON has it.

    Raises:
        UsageError: If there is such a file, or there can be none.
        OutputError: If the disk is full; there is no such file then.
    """
    scratch = f".biqa-{secrets.token_hex(6)}.partial"
    began = time.time_ns()
    head: dict[str, object] = {
        "kind": _KIND,
        "version": _VERSION,
        "began": began,
        "scratch": scratch,
        "folders": sorted({str(file.parent) for action in actions for file in touched_by(action)}),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            try:
                file.write(_line(head))
                file.writelines(_line(as_record(action)) for action in actions)
                file.write(_line({"page": page}))
                file.write(_line({"ready": len(actions)}))
                _sync(file)
            except BaseException:
                # Nothing was begun: such a journal is of no use, and in the way of another try.
                path.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise wrong_output(path, error) from error
    return Journal(path, began, scratch, tuple(actions), is_ready=True, page=page)


def read(path: Path) -> Journal:
    """Return what a journal says.

    Raises:
        UsageError: If it is no journal of a cull, or cannot be read.
    """
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        msg = f"cannot read the journal {path}: {reason}"
        raise UsageError(msg) from error
    # A line that was not written to its end says nothing.
    whole = [line for line in lines if line.endswith(b"\n")]
    try:
        head, *records = map(json.loads, whole)
        version = head["version"]
        if head["kind"] != _KIND or not isinstance(version, int):
            raise ValueError  # noqa: TRY301  one message for all that it may be
        journal = _read(path, head, records) if version == _VERSION else None
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error) as error:
        msg = f"{path} is not a journal of `biqa cull`, version {_VERSION}"
        raise UsageError(msg) from error
    if journal is None:
        by = "an earlier" if version < _VERSION else "a later"
        msg = (
            f"{path} was written by {by} version of biqa (it is a journal of version {version}, "
            f"this biqa reads version {_VERSION}): undo or finish it with that biqa"
        )
        raise UsageError(msg)
    return journal


def _read(path: Path, head: dict[str, Any], records: list[dict[str, Any]]) -> Journal:
    actions = tuple(as_action(record) for record in records if "do" in record)
    begun, marks, back, end, page = 0, {}, set(), "", None
    for record in records:
        match record:
            case {"begin": int(number), "size": int(size), "mtime_ns": int(mtime_ns)}:
                begun, marks[number] = number + 1, Mark(size, mtime_ns)
            case {"begin": int(number)}:
                begun = number + 1
            case {"leave": int(number)}:
                begun = number
            case {"back": int(number)}:
                back.add(number)
            case {"end": str(how)}:
                end = how
            case {"page": dict(noted)}:
                page = noted
    return Journal(
        path,
        int(head["began"]),
        str(head["scratch"]),
        actions,
        begun=begun,
        marks=marks,
        back=frozenset(back),
        is_ready=any(record.get("ready") == len(actions) for record in records),
        end=end,
        page=page,
    )


def half_way_below(path: Path, roots: Sequence[Path]) -> Journal | None:
    """Return the journal in a file if its run, or its undo, is half-way and over some folders.

    Most journals are large and have ended: only their first and last lines are read.

    Args:
        path: Of the file.
        roots: The folders; the run has files in or below one of them.
    """
    try:
        with path.open("rb") as file:
            head = json.loads(file.readline())
            file.seek(max(0, path.stat().st_size - _TAIL))
            whole = [line for line in file.readlines() if line.endswith(b"\n")]
        # An undo notes that it begins, so the last line alone tells how all of it ended.
        if whole and _says_end(whole[-1]):
            return None
        folders = [Path(folder) for folder in head["folders"]]
        if not any(folder.is_relative_to(root) for folder in folders for root in roots):
            return None
        journal = read(path)
    except (OSError, ValueError, KeyError, TypeError):
        # Not a journal, or one without a whole first line: nothing was begun.
        return None
    return journal if journal.is_half_way else None


def _says_end(line: bytes) -> bool:
    """Return whether a line, of which the start may be missing, says that a journal has ended."""
    try:
        record = json.loads(line)
    except ValueError:
        return False
    return isinstance(record, dict) and record.get("end") in _ENDS


class JournalWriter:
    """Adds lines to a journal; each is on the disk when its method returns."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def begin(self, number: int, mark: Mark | None) -> None:
        """Note that an action is begun, and what its file is."""
        seen = {} if mark is None else {"size": mark.size, "mtime_ns": mark.mtime_ns}
        self._add({"begin": number, **seen})

    def leave(self, number: int) -> None:
        """Note that nothing was done of the action that was begun last."""
        self._add({"leave": number})

    def back(self, number: int) -> None:
        """Note that an action is taken back."""
        self._add({"back": number})

    def end(self, how: str) -> None:
        """Note how all of it went, or that it is being undone, as `Journal.end` has it."""
        self._add({"end": how, "at": datetime.now(UTC).isoformat(timespec="seconds")})

    def _add(self, record: dict[str, object]) -> None:
        self._file.write(_line(record))
        _sync(self._file)


@contextmanager
def writing(path: Path) -> Iterator[JournalWriter]:
    """Yield what adds to a journal; two runs do not work on one journal at a time.

    The file of the lock stays beside the journal: were it deleted, a run that waits for it would
    lock a file that nobody else sees.

    Raises:
        UsageError: If another run does.
        OutputError: If the journal cannot be written.
    """
    lock = _lock_of(path)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        msg = f"another run of biqa works on {path}: wait until it has ended"
        raise UsageError(msg) from error
    except OSError as error:
        raise wrong_output(path, error) from error
    try:
        with path.open("r+b") as file:
            # A line that was not written to its end is in the way of the next.
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)
            file.seek(0, os.SEEK_END)
            yield JournalWriter(file)
    finally:
        lock.release()


def is_at_work(path: Path) -> bool:
    """Return whether a run works on a journal now."""
    lock = _lock_of(path)
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        # Where nothing can be locked, nobody works.
        return False


def _lock_of(path: Path) -> FileLock:
    return FileLock(f"{path}.lock")


def _line(record: Mapping[str, object]) -> bytes:
    return json.dumps(record).encode("ascii") + b"\n"


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
