"""From what the user names to the files to score: paths only, nothing is opened."""

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path

from biqa_cli.errors import UsageError
from biqa_cli.images.suffixes import SUFFIXES

LEFT_OUT = (
    # What systems put beside photos: bins, previews, and the other half of a file (macOS).
    *("$RECYCLE.BIN", "System Volume Information", "lost+found", "__MACOSX", "._*"),
    *("#recycle", "#snapshot", "@Recycle", "@Recently-Snapshot", "@eaDir"),
    "*_biqa_files",  # the pictures of a report
)
"""Names of files and folders that are skipped inside a folder, beside those of hidden folders."""

_HIDDEN = "."

Identity = tuple[int, int] | str


def find_images(
    inputs: Iterable[str],
    *,
    recursive: bool = True,
    exclude: Collection[str] = (),
    newer_than: int | None = None,
    seen: set[Identity] | None = None,
) -> Iterator[str]:
    """Yield the files to score, in a stable order, each file once.

    A named file is always yielded, whatever its name, and so is a name that does not exist:
    reading it tells why it cannot be scored. A folder yields the files whose suffix is that of
    an image, its own files first, then its folders, each sorted by name. Links to files are
    followed, links to folders inside a folder are not.

    Args:
        inputs: Names of files and folders.
        recursive: Whether folders inside folders are searched.
        exclude: Patterns such as "*_thumb.*" beside `LEFT_OUT`: files and folders of such a name
            are left out of the folders that are searched, as hidden folders are.
        newer_than: A time in nanoseconds since 1970: files that were changed no later are left
            out, named ones too.
        seen: The files that earlier calls have yielded; this one adds its own.
    """
    seen = set() if seen is None else seen
    unwanted = (*LEFT_OUT, *exclude)
    for name in inputs:
        found = (
            _images_below(name, recursive=recursive, unwanted=unwanted)
            if _is_folder(name)
            else (name,)
        )
        for path in found:
            if newer_than is not None and not _is_newer(path, newer_than):
                continue
            identity = _identity(path)
            if identity is not None:
                if identity in seen:
                    continue
                seen.add(identity)
            yield path


def time_of(text: str) -> int:
    """Return the time that a date or a file stands for, in nanoseconds since 1970.

    Args:
        text: A date such as 2026-11-29, with a time of day such as 2026-11-29T18:30 where it
            matters, in the time of this place unless it says another; or a file: its last change.

    Raises:
        UsageError: If it is neither.
    """
    try:
        return round(datetime.fromisoformat(text).astimezone().timestamp() * 1e6) * 1000
    except (ValueError, OverflowError, OSError):
        pass
    try:
        # Path("") would be this folder.
        return os.stat(text).st_mtime_ns  # noqa: PTH116
    except (OSError, ValueError) as error:
        msg = f"{text!r} is neither a date, such as 2026-11-29 or 2026-11-29T18:30, nor a file"
        raise UsageError(msg) from error


def _is_folder(name: str) -> bool:
    try:
        return stat.S_ISDIR(Path(name).stat().st_mode)
    except (OSError, ValueError):
        # Path.is_dir() raises for names that are too long.
        return False


def _images_below(folder: str, *, recursive: bool, unwanted: Collection[str]) -> Iterator[str]:
    # Folders may lie deeper than Python calls functions.
    left = [folder]
    while left:
        current = left.pop()
        try:
            with os.scandir(current) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            # Yielded as if it were a file: reading it makes the row that says what is wrong.
            yield current
            continue
        subfolders = []
        for entry in listed:
            if any(fnmatchcase(entry.name, pattern) for pattern in unwanted):
                continue
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith(_HIDDEN):
                    subfolders.append(entry.path)
            elif Path(entry.name).suffix.lower() in SUFFIXES and _may_be_photo(entry):
                yield entry.path
        if recursive:
            left.extend(reversed(subfolders))


def _may_be_photo(entry: os.DirEntry[str]) -> bool:
    """Return whether to read an entry: a file, or a broken link, whose reading tells so."""
    try:
        return stat.S_ISREG(entry.stat().st_mode)
    except OSError:
        return entry.is_symlink()


def _is_newer(path: str, than: int) -> bool:
    """Return whether a file was changed later; one that is not there makes its row."""
    try:
        return Path(path).stat().st_mtime_ns > than
    except (OSError, ValueError):
        return True


def _identity(path: str) -> Identity | None:
    """Return what two names of one file have in common, None where there is no file.

    The inode is asked only where a file says that it has several names: some network file systems
    give one inode to many files.
    """
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):
            return None
        if status.st_nlink > 1:
            return status.st_dev, status.st_ino
        return os.path.realpath(path)
    except (OSError, ValueError):
        return None
