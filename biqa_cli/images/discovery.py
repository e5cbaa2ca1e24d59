"""From what the user names to the files to score: paths only, nothing is opened."""

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from biqa_cli.errors import UsageError

SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
        *(".png", ".apng", ".webp", ".avif", ".gif"),
        *(".tif", ".tiff", ".bmp", ".dib"),
        *(".heic", ".heif", ".hif"),
    }
)


def find_images(inputs: Iterable[str], *, recursive: bool = True) -> Iterator[str]:
    """Yield the files to score, in a stable order, each file once.

    A named file is always yielded, whatever its suffix, and so is a name that does not exist:
    reading it tells why it cannot be scored. A folder yields the files whose suffix is that of
    an image, its own files first, then its folders, each sorted by name. Links to files are
    followed, links to folders inside a folder are not.

    Args:
        inputs: Names of files and folders.
        recursive: Whether folders inside folders are searched.
    """
    seen: set[tuple[int, int]] = set()
    for name in inputs:
        found = _images_below(name, recursive=recursive) if Path(name).is_dir() else (name,)
        for path in found:
            identity = _identity(path)
            if identity is not None:
                if identity in seen:
                    continue
                seen.add(identity)
            yield path


def _images_below(folder: str, *, recursive: bool) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        # Yielded as if it were a file: reading it makes the row that says what is wrong.
        yield folder
        return
    subfolders = []
    for entry in listed:
        if entry.is_dir(follow_symlinks=False):
            subfolders.append(entry.path)
        elif Path(entry.name).suffix.lower() in SUFFIXES and _may_be_photo(entry):
            yield entry.path
    if recursive:
        for subfolder in subfolders:
            yield from _images_below(subfolder, recursive=True)


def _may_be_photo(entry: os.DirEntry[str]) -> bool:
    """Return whether to read an entry: a file, or a broken link, whose reading tells so."""
    return entry.is_file() or (entry.is_symlink() and not Path(entry.path).exists())


def _identity(path: str) -> tuple[int, int] | None:
    """Return (device, inode), the same for two names of one file, None where there is no file."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None


def read_names(source: str, *, nul_separated: bool = False) -> Iterator[str]:
    """Yield the names that a list holds, one a line, as they arrive.

    Args:
        source: A text file, or "-" for standard input.
        nul_separated: Whether names end with NUL (`find -print0`) instead of a line break.

    Raises:
        UsageError: If the list cannot be read.
    """
    if source == "-":
        yield from _split(sys.stdin.buffer, nul_separated=nul_separated)
        return
    try:
        with Path(source).open("rb") as file:
            yield from _split(file, nul_separated=nul_separated)
    except OSError as error:
        msg = f"cannot read the list of files {source!r}: {error.strerror}"
        raise UsageError(msg) from error


def _split(file: IO[bytes], *, nul_separated: bool) -> Iterator[str]:
    if not nul_separated:
        for line in file:
            if name := line.rstrip(b"\r\n"):
                yield os.fsdecode(name)
        return
    rest = b""
    while chunk := file.read(1 << 16):
        *names, rest = (rest + chunk).split(b"\0")
        yield from (os.fsdecode(name) for name in names if name)
    if rest:
        yield os.fsdecode(rest)
