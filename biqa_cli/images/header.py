"""What a file says of its photo before anything is decoded, and how bytes of a header are read."""

from dataclasses import dataclass
from typing import IO, Literal

from biqa_cli.errors import ImageError

Format = Literal[
    "JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "HEIC", "JPEG XL", "camera raw"
]

TRUNCATED = "the file is truncated: part of the photo is missing"


@dataclass(frozen=True, slots=True)
class Header:
    """The findings of a format's own module."""

    decoder_bytes: float = 0.0
    """Bytes a pixel that the decoder needs besides the image that it makes."""
    fixed_bytes: int = 0
    """Bytes that decoding takes whatever the number of pixels: what is read before, mostly."""
    profile: bytes | None = None
    """An ICC profile made of what the file says of its colours; it goes before an embedded one."""
    white: int = 65535
    """The value of white in a photo of more than eight bits."""
    inverted: bool = False
    """White is zero, and the decoder does not know."""
    may_be_turned: bool | None = None
    """Whether an orientation may be in the file; None where Pillow tells without decoding."""
    frame: int = 0
    """The frame that is the photo."""


def unsupported(kind: str, detail: str) -> ImageError:
    """Return the error for a form of a format that is not read."""
    return ImageError(
        f"this kind of {kind} is not supported ({detail}): save it as an 8-bit JPEG, PNG or TIFF"
    )


def exactly(file: IO[bytes], size: int) -> bytes:
    """Return the next `size` bytes of a file.

    Raises:
        ImageError: If it ends before.
    """
    data = file.read(size)
    if len(data) < size:
        raise ImageError(TRUNCATED)
    return data


def length(file: IO[bytes]) -> int:
    """Return the size of a file in bytes; it is left where it was."""
    here = file.tell()
    file.seek(0, 2)
    size = file.tell()
    file.seek(here)
    return size
