"""Archives as streams of bytes that are read forwards, in bounded memory and time."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from typing import IO, cast

_PIECE = 1 << 20
_HEADER_BYTES = 1 << 20
"""What the headers of one member may take: a name and its attributes."""
_LONG = "its headers are longer than those of an archive of photos"
_BEFORE_SUSPICION = 1 << 30
_MOST_RATIO = 100
"""Photos are compressed already; what shrinks to less than a hundredth is a decompression bomb."""

_UNPACKERS: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {
    "gz": lambda file: cast("IO[bytes]", gzip.GzipFile(fileobj=file)),
    "bz2": lambda file: cast("IO[bytes]", bz2.BZ2File(file)),
    "xz": lambda file: cast("IO[bytes]", lzma.LZMAFile(file)),  # noqa: SIM115  closed by `Bounded`
}


class ArchiveError(Exception):
    """An archive cannot be read on: the message becomes the error of its row."""


class Bounded:
    """A file of an archive: what its headers claim cannot make it read without end.

    It stands in for a file of `tarfile` and `zipfile`.

    Args:
        file: The archive, opened at its beginning.
        packed: "gz", "bz2" or "xz"; empty where it is not compressed.
        headers: Bytes that may be read between two calls of `next_member`.
        forwards: Whether it is only moved forwards: a tar that points backwards has no end.
    """

    def __init__(
        self,
        file: IO[bytes],
        packed: str = "",
        *,
        headers: int = _HEADER_BYTES,
        forwards: bool = True,
    ) -> None:
        self._source = file
        self._file = _UNPACKERS[packed](file) if packed else file
        self._packed = bool(packed)
        self._skips = self._packed or not file.seekable()
        self._forwards = forwards
        self._at = 0
        self._most = headers
        self._left = headers
        self.in_headers = True
        """Whether what is read is bounded; the content of a member has a bound of its own."""
        self.last = b""
        """What was read last."""

    def next_member(self) -> None:
        """Grant the headers of one more member."""
        self._left = self._most

    def seekable(self) -> bool:
        """Return that it can be moved."""
        return True

    def tell(self) -> int:
        """Return how many bytes lie before."""
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place.

        Raises:
            ArchiveError: If it lies behind, and the archive is only read forwards.
        """
        if whence == 1:
            offset, whence = offset + self._at, 0
        if self._forwards and (whence or offset < self._at):
            raise ArchiveError("it points backwards")
        if not self._skips:
            self._at = self._file.seek(offset, whence)
        while self._skips and self._at < offset and self._take(min(_PIECE, offset - self._at)):
            pass
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes.

        Raises:
            ArchiveError: If headers are longer than those of an archive of photos, or the archive
                is a decompression bomb.
        """
        if not self.in_headers:
            return self._take(size)
        if size > self._left:
            raise ArchiveError(_LONG)
        self.last = self._take(self._left + 1 if size < 0 else size)
        if len(self.last) > self._left:
            raise ArchiveError(_LONG)
        self._left -= len(self.last)
        return self.last

    def _take(self, size: int) -> bytes:
        content = self._file.read(size)
        self._at += len(content)
        if self._packed and self._at > _BEFORE_SUSPICION:
            ratio = self._at / max(self._source.tell(), 1)
            if ratio > _MOST_RATIO:
                msg = f"it unpacks to {ratio:.0f} times its size: a decompression bomb"
                raise ArchiveError(msg)
        return content

    def close(self) -> None:
        """Close the archive."""
        if self._packed:
            self._file.close()
        self._source.close()
