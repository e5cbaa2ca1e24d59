"""What is behind addresses, by fsspec (an extra).

Whatever goes wrong becomes an ImageError in our words: those of its clients may hold secrets.
"""

import errno
import io
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import IO, Any, TypeVar, cast
from urllib.parse import urlsplit

from biqa_cli.errors import DependencyError, ImageError, UsageError
from biqa_cli.images.discovery import has_image_suffix
from biqa_cli.sources.addresses import scheme_of, shown
from biqa_cli.sources.entry import MOST_BYTES, too_large

_SECONDS = 60.0
"""For one photo, all attempts together."""
_CONNECT_SECONDS, _SILENT_SECONDS = 10.0, 20.0
_PAUSES = (0.5, 1.0, 2.0)
"""Between the attempts at what may go away: a busy server, a cut connection."""
_GONE, _FORBIDDEN, _TRY_LATER, _FAULT_OF_SERVER = (404, 410), (401, 403), 429, 500

_BUFFER = 1 << 20

_Made = TypeVar("_Made")

logger = logging.getLogger(__name__)


def require_client(address: str) -> None:
    """Check that what reads an address is installed.

    Raises:
        DependencyError: If it is not.
    """
    _connected(scheme_of(address))


def read_address(address: str) -> bytes:
    """Return the photo behind an address.

    Raises:
        ImageError: If it cannot be had within a minute, or is too large.
    """
    filesystem, path = _filesystem(address)
    content = _bounded_in_time(address, lambda left: _content_of(filesystem, path, seconds=left))
    if len(content) > MOST_BYTES:
        raise ImageError(too_large(len(content)))
    return content


def open_address(address: str) -> IO[bytes]:
    """Return a file behind an address, which is fetched as it is read.

    It can only be read forwards where a web server cannot send a part of a file.

    Raises:
        ImageError: If it cannot be opened.
    """
    filesystem, path = _filesystem(address)
    opened = _bounded_in_time(address, lambda _: filesystem.open(path, "rb"))
    return cast("IO[bytes]", io.BufferedReader(_Remote(opened, address), _BUFFER))


class _Remote(io.RawIOBase):
    """A file of fsspec's as Python's are: what goes wrong is an ImageError.

    Parts of a file that can be asked for anew are. A web server may only send all of it.
    """

    def __init__(self, file: Any, address: str) -> None:  # noqa: ANN401
        self._file = file
        self._address = address
        self._is_stream = type(file).__name__ == "HTTPStreamFile"

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return not self._is_stream

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401
        pauses = () if self._is_stream else _PAUSES
        content = _bounded_in_time(
            self._address, lambda _: self._file.read(len(buffer)) or b"", pauses
        )
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def is_folder(address: str) -> bool:
    """Return whether an address stands for all photos below it."""
    if address.endswith("/"):
        return True
    filesystem, path = _filesystem(address)
    if _is_web(filesystem) or has_image_suffix(path):
        return False
    return bool(_bounded_in_time(address, lambda _: filesystem.isdir(path)))


def matches(address: str) -> Iterator[str]:
    """Yield the addresses that a pattern (* and ?) stands for, sorted."""
    filesystem, path = _filesystem(address)
    found = _bounded_in_time(address, lambda _: filesystem.glob(path))
    scheme = address.partition("://")[0]
    yield from (f"{scheme}://{name}" for name in sorted(found))


def list_folder(address: str) -> Iterator[tuple[str, bool]]:
    """Yield what is in a folder, each with whether it is a folder itself.

    A bucket of S3 is listed a thousand names at a time, whatever there is in it.

    Raises:
        ImageError: If it cannot be listed.
    """
    filesystem, path = _filesystem(address)
    scheme = address.partition("://")[0]
    if hasattr(filesystem, "call_s3"):
        yield from _pages_of_s3(filesystem, address)
        return
    if _is_web(filesystem):
        raise ImageError("a folder of a web server cannot be listed: name its photos in a list")
    found = _bounded_in_time(address, lambda _: filesystem.ls(path, detail=True))
    for entry in sorted(found, key=lambda entry: str(entry["name"])):
        if entry["name"].rstrip("/") != path.rstrip("/"):
            yield f"{scheme}://{entry['name']}", entry["type"] == "directory"


def _pages_of_s3(filesystem: Any, address: str) -> Iterator[tuple[str, bool]]:  # noqa: ANN401
    scheme, _, rest = address.partition("://")
    bucket, _, prefix = rest.partition("/")
    prefix = prefix.rstrip("/") + "/" if prefix.rstrip("/") else ""
    asked = {"Bucket": bucket, "Prefix": prefix, "Delimiter": "/"}
    while True:
        page = _bounded_in_time(address, partial(_page, filesystem, asked))
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


