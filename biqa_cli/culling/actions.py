"""What is done to files: folders, sidecars, transfers; each can be done again, and undone.

Whenever a run is killed, each action is in one of few states that the files themselves tell: not
begun, half done, done. `perform` goes on from any of them, and `take_back` returns from any. No
file is ever replaced by another: a name is reserved by an empty file before it is given away.
"""

import errno
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from biqa_cli.errors import OutputError

_CHUNK = 1 << 20


class How(StrEnum):
    """How a photo gets into another folder."""

    copy = "copy"
    move = "move"
    link = "link"
    """A hard link: one file with two names."""


@dataclass(frozen=True, slots=True)
class MakeFolder:
    """A folder that is made."""

    path: Path


@dataclass(frozen=True, slots=True)
class WriteSidecar:
    """A sidecar that is written or changed."""

    path: Path
    new: bytes
    old: bytes | None = None
    """What was in it; None where there was none."""
    old_time: int | None = None
    """When that was written, in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """A file that gets into another folder."""

    how: How
    source: Path
    target: Path
    size: int
    """In bytes; an empty file in place of a larger one is a reserved name."""


Action = MakeFolder | WriteSidecar | Transfer


def perform(action: Action, *, scratch: str, again: bool = False) -> None:
    """Do what an action says.

    Args:
        action: What to do.
        scratch: The name of files that are not whole yet; of this run alone.
        again: Whether it was begun before, so that it may be half done, or done.

    Raises:
        OutputError: If the files are not as they were when it was planned. Nothing is lost.
        OSError: If the system refuses.
    """
    match action:
        case MakeFolder():
            action.path.mkdir(exist_ok=True)
            _flush_folder(action.path.parent)
        case WriteSidecar():
            _write(action, scratch, again=again)
        case Transfer():
            _tidy(action.target.parent, scratch)
            _transfer(action, scratch, again=again)


def take_back(action: Action, *, scratch: str) -> str | None:
    """Undo an action that was begun, and return what could not be undone; None where all was.

    Raises:
        OSError: If the system refuses.
    """
    match action:
        case MakeFolder():
            # What others have put into it stays, and so does the folder.
            with suppress(OSError):
                action.path.rmdir()
            return None
        case WriteSidecar():
            _tidy(action.path.parent, scratch)
            return _unwrite(action, scratch)
        case Transfer():
            _tidy(action.target.parent, scratch)
            _tidy(action.source.parent, scratch)
            return _untransfer(action, scratch)


def _write(action: WriteSidecar, scratch: str, *, again: bool) -> None:
    present = _content(action.path)
    if present == action.new:
        return
    if again and present == b"" and action.old is None:
        action.path.unlink()
        present = None
    if present != action.old:
        msg = f"{action.path} has changed since it was read"
        raise OutputError(msg)
    _put(action.path, action.new, scratch, new=action.old is None)


def _unwrite(action: WriteSidecar, scratch: str) -> str | None:
    present = _content(action.path)
    if present == action.old:
        return None
    if action.old is None and present in (b"", action.new):
        action.path.unlink()
        return None
    if action.old is None or present != action.new:
        return f"{action.path} has changed since: it stays as it is"
    _put(action.path, action.old, scratch, new=False)
    if action.old_time is not None:
        os.utime(action.path, ns=(action.old_time, action.old_time))
    return None


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _put(path: Path, data: bytes, scratch: str, *, new: bool) -> None:
    """Give a file its content, at once or not at all."""
    partial = path.with_name(scratch)
    with suppress(FileNotFoundError):
        partial.unlink()
    with partial.open("xb") as file:
        file.write(data)
        _flush(file)
    if new:
        _reserve(path)
    else:
        shutil.copymode(path, partial)
    partial.replace(path)
    _flush_folder(path.parent)


def _transfer(action: Transfer, scratch: str, *, again: bool) -> None:
    source, target = action.source, action.target
    if not os.path.lexists(source):
        if again and action.how is How.move and os.path.lexists(target):
            return
        msg = f"{source} is not there any more"
        raise OutputError(msg)
    if os.path.lexists(target):
        if again and _is_reserved(target, action.size):
            target.unlink()
        elif again and _same_content(source, target):
            if action.how is How.move:
                source.unlink()
            return
        else:
            msg = f"{target} has come into being since: it is not overwritten"
            raise OutputError(msg)
    match action.how:
        case How.move:
            _move(source, target, scratch)
        case How.copy:
            _copy(source, target, scratch)
        case How.link:
            os.link(source, target)
            _flush_folder(target.parent)


def _untransfer(action: Transfer, scratch: str) -> str | None:
    source, target = action.source, action.target
    has_source, has_target = os.path.lexists(source), os.path.lexists(target)
    problem = None
    if not has_target:
        if action.how is How.move and not has_source:
            problem = f"{source} is neither there nor at {target}"
    elif not has_source:
        if action.how is How.move:
            _move(target, source, scratch)
        else:
            problem = f"{target} stays: {source}, of which it was made, is gone"
    elif _is_reserved(target, action.size):
        target.unlink()
    elif action.how is How.move and _is_reserved(source, action.size):
        source.unlink()
        _move(target, source, scratch)
    elif _same_content(source, target):
        # What is in it is at its old place too.
        target.unlink()
    else:
        problem = f"{target} stays: it is not what {source} is any more"
    return problem


def _is_reserved(path: Path, size: int) -> bool:
    return size > 0 and path.stat(follow_symlinks=False).st_size == 0


def _reserve(path: Path) -> None:
    """Make an empty file, so that nobody else takes the name.

    Raises:
        FileExistsError: If somebody has.
    """
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))


def _move(source: Path, target: Path, scratch: str) -> None:
    _reserve(target)
    try:
        source.replace(target)
    except OSError as error:
        target.unlink()
        if error.errno != errno.EXDEV:
            raise
        _copy(source, target, scratch)
        source.unlink()
    _flush_folder(target.parent)
    _flush_folder(source.parent)


def _copy(source: Path, target: Path, scratch: str) -> None:
    """Copy a file with its times; its name is there once the copy is whole and verified."""
    partial = target.with_name(scratch)
    with source.open("rb") as reading, partial.open("xb") as writing:
        shutil.copyfileobj(reading, writing, _CHUNK)
        _flush(writing)
    shutil.copystat(source, partial)
    if not _same_content(source, partial):
        partial.unlink()
        msg = f"the copy of {source} at {target} is not what was copied"
        raise OutputError(msg)
    _reserve(target)
    partial.replace(target)
    _flush_folder(target.parent)


def _same_content(one: Path, other: Path) -> bool:
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as first, other.open("rb") as second:
        while chunk := first.read(_CHUNK):
            if chunk != second.read(_CHUNK):
                return False
    return True


def same_content(one: Path, other: Path) -> bool:
    """Return whether two files can be read and hold the same bytes."""
    try:
        return _same_content(one, other)
    except OSError:
        return False


def _tidy(folder: Path, scratch: str) -> None:
    """Delete what an earlier try has left half done."""
    with suppress(OSError):
        (folder / scratch).unlink()


def _flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Have names on the disk, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
