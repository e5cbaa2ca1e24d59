"""The journal of a run: JSON lines that say what is to be done, what was begun, and how it ended.

All actions are on the disk before the first, and each is noted before it is begun. So a run that
was killed can be finished or undone from its journal and the files alone.
"""

import base64
import json
import os
import secrets
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import platformdirs
from filelock import FileLock, Timeout

from biqa_cli.culling.actions import Action, How, MakeFolder, Transfer, WriteSidecar
from biqa_cli.errors import UsageError
from biqa_cli.whole_files import wrong_output

SUFFIX = ".jsonl"
_KIND, _VERSION = "biqa cull journal", 1
_TAIL = 4096


@dataclass(frozen=True, slots=True)
class Journal:
    """What a journal says."""

    path: Path
    scratch: str
    """The name of files that are not whole yet."""
    actions: tuple[Action, ...]
    begun: int = 0
    """So many of the actions were begun, the last perhaps not done."""
    is_ready: bool = False
    """All that is planned is in it; before, nothing is begun."""
    end: str = ""
    """"finished", "undoing", "undone", or empty."""

    @property
    def is_unfinished(self) -> bool:
        """Whether it can be finished, and was not."""
        return self.is_ready and not self.end


def journals_folder() -> Path:
    """Return where journals are: `BIQA_JOURNALS`, or the platform's place for an app's state.

    Raises:
        UsageError: If the user has no such place.
    """
    chosen = os.environ.get("BIQA_JOURNALS")
    if chosen:
        return Path(chosen)
    try:
        return platformdirs.user_state_path("biqa") / "journals"
    except RuntimeError as error:
        msg = "there is no home directory for a journal: name a file with --journal"
        raise UsageError(msg) from error


def new_journal_path() -> Path:
    """Return a name for a new journal, with the time in it."""
    now = datetime.now(UTC).astimezone()
    return journals_folder() / f"cull-{now:%Y-%m-%dT%H%M%S}-{secrets.token_hex(2)}{SUFFIX}"


def create(path: Path, actions: Sequence[Action]) -> Journal:
    """Write all that is planned into a new journal, onto the disk.

    Raises:
        UsageError: If there is such a file, or there can be none.
        OutputError: If the disk is full.
    """
    scratch = f".biqa-{secrets.token_hex(6)}.partial"
    head: dict[str, object] = {
        "kind": _KIND,
        "version": _VERSION,
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "scratch": scratch,
        "folders": sorted({str(folder.resolve()) for a in actions for folder in _folders(a)}),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(_line(head))
            file.writelines(_line(_as_record(action)) for action in actions)
            file.write(_line({"ready": len(actions)}))
            _sync(file)
    except OSError as error:
        raise wrong_output(path, error) from error
    return Journal(path, scratch, tuple(actions), is_ready=True)


def read(path: Path) -> Journal:
    """Return what a journal says.

    Raises:
        UsageError: If it is no journal of a cull, or cannot be read.
    """
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        msg = f"cannot read the journal {path}: {error.strerror}"
        raise UsageError(msg) from error
    # A line that was not written to its end says nothing.
    whole = [line for line in lines if line.endswith(b"\n")]
    try:
        head, *records = map(json.loads, whole)
        if head["kind"] != _KIND or head["version"] != _VERSION:
            raise ValueError  # noqa: TRY301  one message for all that it may be
        return _read(path, head["scratch"], records)
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error) as error:
        msg = f"{path} is not a journal of `biqa cull`, version {_VERSION}"
        raise UsageError(msg) from error


def _read(path: Path, scratch: str, records: list[dict[str, Any]]) -> Journal:
    actions = tuple(_as_action(record) for record in records if "do" in record)
    ends = [record["end"] for record in records if "end" in record]
    return Journal(
        path,
        scratch,
        actions,
        begun=max((record["begin"] + 1 for record in records if "begin" in record), default=0),
        is_ready=any(record.get("ready") == len(actions) for record in records),
        end=ends[-1] if ends else "",
    )


def unfinished_below(roots: Sequence[Path]) -> Path | None:
    """Return the journal of a run over photos below some folders that was killed; None if none."""
    try:
        names = sorted(journals_folder().glob(f"*{SUFFIX}"))
    except (UsageError, OSError):
        return None
    return next((path for path in names if _is_unfinished(path, roots)), None)


def _is_unfinished(path: Path, roots: Sequence[Path]) -> bool:
    try:
        with path.open("rb") as file:
            head = json.loads(file.readline())
            file.seek(max(0, path.stat().st_size - _TAIL))
            if any(b'"end"' in line for line in file.read().splitlines()[-3:]):
                return False
        folders = [Path(folder) for folder in head["folders"]]
    except (OSError, ValueError, KeyError, TypeError):
        # Not a journal, or one without a whole first line: nothing was begun.
        return False
    below = any(folder.is_relative_to(root) for folder in folders for root in roots)
    return below and read(path).is_unfinished


class JournalWriter:
    """Adds lines to a journal; each is on the disk when its method returns."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def begin(self, number: int) -> None:
        """Note that an action is begun."""
        self._add({"begin": number})

    def end(self, how: str) -> None:
        """Note how all of it went: "finished", "undoing", "undone"."""
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
    lock = FileLock(f"{path}.lock")
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


def _folders(action: Action) -> Iterator[Path]:
    match action:
        case MakeFolder():
            yield action.path.parent
        case WriteSidecar():
            yield action.path.parent
        case Transfer():
            yield action.source.parent


def _line(record: dict[str, object]) -> bytes:
    return json.dumps(record).encode("ascii") + b"\n"


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _as_record(action: Action) -> dict[str, object]:
    match action:
        case MakeFolder():
            return {"do": "make folder", "path": str(action.path)}
        case WriteSidecar():
            return {
                "do": "write",
                "path": str(action.path),
                "old": _packed(action.old),
                "old_time": action.old_time,
                "new": _packed(action.new),
            }
        case Transfer():
            return {
                "do": action.how.value,
                "source": str(action.source),
                "target": str(action.target),
                "size": action.size,
            }


def _as_action(record: dict[str, Any]) -> Action:
    match record["do"]:
        case "make folder":
            return MakeFolder(Path(record["path"]))
        case "write":
            new = _unpacked(record["new"])
            if new is None:
                raise ValueError
            return WriteSidecar(
                Path(record["path"]), new, _unpacked(record["old"]), record["old_time"]
            )
        case how:
            return Transfer(
                How(how), Path(record["source"]), Path(record["target"]), record["size"]
            )


def _packed(data: bytes | None) -> str | None:
    # Three thousand sidecars of a shoot would make a large journal; compressed it is small.
    return None if data is None else base64.b64encode(zlib.compress(data)).decode("ascii")


def _unpacked(text: str | None) -> bytes | None:
    return None if text is None else zlib.decompress(base64.b64decode(text))
