"""Photos in zip archives, read member by member where they lie."""

import lzma
import stat
import weakref
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import IO, cast

from biqa_cli.errors import ImageError
from biqa_cli.sources.bounded import ArchiveError, Bounded
from biqa_cli.sources.choice import Choice
from biqa_cli.sources.entry import MOST_BYTES, Entry, member_name, too_large, unreadable
from biqa_cli.sources.fetching import NO_PARTS_SENT
from biqa_cli.sources.names import Names

SUFFIX = ".zip"

_MOST_DIRECTORY = 1 << 26
"""Bytes of the list of members: some 600,000 photos, which take 0.4 GB of memory."""
_ENCRYPTED = 1

_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(OSError, EOFError, ValueError, RuntimeError),
)
"""What unpacking a damaged member raises."""
_UNIX_MODE = 16


def is_zip(name: str) -> bool:
    """Return whether a name is that of a zip archive."""
    return name.lower().endswith(SUFFIX)


def photos_in_zip(
    name: str, open_archive: Callable[[], IO[bytes]], choice: Choice, names: Names
) -> Iterator[Entry]:
    """Yield the photos of an archive, in its order; links and archives in it are no photos.

    Args:
        name: Of the archive, as the rows have it.
        open_archive: Opens it, in whichever process reads a member; it can be pickled, and is equal
            to another only if both open the same archive.
        choice: Which members are wanted.
        names: Of rows: members may have the same.
    """
    try:
        archive = _opened(open_archive)
    except ImageError as error:
        yield from choice.error_row(name, str(error))
        return
    for number, member in enumerate(archive.infolist()):
        mode = member.external_attr >> _UNIX_MODE
        if member.is_dir() or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)):
            continue
        if not choice.wants_member(member.filename):
            continue
        row, wrong = member_name(name, member.filename)
        row = names.distinct(row)
        if not choice.is_of_shard(row):
            continue
        if not wrong and member.file_size > MOST_BYTES:
            wrong = too_large(member.file_size)
        if not wrong and member.flag_bits & _ENCRYPTED:
            wrong = "is encrypted in its archive"
        if wrong:
            yield unreadable(row, wrong)
        else:
            yield Entry(row, partial(_member, open_archive, number))


@lru_cache(maxsize=4)
def _opened(open_archive: Callable[[], IO[bytes]]) -> zipfile.ZipFile:
    """Return an archive whose list of members is read; a process opens it once.

    Raises:
        ImageError: If it is no zip archive, or one that would take too much.
    """
    raw = open_archive()
    if not raw.seekable():
        raw.close()
        raise ImageError(f"the archive cannot be read: {NO_PARTS_SENT}")
    file = Bounded(raw, headers=_MOST_DIRECTORY, forwards=False)
    try:
        archive = zipfile.ZipFile(cast("IO[bytes]", file))
        _refuse_overlaps(archive.infolist())
    except (ArchiveError, zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        file.close()
        why = str(error) if isinstance(error, ArchiveError) else "it is damaged, or no zip archive"
        raise ImageError(f"the archive cannot be read: {why}") from error
    file.in_headers = False
    # Once nobody reads it any more: a thread may still do when another archive takes its place.
    weakref.finalize(archive, file.close)
    return archive


def _refuse_overlaps(members: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive whose members share their bytes: a few MB unpack to terabytes that way.

    Raises:
        ArchiveError: If two do.
    """
    end = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        if member.header_offset < end:
            raise ArchiveError("its members overlap: a decompression bomb")
        end = member.header_offset + member.compress_size


def _member(open_archive: Callable[[], IO[bytes]], number: int) -> bytes:
    """Return what a member holds.

    Raises:
        ImageError: If it cannot be unpacked, or holds something else than the archive says.
    """
    archive = _opened(open_archive)
    try:
        # No more is unpacked than the list of members says, and then its checksum is compared.
        with archive.open(archive.infolist()[number]) as file:
            return file.read(MOST_BYTES)
    except NotImplementedError as error:
        raise ImageError("is compressed in its archive in a way that is not read") from error
    except _DAMAGED as error:
        raise ImageError("is damaged in its archive") from error
