"""What is in buckets, page by page: folders, and what patterns stand for."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from biqa_cli.errors import ImageError, UsageError
from biqa_cli.images.discovery import has_image_suffix
from biqa_cli.sources.clients import bounded_in_time, client_of, is_web_client

_ANY, _ONE, _ANY_FOLDERS = "*", "?", "**"


@dataclass(frozen=True, slots=True)
class Listed:
    """An object or a folder, as a bucket lists it."""

    address: str
    """That of a folder ends with a slash."""
    is_folder: bool
    changed: int | None = None
    """When an object was changed, in nanoseconds since 1970."""

    @property
    def name(self) -> str:
        """The last part of its address; folders may have no name, as in `a//b.jpg`."""
        return self.address.removesuffix("/").rpartition("/")[2]


def is_folder(address: str) -> bool:
    """Return whether an address stands for all photos below it.

    Raises:
        ImageError: If that cannot be asked.
        UsageError: If there is no such bucket.
    """
    if address.endswith("/"):
        return True
    filesystem, path = client_of(address)
    if is_web_client(filesystem) or has_image_suffix(path):
        return False
    return next(_pages(f"{address}/", most=1), None) is not None


def is_pattern(address: str) -> bool:
    """Return whether an address of a bucket may stand for several objects."""
    return any(sign in address for sign in (_ANY, _ONE))


def matches(address: str) -> Iterator[Listed]:
    """Yield what a pattern stands for: * is any text of a name, ? a letter, ** any folders.

    Raises:
        ImageError: If it cannot be listed.
        UsageError: If there is no such bucket.
    """
    scheme, _, path = address.partition("://")
    bucket, *parts = path.split("/")
    folders = iter([Listed(f"{scheme}://{bucket}/", is_folder=True)])
    for part in parts[:-1]:
        folders = _folders_called(part, folders)
    last = parts[-1] if parts else _ANY
    for folder in folders:
        wanted = _pattern(last)
        for found in _pages(folder.address, stem=_stem(last)):
            if wanted(found.name):
                yield found


def _folders_called(part: str, folders: Iterator[Listed]) -> Iterator[Listed]:
    """Yield the folders of a name, or of a pattern of names, in folders."""
    wanted = _pattern(part)
    for folder in folders:
        if part == _ANY_FOLDERS:
            yield folder
            yield from _folders_below(folder)
        elif is_pattern(part):
            inside = _pages(folder.address, stem=_stem(part))
            yield from (one for one in inside if one.is_folder and wanted(one.name))
        else:
            yield Listed(f"{folder.address}{part}/", is_folder=True)


def _folders_below(folder: Listed) -> Iterator[Listed]:
    left = [folder]
    while left:
        inside = [one for one in _pages(left.pop().address) if one.is_folder]
        yield from inside
        left.extend(reversed(inside))


def _stem(part: str) -> str:
    """Return how all names begin that a pattern stands for: a bucket need not list the others."""
    return re.split(r"[*?]", part, maxsplit=1)[0]


def _pattern(part: str) -> Callable[[str], object]:
    signs = {_ANY: ".*", _ONE: "."}
    return re.compile(
        "".join(signs.get(sign) or re.escape(sign) for sign in part), re.DOTALL
    ).fullmatch


def _in_folder(address: str) -> Iterator[Listed]:
    filesystem, _ = client_of(address)
    if is_web_client(filesystem):
        raise ImageError("a folder of a web server cannot be listed: name its photos in a list")
    yield from _pages(address if address.endswith("/") else f"{address}/")


def objects_below(address: str, wants_folder: Callable[[Listed], bool]) -> Iterator[Listed]:
    """Yield the objects in a folder, then those in its folders that are wanted, sorted by name.

    A folder is listed a thousand names at a time.

    Raises:
        ImageError: If it cannot be listed.
        UsageError: If there is no such bucket.
    """
    left = [address]
    while left:
        folders = []
        for found in _in_folder(left.pop()):
            if not found.is_folder:
                yield found
            elif wants_folder(found):
                folders.append(found.address)
        left.extend(sorted(folders, reverse=True))


def _pages(folder: str, *, stem: str = "", most: int = 1000) -> Iterator[Listed]:
    """Yield what is in a folder, page by page.

    Args:
        folder: Its address, with the slash at its end.
        stem: What the names begin with.
        most: Names of a page.
    """
    filesystem, path = client_of(folder)
    scheme = folder.partition("://")[0]
    bucket, _, prefix = path.partition("/")
    ask = _page_of_s3 if hasattr(filesystem, "call_s3") else _page_of_google
    token: str | None = ""
    while token is not None:
        asked = {"bucket": bucket, "prefix": prefix + stem, "token": token, "most": most}
        objects, folders, token = bounded_in_time(folder, partial(_asked, ask, filesystem, asked))
        for key, changed in objects:
            # A folder that was made has an object of its own.
            if not key.endswith("/"):
                yield Listed(f"{scheme}://{bucket}/{key}", False, changed)
        for key in folders:
            yield Listed(f"{scheme}://{bucket}/{key}", True)


_Page = tuple[list[tuple[str, int]], list[str], str | None]
"""Names of objects and when they were changed, folders, and what asks for the next page."""


def _asked(
    ask: Callable[..., _Page],
    filesystem: Any,  # noqa: ANN401
    asked: dict[str, Any],
    seconds: float,
) -> _Page:
    """Return a page.

    Raises:
        UsageError: If there is no such bucket: a folder that is not there is empty.
    """
    try:
        return ask(filesystem, **asked, seconds=seconds)
    except FileNotFoundError:
        msg = f"there is no bucket {asked['bucket']!r}: no photos can be found in it"
        raise UsageError(msg) from None


def _page_of_s3(
    filesystem: Any,  # noqa: ANN401
    *,
    bucket: str,
    prefix: str,
    token: str,
    most: int,
    seconds: float,  # noqa: ARG001  its client has a limit of its own
) -> _Page:
    asked = {"Bucket": bucket, "Prefix": prefix, "Delimiter": "/", "MaxKeys": most}
    page = filesystem.call_s3(
        "list_objects_v2", **asked, **({"ContinuationToken": token} if token else {})
    )
    objects = [(one["Key"], _nanoseconds(one["LastModified"])) for one in page.get("Contents", ())]
    folders = [one["Prefix"] for one in page.get("CommonPrefixes", ())]
    return objects, folders, page["NextContinuationToken"] if page.get("IsTruncated") else None


def _page_of_google(
    filesystem: Any,  # noqa: ANN401
    *,
    bucket: str,
    prefix: str,
    token: str,
    most: int,
    seconds: float,
) -> _Page:
    from fsspec.asyn import sync

    asked = {"prefix": prefix, "delimiter": "/", "maxResults": most}
    page = sync(
        filesystem.loop,
        # Its own listing drops folders without a name.
        filesystem._call,  # noqa: SLF001
        *("GET", "b/{}/o", bucket),
        **asked,
        **({"pageToken": token} if token else {}),
        json_out=True,
        timeout=seconds,
    )
    objects = [
        (one["name"], _nanoseconds(datetime.fromisoformat(one["updated"])))
        for one in page.get("items", ())
    ]
    return objects, page.get("prefixes", []), page.get("nextPageToken")


def _nanoseconds(time: datetime) -> int:
    return round(time.timestamp() * 1e6) * 1000
