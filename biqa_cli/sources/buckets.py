"""From an address to the photos behind it: patterns, folders, archives, tables."""

from collections.abc import Iterator

from biqa_cli.errors import ImageError
from biqa_cli.sources import addresses, listing
from biqa_cli.sources.entry import Entry
from biqa_cli.sources.search import (
    Found,
    Search,
    is_archive,
    photo_at,
    photos_in_archive,
    photos_named_in,
)
from biqa_cli.sources.tables import NO_PARTS, is_hidden, is_part, is_table


def photos_behind(address: str, search: Search) -> Iterator[Found]:
    """Yield the photos that an address or a pattern of addresses stands for.

    Raises:
        UsageError: If there is no such bucket, or a table has no photos.
        DependencyError: If a package is missing.
    """
    if addresses.is_web(address) or not listing.is_pattern(address):
        yield from _photos_at(address, search, changed=None)
        return
    try:
        for found in listing.matches(address):
            # Names of objects may have the signs of patterns themselves.
            yield from _photos_at(found.address, search, changed=found.changed)
    except ImageError as error:
        yield from search.choice.error_row(addresses.shown(address), str(error))


def _photos_at(address: str, search: Search, *, changed: int | None) -> Iterator[Found]:
    row = addresses.shown(address)
    bare = addresses.without_query(row)
    try:
        if is_table(bare) and _is_folder_of_parts(address):
            yield from _photos_in_parts(address, search)
        elif is_table(bare):
            is_old = search.is_old(row, changed)
            if search.seen.add(row):
                yield from photos_named_in(address, search, is_old=is_old)
        elif is_archive(bare):
            if not search.is_old(row, changed) and search.seen.add(row):
                yield from photos_in_archive(address, search)
        elif listing.is_folder(address):
            yield from _photos_below(address, search)
        else:
            yield from photo_at(address, search, changed=changed)
    except ImageError as error:
        yield from search.choice.error_row(row, str(error))


def _is_folder_of_parts(address: str) -> bool:
    if address.endswith("/"):
        return True
    try:
        return listing.is_folder(address)
    except ImageError:
        # Who may read a table need not be allowed to list its bucket.
        return False


def _photos_in_parts(address: str, search: Search) -> Iterator[Found]:
    has_parts = False
    for found in listing.objects_below(address, lambda folder: not is_hidden(folder.name)):
        if is_part(found.name):
            has_parts = True
            if search.seen.add(found.address):
                is_old = search.is_old(found.address, found.changed)
                yield from photos_named_in(found.address, search, is_old=is_old)
    if not has_parts:
        raise ImageError(NO_PARTS)


def _photos_below(address: str, search: Search) -> Iterator[Entry]:
    choice = search.choice

    def wants(folder: listing.Listed) -> bool:
        is_hidden = folder.name.startswith(".")
        return choice.recursive and not is_hidden and choice.wants_name(folder.name)

    for found in listing.objects_below(address, wants):
        if choice.wants_member(found.name):
            yield from photo_at(found.address, search, changed=found.changed)
