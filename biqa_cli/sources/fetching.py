"""What is behind addresses: photos, and files that are read piece by piece."""

import io
import time
from http import HTTPStatus
from typing import IO, Any, cast

from biqa_cli.errors import ImageError
from biqa_cli.sources.clients import (
    PAUSES,
    bounded_in_time,
    client_of,
    is_web_client,
    pace_of_a_file,
    web_timeout,
)
from biqa_cli.sources.entry import MOST_BYTES, too_large
from biqa_cli.sources.reasons import is_past_end

NO_PARTS_SENT = "the server sends no parts of a file"

_BUFFER = 1 << 20


def read_address(address: str) -> bytes:
    """Return the photo behind an address.

    Raises:
        ImageError: If it cannot be had within a minute, or is too large.
    """
    filesystem, path = client_of(address)
    content = bounded_in_time(address, lambda left: _content_of(filesystem, path, seconds=left))
    if len(content) > MOST_BYTES:
        raise ImageError(too_large(len(content)))
    return content


def open_address(address: str) -> IO[bytes]:
    """Return a file behind an address, which is fetched as it is read.

    It can only be read forwards where a web server cannot send a part of a file. If less than 1 MB
    of it comes in a minute, reading it raises ImageError.

    Raises:
        ImageError: If it cannot be opened.
    """
    filesystem, path = client_of(address)
    parts = bounded_in_time(address, lambda left: _sends_parts(filesystem, path, seconds=left))
    # Blocks of no size are a stream.
    how = {} if parts else {"block_size": 0}
    opened = bounded_in_time(address, lambda _: filesystem.open(path, "rb", **how))
    if is_web_client(filesystem) and parts:
        opened.kwargs["timeout"] = web_timeout(opened.blocksize + _BUFFER)
    return cast("IO[bytes]", io.BufferedReader(_Remote(opened, address), _BUFFER))


class _Remote(io.RawIOBase):
    """A file of fsspec's as Python's are: what goes wrong is an ImageError.

    Parts of a file that can be asked for anew are. A web server may only send all of it.
    """

    def __init__(self, file: Any, address: str) -> None:  # noqa: ANN401
        self._file = file
        self._address = address
        self._is_stream = type(file).__name__ == "HTTPStreamFile"
        self._pace = pace_of_a_file()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return not self._is_stream

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401
        pauses = () if self._is_stream else PAUSES
        began = time.monotonic()
        content = bounded_in_time(
            self._address, lambda _: self._file.read(len(buffer)) or b"", pauses
        )
        self._pace.note(len(content), time.monotonic() - began)
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _content_of(filesystem: Any, path: str, *, seconds: float) -> bytes:  # noqa: ANN401
    from fsspec.asyn import sync

    if is_web_client(filesystem):
        return cast("bytes", sync(filesystem.loop, _body, filesystem, path, timeout=seconds))
    # One byte more than may be: an object is asked for without asking for its size first.
    fetch = filesystem._cat_file  # noqa: SLF001  what clients of fsspec implement
    try:
        content = sync(filesystem.loop, fetch, path, start=0, end=MOST_BYTES + 1, timeout=seconds)
    except Exception as error:
        if is_past_end(error):
            # It has no first byte.
            return b""
        raise
    return cast("bytes", content)


def _sends_parts(filesystem: Any, path: str, *, seconds: float) -> bool:  # noqa: ANN401
    """Return whether a server sends parts of a file; many do not, and do not say so."""
    from fsspec.asyn import sync

    if not is_web_client(filesystem):
        return True
    return bool(sync(filesystem.loop, _sends_first_byte, filesystem, path, timeout=seconds))


async def _sends_first_byte(filesystem: Any, address: str) -> bool:  # noqa: ANN401
    session = await filesystem.set_session()
    async with session.get(address, headers={"Range": "bytes=0-0"}) as response:
        if response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return True
        response.raise_for_status()
        return bool(response.status == HTTPStatus.PARTIAL_CONTENT)


async def _body(filesystem: Any, address: str) -> bytes:  # noqa: ANN401
    """Return what a web server sends, unpacked where it is compressed on its way.

    Raises:
        ImageError: If it is too large.
    """
    session = await filesystem.set_session()
    async with session.get(address) as response:
        response.raise_for_status()
        body = bytearray()
        async for piece in response.content.iter_chunked(1 << 16):
            body += piece
            if len(body) > MOST_BYTES:
                # Before it is copied, and however much would follow.
                raise ImageError(too_large(len(body)))
        return bytes(body)