def _content_of(filesystem: Any, path: str, *, seconds: float) -> bytes:  # noqa: ANN401
    from fsspec.asyn import sync

    if _is_web(filesystem):
        return cast("bytes", sync(filesystem.loop, _body, filesystem, path, timeout=seconds))
    # One byte more than may be: an object is asked for without asking for its size first.
    fetch = filesystem._cat_file  # noqa: SLF001  what clients of fsspec implement
    content = sync(filesystem.loop, fetch, path, start=0, end=MOST_BYTES + 1, timeout=seconds)
    return cast("bytes", content)


async def _body(filesystem: Any, address: str) -> bytes:  # noqa: ANN401
    """Return what a web server sends, but no more than one byte over the limit."""
    session = await filesystem.set_session()
    async with session.get(address) as response:
        response.raise_for_status()
        body = bytearray()
        async for piece in response.content.iter_chunked(1 << 16):
            body += piece
            if len(body) > MOST_BYTES:
                break
        return bytes(body)


def _bounded_in_time(
    address: str, fetch: Callable[[float], _Made], pauses: Iterable[float] | None = None
) -> _Made:
    """Return what is fetched; what may go away is tried again, after some seconds each time.

    Raises:
        ImageError: If it cannot be had.
        DependencyError: If a package is missing.
    """
    end = time.monotonic() + _SECONDS
    waits = iter(_PAUSES if pauses is None else pauses)
    while True:
        try:
            return fetch(max(end - time.monotonic(), 1.0))
        except (ImageError, UsageError):
            raise
        except Exception as error:  # noqa: BLE001
            # Clients of a dozen libraries raise what they like. Its text may hold the address.
            reason, lasting = _reason(error)
            logger.info("%s: %s (%s)", shown(address), reason, type(error).__name__)
            pause = next(waits, None)
            if lasting or pause is None or time.monotonic() + pause >= end:
                raise ImageError(reason) from None
            time.sleep(pause)


def _reason(error: Exception) -> tuple[str, bool]:
    """Return why a photo cannot be had, and whether another attempt would be of no use."""
    # fsspec takes a file for missing whose size it could not ask for.
    status = getattr(error, "status", getattr(error.__cause__, "status", None))
    # gcsfs has the status under another name, and 403 in the text of an OSError alone.
    if status is None:
        status = getattr(error, "code", None)
    if isinstance(error, OSError) and str(error).startswith("Forbidden: "):
        status = 403
    name = type(error).__name__
    if status in _GONE or (isinstance(error, FileNotFoundError) and status is None):
        return "no such file", True
    if status in _FORBIDDEN or isinstance(error, PermissionError):
        return "no permission to read it", True
    if "Credential" in name:
        return "no permission to read it: there are no credentials", True
    lasting = False
    if isinstance(status, int):
        why = f"the server answers {status}"
        lasting = status < _FAULT_OF_SERVER and status != _TRY_LATER
    elif isinstance(error, TimeoutError) or "Timeout" in name:
        why = "the server is too slow"
    elif isinstance(error, OSError) and error.errno == errno.EBUSY:
        why = "the server is busy"
    else:
        why = "the connection fails"
    return f"cannot be fetched: {why}", lasting


def _is_web(filesystem: Any) -> bool:  # noqa: ANN401
    return "https" in filesystem.protocol


def _filesystem(address: str) -> tuple[Any, str]:
    """Return the file system of an address and the path in it.

    Raises:
        DependencyError: If its package is not installed.
        ImageError: If the address is none.
    """
    scheme = scheme_of(address)
    filesystem = _connected(scheme)
    if scheme in ("http", "https"):
        try:
            has_host = bool(urlsplit(address).hostname)
        except ValueError:
            has_host = False
        if not has_host:
            raise ImageError("is no address: it has no host")
        return filesystem, address
    return filesystem, address.partition("://")[2]


@cache
def _connected(scheme: str) -> Any:  # noqa: ANN401
    # At the first look at a bucket, gcsfs would ask which kind it is, over another protocol and for
    # up to a minute. Only zonal buckets need that: who has one sets it to true.
    os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    try:
        import fsspec

        return fsspec.filesystem(scheme, **_settings(scheme))
    except ImportError as error:
        msg = f"{scheme}:// needs fsspec and its clients: run `pip install 'biqa-cli[remote]'`"
        raise DependencyError(msg) from error


def _settings(scheme: str) -> dict[str, Any]:
    if scheme in ("s3", "s3a"):
        patience = {"connect_timeout": _CONNECT_SECONDS, "read_timeout": _SILENT_SECONDS}
        return {"config_kwargs": patience, "use_listings_cache": False}
    if scheme in ("http", "https"):
        from aiohttp import ClientTimeout

        timeout = ClientTimeout(
            total=None, sock_connect=_CONNECT_SECONDS, sock_read=_SILENT_SECONDS
        )
        return {"client_kwargs": {"timeout": timeout}}
    return {"use_listings_cache": False}
