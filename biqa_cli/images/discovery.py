"""From what the user names to the files to score: paths only, nothing is opened."""

import os
import re
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from fnmatch import translate
from functools import lru_cache

from biqa_cli.errors import UsageError
from biqa_cli.images.seen import Seen
from biqa_cli.images.suffixes import SUFFIXES

LEFT_OUT = (
    # What systems put beside photos: bins, previews, and the other half of a file (macOS).
    *("$RECYCLE.BIN", "System Volume Information", "lost+found", "__MACOSX", "._*"),
    *("#recycle", "#snapshot", "@Recycle", "@Recently-Snapshot", "@eaDir"),
    "*_biqa_files",  # the pictures of a report
)
"""Names of files and folders that are skipped inside a folder, beside those of hidden folders."""

_HIDDEN = "."


def find_images(
    inputs: Iterable[str],
    *,
    recursive: bool = True,
    exclude: Collection[str] = (),
    newer_than: int | None = None,
    seen: Seen | None = None,
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
    seen = Seen() if seen is None else seen
    unwanted = unwanted_names(exclude)
    # Files come folder after folder.
    real = lru_cache(maxsize=64)(os.path.realpath)
    for name in inputs:
        status = _status(name)
        if status is not None and stat.S_ISDIR(status.st_mode):
            found = _images_below(name, recursive=recursive, unwanted=unwanted)
        else:
            found = iter([(name, _is_link(name), status)])
        for path, is_link, at in found:
            if at is not None:
                if newer_than is not None and at.st_mtime_ns <= newer_than:
                    continue
                if stat.S_ISREG(at.st_mode) and not seen.add(
                    _identity(path, at, is_link=is_link, real=real)
                ):
                    continue
            yield path


def unwanted_names(exclude: Collection[str] = ()) -> Callable[[str], object]:
    """Return what says whether a file or a folder of a name is left out of folders.

    Args:
        exclude: Patterns beside `LEFT_OUT`.
    """
    return re.compile("|".join(map(translate, (*LEFT_OUT, *exclude)))).match


def has_image_suffix(name: str) -> bool:
    """Return whether a file inside a folder is taken for a photo."""
    return os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122  ten times as fast


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


_Found = tuple[str, bool, os.stat_result | None]
"""The name of a file, whether it is a link, and its state, None where it is not there."""


def _images_below(
    folder: str, *, recursive: bool, unwanted: Callable[[str], object]
) -> Iterator[_Found]:
    # Folders may lie deeper than Python calls functions.
    left = [folder]
    while left:
        current = left.pop()
        try:
            files, links, subfolders = _listed(current, unwanted)
        except OSError:
            # Yielded as if it were a file: reading it makes the row that says what is wrong.
            yield current, False, None
            continue
        for name in files:
            path = os.path.join(current, name)  # noqa: PTH118  ten times as fast
            status = _status(path)
            # A broken link is yielded: reading it tells so.
            if stat.S_ISREG(status.st_mode) if status is not None else name in links:
                yield path, name in links, status
        if recursive:
            left.extend(reversed(subfolders))


def _listed(
    folder: str, unwanted: Callable[[str], object]
) -> tuple[list[str], set[str], list[str]]:
    """Return the names of photos, which of them are links, and the paths of folders, sorted.

    Raises:
        OSError: If the folder cannot be read.
    """
    # Only names are kept: a folder may have a million.
    files, links, folders = [], set(), []
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if unwanted(name):
                continue
            if entry.is_dir(follow_symlinks=False):
                if not name.startswith(_HIDDEN):
                    folders.append(entry.path)
            elif has_image_suffix(name):
                files.append(name)
                if entry.is_symlink():
                    links.add(name)
    return sorted(files), links, sorted(folders)


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116  Path takes as long as the system
    except (OSError, ValueError):
        return None


def _is_link(path: str) -> bool:
    # os.path.islink() returns False for names that are too long, or have a NUL.
    return os.path.islink(path)  # noqa: PTH114


def _identity(
    path: str, status: os.stat_result, *, is_link: bool, real: Callable[[str], str]
) -> str:
    """Return what two names of one file have in common.

    The inode is asked only where a file says that it has several names: some network file systems
    give one inode to many files.
    """
    if status.st_nlink > 1:
        # No path has a NUL.
        return f"\0{status.st_dev}:{status.st_ino}"
    if is_link:
        return os.path.realpath(path)
    folder, name = os.path.split(path)
    return os.path.join(real(folder), name)  # noqa: PTH118
