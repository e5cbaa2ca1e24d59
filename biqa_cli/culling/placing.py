"""How files get their names: whole, on the disk, and never in place of somebody else's.

A name is reserved by an empty file before it is given away. So whenever a run is killed, a name
holds nothing, an empty file, or all of what it should hold.
"""

import errno
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from biqa_cli.errors import OutputError
from biqa_cli.whole_files import COARSEST_CLOCK

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells a file from another one of its name; it goes along when the file is moved."""

    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """Return the mark of a file, None where there is none."""
        try:
            found = path.stat(follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return cls(found.st_size, found.st_mtime_ns)

    def is_of(self, path: Path) -> bool:
        """Return whether a file has this mark."""
        found = Mark.of(path)
        return (
            found is not None
            and found.size == self.size
            and abs(found.mtime_ns - self.mtime_ns) < COARSEST_CLOCK
        )


def move(source: Path, target: Path, *, scratch: str) -> None:
    """Move a file, to another disk too; a target that is there is not overwritten.

    Raises:
        FileExistsError: If the target is there.
    """
    _reserve(target)
    try:
        source.replace(target)
    except OSError as error:
        target.unlink()
        if error.errno != errno.EXDEV:
            raise
        copy(source, target, scratch=scratch)
        source.unlink()
    flush_folder(target.parent)
    flush_folder(source.parent)


def copy(source: Path, target: Path, *, scratch: str) -> None:
    """Copy a file with its times and rights; it has its name once the copy is whole and verified.

    Raises:
        FileExistsError: If the target is there.
        OutputError: If the copy is not what was copied.
    """
    partial = target.with_name(scratch)
    with source.open("rb") as reading, partial.open("xb") as writing:
        shutil.copyfileobj(reading, writing, _CHUNK)
        _flush(writing)
    shutil.copystat(source, partial)
    if not same_bytes(source, partial):
        partial.unlink()
        msg = f"the copy of {source} at {target} is not what was copied"
        raise OutputError(msg)
    _reserve(target)
    partial.replace(target)
    flush_folder(target.parent)


def link(source: Path, target: Path) -> None:
    """Give a file a second name."""
    os.link(source, target)
    flush_folder(target.parent)


def put(path: Path, data: bytes, *, scratch: str, new: bool) -> None:
    """Give a file its content, at once or not at all.

    Args:
        path: Of the file.
        data: Its content.
        scratch: Its name until it is whole.
        new: Whether there must be none yet; otherwise its rights stay as they are.
    """
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
    flush_folder(path.parent)


def is_reserved(path: Path, mark: Mark) -> bool:
    """Return whether a name is only reserved for a file with a mark."""
    return mark.size > 0 and path.stat(follow_symlinks=False).st_size == 0


def same_bytes(one: Path, other: Path) -> bool:
    """Return whether two files hold the same.

    Raises:
        OSError: If one cannot be read.
    """
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as first, other.open("rb") as second:
        while chunk := first.read(_CHUNK):
            if chunk != second.read(_CHUNK):
                return False
    return True


def are_alike(one: Path, other: Path) -> bool:
    """Return whether two files can be read and hold the same bytes."""
    try:
        return same_bytes(one, other)
    except OSError:
        return False


def tidy(folder: Path, scratch: str) -> None:
    """Delete what an earlier try has left half done."""
    with suppress(OSError):
        (folder / scratch).unlink()


def flush_folder(folder: Path) -> None:
    """Have names on the disk, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _reserve(path: Path) -> None:
    """Make an empty file, so that nobody else takes the name.

    Raises:
        FileExistsError: If somebody has.
    """
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))


def _flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
