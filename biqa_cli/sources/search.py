"""One search for photos: what it knows, and the photos of one archive, table or address."""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from biqa_cli.images.seen import Seen
from biqa_cli.sources import addresses
from biqa_cli.sources.choice import Choice
from biqa_cli.sources.clients import require_client
from biqa_cli.sources.entry import Entry, unreadable
from biqa_cli.sources.names import Names
from biqa_cli.sources.opening import opener_of, reader_of
from biqa_cli.sources.tables import Named, photos_in_table
from biqa_cli.sources.tars import packed_by, photos_in_tar
from biqa_cli.sources.zips import is_zip, photos_in_zip

Found = str | Entry
"""The name of a file, or a photo that is none."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Search:
    """What one search for photos knows."""

    choice: Choice
    seen: Seen
    """Files and addresses that have been found."""
    names: Names = field(init=False)
    has_begun: bool = field(default=False, init=False)
    """Whether there was another source before."""
    _has_told: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.names = Names(self.seen)

    def is_old(self, name: str, changed: int | None) -> bool:
        """Return whether something was changed too early to be taken.

        Args:
            name: What it is called.
            changed: When it was changed, in nanoseconds since 1970. None is not known: it is taken,
                which is told once.
        """
        limit = self.choice.newer_than
        if limit is None:
            return False
        if changed is None:
            if not self._has_told:
                logger.warning(
                    "%s: when it was changed is not known, so it is taken for new, like all others "
                    "of which that is not known",
                    name,
                )
            self._has_told = True
            return False
        return changed <= limit


def is_archive(name: str) -> bool:
    """Return whether a name is that of an archive."""
    return packed_by(name) is not None or is_zip(name)


def photos_in_archive(name: str, search: Search) -> Iterator[Entry]:
    """Yield the photos of an archive: a file, or behind an address."""
    opener = opener_of(name)
    on_disk = not addresses.is_address(name)
    row = name if on_disk else addresses.shown(name)
    bare = name if on_disk else addresses.without_query(row)
    if is_zip(bare):
        return photos_in_zip(row, opener, search.choice, search.names)
    packed = packed_by(bare) or ""
    return photos_in_tar(row, opener, search.choice, search.names, packed=packed, on_disk=on_disk)


def photos_named_in(table: str, search: Search, *, is_old: bool) -> Iterator[Found]:
    """Yield the photos of a table: a file, or behind an address.

    Args:
        table: Its name.
        search: What is searched for.
        is_old: Whether photos that lie in the table itself are too old.
    """
    is_first, search.has_begun = not search.has_begun, True
    for found in photos_in_table(
        table, search.choice, search.names, is_old=is_old, is_first=is_first
    ):
        if isinstance(found, Entry):
            yield found
        elif found.row is not None:
            yield from _called(found.row, found, search)
        elif addresses.is_address(found.name):
            yield from photo_at(found.name, search, changed=None)
        elif search.choice.is_of_shard(found.name) and not _is_old_file(found.name, search):
            yield found.name


def photo_at(address: str, search: Search, *, changed: int | None) -> Iterator[Entry]:
    """Yield the photo behind an address, if it is wanted."""
    row = addresses.shown(address)
    if not search.choice.offline:
        # Once for all, in place of an error in every row.
        require_client(address)
    is_wanted = search.choice.is_of_shard(row) and not search.is_old(row, changed)
    if is_wanted and search.seen.add(row):
        yield _entry(row, address, search)


def _entry(row: str, name: str, search: Search, *, is_key: bool = False) -> Entry:
    if search.choice.offline and addresses.is_address(name):
        return unreadable(row, "is an address, and --offline opens no socket")
    return Entry(row, reader_of(name), is_key=is_key)


def _called(row: str, found: Named, search: Search) -> Iterator[Entry]:
    """Yield a photo that a table names and calls otherwise, if it is wanted."""
    if not search.choice.is_of_shard(row):
        return
    if addresses.is_address(found.name):
        is_old = search.is_old(addresses.shown(found.name), None)
    else:
        is_old = _is_old_file(found.name, search)
    if not is_old:
        yield _entry(row, found.name, search, is_key=found.is_key)


def _is_old_file(name: str, search: Search) -> bool:
    if search.choice.newer_than is None:
        return False
    try:
        changed = os.stat(name).st_mtime_ns  # noqa: PTH116  Path takes as long as the system
    except (OSError, ValueError):
        # Reading it makes the row that says what is wrong.
        return False
    return search.is_old(name, changed)
