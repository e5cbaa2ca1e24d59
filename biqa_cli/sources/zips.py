"""Photos in zip archives, read member by member where they lie."""

import lzma
import stat
import struct
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
_UTF_8 = 1 << 11
"""Flags of a member."""
_NOT_UTF_8 = "cp437"
"""The encoding of names without the flag."""
_LISTED, _LISTED_SIZE, _HEADER_SIZE = b"PK\x01\x02", 46, 30
"""What a member begins with in the list, and how much stands before a name, there and before the
member (APPNOTE 4.3.12, 4.3.7)."""

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
    file = _File(raw, headers=_MOST_DIRECTORY, forwards=False)
    try:
        archive = _archive(file)
        _refuse_overlaps(archive.infolist())
    except (ArchiveError, zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        file.close()
        why = str(error) if isinstance(error, ArchiveError) else "it is damaged, or no zip archive"
        raise ImageError(f"the archive cannot be read: {why}") from error
    file.in_headers = False
    # Once nobody reads it any more: a thread may still do when another archive takes its place.
    weakref.finalize(archive, file.close)
    return archive


class _File(Bounded):
    """A zip archive, of which some names that claim to be UTF-8 may be none."""

    renamed: tuple[int, ...] | None = None
    """Which members have such names, once they are looked for."""
    places: frozenset[int] = frozenset()
    """Where these members begin."""

    def begin_anew(self) -> None:
        """Let the list of members be read once more, and its false claims be taken back."""
        self.next_member()
        self.renamed = ()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; false claims are taken back, in the list and before a member."""
        place, content = self.tell(), super().read(size)
        if self.renamed is None:
            return content
        if self.in_headers and content.startswith(_LISTED):
            content, self.renamed = _without_false_claims(content)
        elif size == _HEADER_SIZE == len(content) and place in self.places:
            (flags,) = struct.unpack_from("<H", content, 6)
            content = content[:6] + struct.pack("<H", flags & ~_UTF_8) + content[8:]
        return content


def _archive(file: _File) -> zipfile.ZipFile:
    """Return an archive; a name that is no UTF-8 has its bytes escaped, as that of a file has."""
    try:
        return zipfile.ZipFile(cast("IO[bytes]", file))
    except UnicodeDecodeError:
        # The class reads all names or none.
        file.begin_anew()
        archive = zipfile.ZipFile(cast("IO[bytes]", file))
    renamed = [archive.infolist()[number] for number in file.renamed or ()]
    for member in renamed:
        raw = member.filename.encode(_NOT_UTF_8)
        member.filename = raw.decode("utf-8", "surrogateescape")
    file.places = frozenset(member.header_offset for member in renamed)
    return archive


def _without_false_claims(listed: bytes) -> tuple[bytes, tuple[int, ...]]:
    """Return a list of members whose names of UTF-8 are UTF-8, and which have lost this claim."""
    corrected, renamed = bytearray(listed), list[int]()
    at, number = 0, 0
    while corrected.startswith(_LISTED, at) and at + _LISTED_SIZE <= len(corrected):
        (flags,) = struct.unpack_from("<H", corrected, at + 8)
        name, extra, comment = struct.unpack_from("<3H", corrected, at + 28)
        end = at + _LISTED_SIZE + name
        try:
            corrected[at + _LISTED_SIZE : end].decode("utf-8")
        except UnicodeDecodeError:
            if flags & _UTF_8:
                struct.pack_into("<H", corrected, at + 8, flags & ~_UTF_8)
                renamed.append(number)
        at = end + extra + comment
        number += 1
    return bytes(corrected), tuple(renamed)


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
