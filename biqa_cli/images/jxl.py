"""JPEG XL, by pillow-jxl-plugin, which is an extra. The header is read here, before decoding."""

import struct
from dataclasses import dataclass
from typing import IO, Protocol

from biqa_cli.errors import ImageError
from biqa_cli.images.header import TRUNCATED, exactly, unsupported

CODESTREAM = b"\xff\x0a"
CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
BYTES_A_PIXEL = 16
"""Of a photo of three channels: libjxl works on float32."""

_MAX_EXTRA_CHANNELS = 4
_MAX_BOXES = 1024
_HEAD = 64
# ISO/IEC 18181-1, table A.3: width by height.
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_Choices = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]
_Widths = tuple[int, int, int, int]
# (offset, bits) for each of the four selectors of U32(); of what is passed over only the bits.
_SIDE: _Choices = ((1, 9), (1, 13), (1, 18), (1, 30))
_PREVIEW_EIGHTHS: _Widths = (0, 0, 5, 9)
_PREVIEW_SIDE: _Widths = (6, 8, 10, 12)
_SAMPLE_BITS: _Widths = (0, 0, 0, 6)
_EXTRA_CHANNELS: _Choices = ((0, 0), (1, 0), (2, 4), (1, 12))
_TICKS: _Widths = (0, 0, 10, 30)
_TICK_PARTS: _Widths = (0, 0, 8, 10)
_LOOPS: _Widths = (0, 3, 16, 32)


@dataclass(frozen=True, slots=True)
class JxlPixels:
    """A decoded JPEG XL."""

    data: bytes
    """Rows of pixels, or a whole JPEG file where that is what was packed."""
    is_jpeg: bool
    mode: str
    width: int
    """Upright: the decoder turns the photo itself."""
    height: int
    profile: bytes | None


class _Bits:
    """Bits of a codestream, the lowest of a byte first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise ImageError(TRUNCATED)
        value = self._value & ((1 << count) - 1)
        self._value >>= count
        return value

    def choose(self, choices: _Choices) -> int:
        offset, bits = choices[self.take(2)]
        return offset + self.take(bits)

    def skip(self, widths: _Widths) -> None:
        self.take(widths[self.take(2)])


def jxl_size(file: IO[bytes]) -> tuple[int, int]:
    """Return the (width, height) that a JPEG XL file states, before it is turned.

    Raises:
        ImageError: If the file is cut, or has so many channels that they would fill the memory.
    """
    bits = _Bits(_codestream_head(file))
    width, height = _size(bits)
    extra = _extra_channels(bits)
    if extra > _MAX_EXTRA_CHANNELS:
        raise unsupported("JPEG XL", f"{extra} channels beside the colours")
    return width, height


def _codestream_head(file: IO[bytes]) -> bytes:
    """Return the first bytes of the codestream, behind its signature."""
    file.seek(0)
    if file.read(2) == CODESTREAM:
        return file.read(_HEAD)
    file.seek(0)
    head = b""
    for _ in range(_MAX_BOXES):
        size, kind = struct.unpack(">I4s", exactly(file, 8))
        used = 8
        if size == 1:
            (size,), used = struct.unpack(">Q", exactly(file, 8)), 16
        content = size - used if size else _HEAD
        if content < 0:
            raise ImageError("the file is damaged: a box smaller than its header")
        if kind in (b"jxlc", b"jxlp"):
            # A part begins with its number.
            part = file.read(min(content, _HEAD))
            content -= len(part)
            head += part[4:] if kind == b"jxlp" else part
            if len(head) >= _HEAD // 2 or kind == b"jxlc":
                return head[len(CODESTREAM) :]
        file.seek(content, 1)
    raise ImageError("the file is damaged: a JPEG XL without pixels")


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.take(1)
    height = 8 * (bits.take(5) + 1) if small else bits.choose(_SIDE)
    ratio = bits.take(3)
    if ratio:
        wide, high = _RATIOS[ratio]
        return height * wide // high, height
    return (8 * (bits.take(5) + 1) if small else bits.choose(_SIDE)), height


def _extra_channels(bits: _Bits) -> int:
    """Return the number of channels beside the colours (ISO/IEC 18181-1, table A.16)."""
    if bits.take(1):
        return 0
    if bits.take(1):
        bits.take(3)
        if bits.take(1):
            _size(bits)
        if bits.take(1):
            _skip_preview(bits)
        if bits.take(1):
            for widths in (_TICKS, _TICK_PARTS, _LOOPS):
                bits.skip(widths)
            bits.take(1)
    is_float = bits.take(1)
    bits.skip(_SAMPLE_BITS)
    if is_float:
        bits.take(4)
    bits.take(1)
    return bits.choose(_EXTRA_CHANNELS)


def _skip_preview(bits: _Bits) -> None:
    side = _PREVIEW_EIGHTHS if bits.take(1) else _PREVIEW_SIDE
    bits.skip(side)
    if not bits.take(3):
        bits.skip(side)


class _Info(Protocol):
    mode: str
    width: int
    height: int


def decode_jxl(data: bytes) -> JxlPixels:
    """Return the pixels of a JPEG XL file.

    Raises:
        ImageError: If pillow-jxl-plugin is not installed.
        Exception: Whatever the decoder says of a damaged file.
    """
    try:
        from pillow_jxl import Decoder
    except ImportError as error:
        msg = "is JPEG XL, which needs pillow-jxl-plugin: run `pip install 'biqa-cli[jxl]'`"
        raise ImageError(msg) from error
    # Readers are threads already: more of them here would only share the same cores.
    decoded: tuple[bool, _Info, bytes, bytes | None, object] = Decoder(num_threads=0)(data)
    is_jpeg, info, pixels, profile, _ = decoded
    return JxlPixels(
        pixels,
        is_jpeg=bool(is_jpeg),
        mode=info.mode,
        width=info.width,
        height=info.height,
        profile=profile or None,
    )
