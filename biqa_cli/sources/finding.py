"""From what the user names to the photos to score: the one way from names to sources."""

import os
from collections.abc import Iterable, Iterator
from functools import partial

from biqa_cli.images.discovery import find_images
from biqa_cli.images.seen import Seen
from biqa_cli.sources import addresses, fetching
from biqa_cli.sources.buckets import photos_behind
from biqa_cli.sources.choice import Choice
from biqa_cli.sources.entry import Entry
from biqa_cli.sources.search import Found, Search, is_archive, photos_in_archive, photos_named_in
from biqa_cli.sources.tables import is_table, tables_of
from biqa_cli.sources.tars import packed_by

__all__ = ["Found", "find_photos", "is_quick_to_count", "photo_named"]


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
        UsageError: If the first that is named is a table without photos.
        DependencyError: If a package is missing.
    """
    search = Search(choice or Choice(), Seen() if seen is None else seen)
    for name in inputs:
        yield from _photos_of(name, search)
        search.has_begun = True


def photo_named(name: str) -> Found:
    """Return the one photo that a name stands for: that of a file, or an address."""
    if not addresses.is_address(name):
        return name
    return Entry(addresses.shown(name), partial(fetching.read_address, name))


def is_quick_to_count(name: str) -> bool:
    """Return whether the photos of an input can be counted without reading what is in it."""
    return not (addresses.is_address(name) or packed_by(name) is not None or is_table(name))


def _photos_of(name: str, search: Search) -> Iterator[Found]:
    choice = search.choice
    if addresses.is_address(name):
        yield from photos_behind(name, search)
    elif is_table(name):
        for part in tables_of(name):
            if not isinstance(part, Entry):
                yield from _photos_of_table(part, search)
            elif choice.is_of_shard(part.name):
                yield part
    # Path.is_file() raises for names that are too long, or may not be looked at.
    elif is_archive(name) and os.path.isfile(name):  # noqa: PTH113
        if list(_files(name, search)):
            yield from photos_in_archive(name, search)
    else:
        for path in _files(name, search):
            if choice.is_of_shard(path):
                yield path


def _photos_of_table(name: str, search: Search) -> Iterator[Found]:
    # A table is a file as well: named twice, it counts once. What it names has times of its own.
    if list(find_images([name], seen=search.seen)):
        is_old = not list(find_images([name], newer_than=search.choice.newer_than))
        yield from photos_named_in(name, search, is_old=is_old)


def _files(name: str, search: Search) -> Iterator[str]:
    choice = search.choice
    return find_images(
        [name],
        recursive=choice.recursive,
        exclude=choice.exclude,
        newer_than=choice.newer_than,
        seen=search.seen,
    )
