"""JPEG: the frame's header and the number of scans, found without decoding."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from biqa_cli.errors import ImageError
from biqa_cli.images.header import TRUNCATED, Header, exactly, unsupported
from biqa_cli.images.limits import check_size

MAX_SCANS = 64
"""Encoders write ten or so. Each costs a pass over all pixels, however few bytes it has."""
# ICC profiles and XMP come in segments of 64 kB, makers' notes too: some hundred at the most.
_MAX_SEGMENTS = 4096

_END, _SCAN = 0xD9, 0xDA
_ALONE = frozenset({0x01, 0xD8})
_BASELINE, _PROGRESSIVE = frozenset({0xC0, 0xC1, 0xC9}), frozenset({0xC2, 0xCA})
_OTHER_FRAMES = {
    0xC3: "lossless",
    **dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF), "hierarchical or lossless"),
}
# A marker, past the coded data before it: there FF is followed by 00 or a restart (RST0-7).
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
_BLOCK = 1 << 16
_COEFFICIENT_BYTES = 2
_ROWS_BUFFER = 1 << 21


@dataclass(frozen=True, slots=True)
class _Frame:
    progressive: bool
    width: int
    height: int
    components: int
    coefficients: float
    """For each pixel: with subsampling, a chroma channel has a quarter or half as many."""


def inspect_jpeg(file: IO[bytes], *, max_pixels: int) -> Header:
    """Return what a JPEG says of itself.

    Raises:
        ImageError: If it is of a kind that libjpeg does not read, has no frame, or has so many
            scans that decoding would take long.
    """
    frame: _Frame | None = None
    scans = pixels_at = 0
    for marker, body in _segments(file):
        if marker in _OTHER_FRAMES:
            raise unsupported("JPEG", _OTHER_FRAMES[marker])
        if marker in _BASELINE or marker in _PROGRESSIVE:
            if frame is not None:
                raise ImageError("the file is damaged: a JPEG with two frames")
            frame = _frame(body, progressive=marker in _PROGRESSIVE)
            check_size(frame.width, frame.height, max_pixels=max_pixels)
        elif marker == _SCAN:
            if frame is None:
                raise ImageError("the file is damaged: pixels before the header of a JPEG")
            scans += 1
            pixels_at = pixels_at or file.tell()
            if body[:1] == bytes([frame.components]) and not frame.progressive:
                # One scan holds all: what follows are other pictures, or a film.
                break
            if scans > MAX_SCANS:
                raise unsupported("JPEG", f"more than {MAX_SCANS} scans")
    if frame is None or not scans:
        raise ImageError(TRUNCATED)
    kept_whole = frame.progressive or scans > 1
    return Header(
        decoder_bytes=_COEFFICIENT_BYTES * frame.coefficients if kept_whole else 0,
        fixed_bytes=pixels_at + _ROWS_BUFFER,
    )


def _segments(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield (marker, content) of each segment, up to the end of the image or of the file."""
    for _ in range(_MAX_SEGMENTS):
        marker = _next_marker(file)
        if marker is None or marker == _END:
            return
        if marker not in _ALONE:
            size = int.from_bytes(exactly(file, 2), "big")
            yield marker, exactly(file, max(size - 2, 0))
    raise unsupported("JPEG", f"more than {_MAX_SEGMENTS} segments")


def _next_marker(file: IO[bytes]) -> int | None:
    """Return the next marker, past coded data, and leave the file behind it; None at its end."""
    rest = b""
    while block := file.read(_BLOCK):
        data = rest + block
        if found := _MARKER.search(data):
            file.seek(found.end() - len(data), 1)
            return found[1][0]
        rest = b"\xff" if data.endswith(b"\xff") else b""
    return None


def _frame(body: bytes, *, progressive: bool) -> _Frame:
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:  # noqa: PLR2004  ITU-T T.81, B.2.2
        raise ImageError("the file is damaged: the header of its frame is cut")
    if body[0] != 8:  # noqa: PLR2004  bits
        raise unsupported("JPEG", f"{body[0]} bits for each sample")
    height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    samplings = [(body[6 + 3 * n + 1] >> 4, body[6 + 3 * n + 1] & 15) for n in range(body[5])]
    if not samplings or min(min(pair) for pair in samplings) < 1:
        raise ImageError("the file is damaged: a component without samples")
    largest = max(h for h, _ in samplings) * max(v for _, v in samplings)
    return _Frame(
        progressive=progressive,
        width=width,
        height=height,
        components=len(samplings),
        coefficients=sum(h * v for h, v in samplings) / largest,
    )
