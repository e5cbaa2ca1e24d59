"""Photos in tar archives, WebDataset's among them, read from the first member to the last."""

import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import IO, cast

from biqa_cli.errors import ImageError, UsageError
from biqa_cli.sources.bounded import ArchiveError, Bounded
from biqa_cli.sources.choice import Choice
from biqa_cli.sources.entry import (
    MOST_BYTES,
    Entry,
    held,
    member_name,
    too_large,
    unreadable,
)
from biqa_cli.sources.names import Names

SUFFIXES = {
    ".tar": "",
    **dict.fromkeys((".tar.gz", ".tgz"), "gz"),
    **dict.fromkeys((".tar.bz2", ".tbz2"), "bz2"),
    **dict.fromkeys((".tar.xz", ".txz"), "xz"),
}
"""How an archive of a name is compressed."""
_ENDS = tuple(SUFFIXES)

_MOST_ZEROS = 1 << 26
"""Behind the last member: a tape has records of some MB at the most."""
_BEHIND = "what follows its end is no tar"

_DAMAGED = (
    *(ArchiveError, tarfile.TarError, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, ValueError, RecursionError),
)
"""What reading a damaged archive raises."""


def packed_by(name: str) -> str | None:
    """Return how the tar archive of a name is compressed; None where it is none."""
    lower = name.lower()
    if not lower.endswith(_ENDS):
        # Asked of every name.
        return None
    return next((packed for end, packed in SUFFIXES.items() if lower.endswith(end)), None)


def photos_in_tar(
    name: str,
    open_archive: Callable[[], IO[bytes]],
    choice: Choice,
    names: Names,
    *,
    packed: str,
    on_disk: bool,
) -> Iterator[Entry]:
    """Yield the photos of an archive; links, devices and archives in it are no photos.

    Archives that were written one behind the other are one, as for `tar -i`.

    Args:
        name: Of the archive, as the rows have it.
        open_archive: Opens it, in whichever process reads a member; it can be pickled.
        choice: Which members are wanted.
        names: Of rows: members may have the same.
        packed: As `packed_by` tells it; empty where it is not compressed.
        on_disk: Whether `name` is a file: of an archive that is not compressed, members are then
            read where they lie, by threads. Otherwise they are read here, one after the other.
    """
    found = 0
    try:
        with closing(Bounded(open_archive(), packed)) as file:
            in_place = open_archive if on_disk and not packed else None
            for entry in _photos(name, file, choice, names, in_place=in_place):
                found += 1
                if entry is not None:
                    yield entry
    except UsageError:
        # A package is missing: that is no fault of the archive.
        raise
    except ImageError as error:
        after = f"the archive cannot be read on after {found} photos: " if found else ""
        yield from choice.error_row(name, f"{after}{error}")
    except _DAMAGED as error:
        why = str(error) if isinstance(error, ArchiveError) else "it is damaged or cut off"
        why = f"the archive cannot be read on after {found} photos: {why}"
        yield from choice.error_row(name, why)


def _photos(
    name: str,
    file: Bounded,
    choice: Choice,
    names: Names,
    *,
    in_place: Callable[[], IO[bytes]] | None,
) -> Iterator[Entry | None]:
    """Yield the photos of an archive, None for each of another shard."""
    with tarfile.open(fileobj=cast("IO[bytes]", file), mode="r:") as archive:
        while (member := _next(archive, file)) is not None:
            # The class keeps all members that it has met.
            archive.members.clear()  # type: ignore[attr-defined]
            if member.size < 0:
                raise ArchiveError("it is damaged")
            if not member.isreg() or not choice.wants_member(member.name):
                continue
            row, wrong = member_name(name, member.name)
            row = names.distinct(row)
            if not choice.is_of_shard(row):
                yield None
                continue
            if not wrong and member.size > MOST_BYTES:
                wrong = too_large(member.size)
            if wrong:
                yield unreadable(row, wrong)
            elif in_place is not None and not member.issparse():
                yield Entry(row, partial(_part, in_place, member.offset_data, member.size))
            else:
                yield held(row, _content(archive, member, file))


def _next(archive: tarfile.TarFile, file: Bounded) -> tarfile.TarInfo | None:
    """Return the next member, None at the end of the file.

    The class takes for the end what it cannot read and what is not there, too. The end are blocks
    of zeros, and another archive may follow them.

    Raises:
        ArchiveError: If the file ends without them, or something else follows.
    """
    zeros = 0
    while True:
        file.next_member()
        member = archive.next()
        if member is not None:
            return member
        if not file.last:
            if not zeros:
                raise ArchiveError("it is cut off")
            return None
        if file.last.strip(b"\0"):
            raise ArchiveError(_BEHIND if zeros else "it is damaged")
        zeros += len(file.last)
        if zeros > _MOST_ZEROS:
            raise ArchiveError(_BEHIND)
        archive.offset = file.tell()


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, file: Bounded) -> bytes:
    file.in_headers = False
    try:
        with cast("IO[bytes]", archive.extractfile(member)) as content:
            found = content.read(member.size)
    finally:
        file.in_headers = True
    if len(found) < member.size:
        raise ArchiveError("it is cut off")
    return found


def _part(open_archive: Callable[[], IO[bytes]], offset: int, size: int) -> bytes:
    """Return a member of an archive on the disk, by its place.

    Raises:
        ImageError: If it is not there.
    """
    try:
        with open_archive() as file:
            file.seek(offset)
            content = file.read(size)
    except OSError as error:
        msg = f"the archive cannot be read: {error.strerror}"
        raise ImageError(msg) from error
    if len(content) < size:
        raise ImageError("the archive is cut off within it")
    return content
