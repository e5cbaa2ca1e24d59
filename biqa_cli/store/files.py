"""What tells one file from another: its path, size and time of change, and its content."""

import hashlib
import os
import stat
import time
from dataclasses import dataclass, replace
from pathlib import Path

from biqa_cli.whole_files import COARSEST_CLOCK

_DIGEST_BYTES = 20
_INTEGERS = range(-(1 << 63), 1 << 63)


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it was when it was looked at."""

    path: bytes
    """Absolute, as the file system has it."""
    size: int
    mtime_ns: int
    settled: bool
    """Whether any later change gives it another size or time. A file that was changed a moment
    before it was looked at may change once more within the same tick of its file system."""
    content: bytes | None = None
    """The hash of all that is in it; None where nobody has computed it yet."""


def state_of(path: str) -> FileState | None:
    """Return the state of a file, None where there is no regular file of that name."""
    now = time.time_ns()
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(found.st_mode) or found.st_size not in _INTEGERS:
        return None
    return FileState(
        os.fsencode(os.path.abspath(path)),  # noqa: PTH100  absolute() keeps "..", which `forget` cannot match
        found.st_size,
        found.st_mtime_ns,
        # Some dates are so far away that SQLite has no integer for them.
        settled=found.st_mtime_ns < now - COARSEST_CLOCK and found.st_mtime_ns in _INTEGERS,
    )


def state_of_content(name: str, content: bytes) -> FileState:
    """Return the state of a photo that is no file of its own: it is known by what it holds."""
    digest = hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()
    # A member of an archive lies where its archive does.
    place = name if "://" in name else os.path.abspath(name)  # noqa: PTH100  as in `state_of`
    return FileState(os.fsencode(place), len(content), 0, settled=False, content=digest)


def with_content(file: FileState) -> FileState | None:
    """Return the state with the hash of the content, which is read unless it is known.

    Returns:
        None where the file has changed since it was looked at, or cannot be read.
    """
    name = os.fsdecode(file.path)
    try:
        content = file.content or _hash_of(name)
    except OSError:
        return None
    now = state_of(name)
    if now is None or (now.size, now.mtime_ns) != (file.size, file.mtime_ns):
        return None
    return replace(file, content=content)


def _hash_of(name: str) -> bytes:
    with Path(name).open("rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.blake2b(digest_size=_DIGEST_BYTES)
        ).digest()
