"""From what the user names to the photos to score: the one way from names to sources."""

import os
from collections.abc import Iterable, Iterator
from functools import partial

from biqa_cli.errors import ImageError
from biqa_cli.images.discovery import find_images
from biqa_cli.images.seen import Seen
from biqa_cli.sources import addresses, fetching, listing
from biqa_cli.sources.choice import Choice
from biqa_cli.sources.clients import require_client
from biqa_cli.sources.entry import Entry, unreadable
from biqa_cli.sources.opening import opener_of
from biqa_cli.sources.tables import (
    NO_PARTS,
    is_hidden,
    is_part,
    is_table,
    photos_in_table,
    tables_of,
)
from biqa_cli.sources.tars import packed_by, photos_in_tar
from biqa_cli.sources.zips import is_zip, photos_in_zip

Found = str | Entry
"""The name of a file, or a photo that is none."""


def find_photos(
    inputs: Iterable[str], choice: Choice | None = None, *, seen: Seen | None = None
) -> Iterator[Found]:
    """Yield the photos to score, in a stable order, each file once; one at a time.

    Files and folders are as in `find_images`. An archive (.tar, .zip), a table (.parquet) and an
    address that are named stand for the photos in them; those that lie in a folder are no photos.

    Args:
        inputs: Names of files, folders, archives and tables, and addresses.
        choice: What is taken of them. None takes all.
        seen: What earlier calls have yielded; this one adds its own.

    Raises:
        UsageError: If a table has no photos.
        DependencyError: If a package is missing.
    """
    choice = choice or Choice()
    seen = Seen() if seen is None else seen
    for name in inputs:
        yield from _photos_of(name, choice, seen)


def photo_named(name: str) -> Found:
    """Return the one photo that a name stands for: that of a file, or an address."""
    if not addresses.is_address(name):
        return name
    return Entry(addresses.shown(name), partial(fetching.read_address, name))


def is_quick_to_count(name: str) -> bool:
    """Return whether the photos of an input can be counted without reading what is in it."""
    return not (addresses.is_address(name) or packed_by(name) is not None or is_table(name))


def _photos_of(name: str, choice: Choice, seen: Seen) -> Iterator[Found]:
    if addresses.is_address(name):
        yield from _behind_address(name, choice, seen)
    elif is_table(name):
        for part in tables_of(name):
            if isinstance(part, Entry):
                yield part
            # A table is a file as well: named twice, it counts once.
            elif list(_files([part], choice, seen)):
                yield from _named_in_table(part, choice, seen)
    # Path.is_file() raises for names that are too long, or may not be looked at.
    elif _is_archive(name) and os.path.isfile(name):  # noqa: PTH113
        if list(_files([name], choice, seen)):
            yield from _in_archive(name, choice, on_disk=True)
    else:
        for path in _files([name], choice, seen):
            if choice.is_of_shard(path):
                yield path


def _files(names: list[str], choice: Choice, seen: Seen) -> Iterator[str]:
    return find_images(
        names,
        recursive=choice.recursive,
        exclude=choice.exclude,
        newer_than=choice.newer_than,
        seen=seen,
    )


def _is_archive(name: str) -> bool:
    return packed_by(name) is not None or is_zip(name)


def _in_archive(name: str, choice: Choice, *, on_disk: bool) -> Iterator[Entry]:
    opener = opener_of(name)
    row = name if on_disk else addresses.shown(name)
    if is_zip(name):
        return photos_in_zip(row, opener, choice)
    return photos_in_tar(row, opener, choice, on_disk=on_disk)


def _named_in_table(name: str, choice: Choice, seen: Seen) -> Iterator[Found]:
    for found in photos_in_table(name, choice):
        if isinstance(found, Entry):
            yield found
        elif addresses.is_address(found):
            yield from _one_address(found, choice, seen)
        elif choice.is_of_shard(found):
            yield found


def _one_address(address: str, choice: Choice, seen: Seen) -> Iterator[Entry]:
    # Once for all, in place of an error in every row.
    require_client(address)
    row = addresses.shown(address)
    if choice.is_of_shard(row) and seen.add(row):
        yield Entry(row, partial(fetching.read_address, address))


def _behind_address(address: str, choice: Choice, seen: Seen) -> Iterator[Found]:
    if addresses.is_web(address) or not listing.is_pattern(address):
        yield from _at_address(address, choice, seen)
        return
    try:
        for found in listing.matches(address):
            # Names of objects may have the signs of patterns themselves.
            yield from _at_address(found.address, choice, seen)
    except ImageError as error:
        yield unreadable(addresses.shown(address), str(error))


def _at_address(address: str, choice: Choice, seen: Seen) -> Iterator[Found]:
    row = addresses.shown(address)
    bare = row.partition("?")[0] if addresses.is_web(row) else row
    try:
        if is_table(bare) and listing.is_folder(address):
            yield from _in_parts(address, choice, seen)
        elif is_table(bare):
            if seen.add(row):
                yield from _named_in_table(address, choice, seen)
        elif _is_archive(bare):
            if seen.add(row):
                yield from _in_archive(address, choice, on_disk=False)
        elif listing.is_folder(address):
            yield from _below_address(address, choice, seen)
        else:
            yield from _one_address(address, choice, seen)
    except ImageError as error:
        yield unreadable(row, str(error))


def _in_parts(address: str, choice: Choice, seen: Seen) -> Iterator[Found]:
    has_parts = False
    for found in listing.objects_below(address, lambda folder: not is_hidden(folder.name)):
        if is_part(found.name):
            has_parts = True
            if seen.add(found.address):
                yield from _named_in_table(found.address, choice, seen)
    if not has_parts:
        raise ImageError(NO_PARTS)


def _below_address(address: str, choice: Choice, seen: Seen) -> Iterator[Entry]:
    def wants(folder: listing.Listed) -> bool:
        is_wanted = choice.recursive and not folder.name.startswith(".")
        return is_wanted and choice.wants_name(folder.name)

    for found in listing.objects_below(address, wants):
        if choice.wants_member(found.name):
            yield from _one_address(found.address, choice, seen)
