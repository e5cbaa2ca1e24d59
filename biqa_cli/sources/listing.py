"""What is in folders behind addresses, and what patterns stand for."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from biqa_cli.errors import ImageError
from biqa_cli.images.discovery import has_image_suffix
from biqa_cli.sources.clients import bounded_in_time, client_of, is_web


def is_folder(address: str) -> bool:
    """Return whether an address stands for all photos below it."""
    if address.endswith("/"):
        return True
    filesystem, path = client_of(address)
    if is_web(filesystem) or has_image_suffix(path):
        return False
    return bool(bounded_in_time(address, lambda _: filesystem.isdir(path)))


def matches(address: str) -> Iterator[str]:
    """Yield the addresses that a pattern (* and ?) stands for, sorted."""
    filesystem, path = client_of(address)
    found = bounded_in_time(address, lambda _: filesystem.glob(path))
    scheme = address.partition("://")[0]
    yield from (f"{scheme}://{name}" for name in sorted(found))


def list_folder(address: str) -> Iterator[tuple[str, bool]]:
    """Yield what is in a folder, each with whether it is a folder itself.

    A bucket of S3 is listed a thousand names at a time, whatever there is in it.

    Raises:
        ImageError: If it cannot be listed.
    """
    filesystem, path = client_of(address)
    scheme = address.partition("://")[0]
    if hasattr(filesystem, "call_s3"):
        yield from _pages_of_s3(filesystem, address)
        return
    if is_web(filesystem):
        raise ImageError("a folder of a web server cannot be listed: name its photos in a list")
    found = bounded_in_time(address, lambda _: filesystem.ls(path, detail=True))
    for entry in sorted(found, key=lambda entry: str(entry["name"])):
        if entry["name"].rstrip("/") != path.rstrip("/"):
            yield f"{scheme}://{entry['name']}", entry["type"] == "directory"


def _pages_of_s3(filesystem: Any, address: str) -> Iterator[tuple[str, bool]]:  # noqa: ANN401
    scheme, _, rest = address.partition("://")
    bucket, _, prefix = rest.partition("/")
    prefix = prefix.rstrip("/") + "/" if prefix.rstrip("/") else ""
    asked = {"Bucket": bucket, "Prefix": prefix, "Delimiter": "/"}
    while True:
        page = bounded_in_time(address, partial(_page, filesystem, asked))
        for found in page.get("Contents", ()):
            if not found["Key"].endswith("/"):
                yield f"{scheme}://{bucket}/{found['Key']}", False
        for found in page.get("CommonPrefixes", ()):
            yield f"{scheme}://{bucket}/{found['Prefix']}", True
        if not page.get("IsTruncated"):
            return
        asked |= {"ContinuationToken": page["NextContinuationToken"]}


def _page(filesystem: Any, asked: dict[str, str], _: float) -> Any:  # noqa: ANN401
    return filesystem.call_s3("list_objects_v2", **asked)
