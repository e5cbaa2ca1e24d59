"""PNG: every checksum is compared, and what the chunks say of colours is collected."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import astuple
from typing import IO

from biqa_cli.errors import ImageError
from biqa_cli.images.header import TRUNCATED, Header, exactly, unsupported
from biqa_cli.images.limits import check_size
from biqa_cli.images.profiles import (
    SRGB,
    Primaries,
    coded_profile,
    power,
    rgb_profile,
    srgb_curve,
)

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIECE = 1 << 20
_COLOURS = frozenset({b"IHDR", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP"})
# Pillow keeps chunks in memory whole, all but the pixels; a profile is hundreds of kilobytes.
_MAX_BESIDE_PIXELS = 64_000_000
_UNIT = 100_000
_HEADER_SIZE = 13
_DEFLATE_BUFFER = 1 << 20
# Programs that write sRGB without saying so write its mean gamma, 1/2.2, and its primaries
# rounded. libpng has the same tolerance (PNG_GAMMA_THRESHOLD).
_SRGB_GAMMA, _GAMMA_TOLERANCE = 1 / 2.2, 0.05
_PRIMARIES_TOLERANCE = 0.002


def inspect_png(file: IO[bytes], *, max_pixels: int) -> Header:
    """Return what a PNG says of itself.

    Raises:
        ImageError: If a checksum does not hold, a chunk is cut or missing, or the colours are of
            high dynamic range.
    """
    colours: dict[bytes, bytes] = {}
    beside = 0
    for kind, size, content in _chunks(file):
        if kind == b"IHDR":
            if len(content) != _HEADER_SIZE:
                raise ImageError(f"the file is damaged: its header has {len(content)} bytes")
            check_size(*struct.unpack(">II", content[:8]), max_pixels=max_pixels)
        elif kind != b"IDAT":
            beside += size
        if beside > _MAX_BESIDE_PIXELS:
            raise unsupported("PNG", "more than 64 MB beside its pixels")
        # The first of a kind counts: a second is an error that decoders pass over.
        if content:
            colours.setdefault(kind, content)
    if b"IHDR" not in colours:
        raise ImageError("the file is damaged: a PNG without a header")
    return Header(profile=_profile(colours), fixed_bytes=beside + _DEFLATE_BUFFER)


def _chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield (kind, size, content) of each chunk; only of some is the content kept."""
    exactly(file, len(SIGNATURE))
    kind = b""
    while kind != b"IEND":
        size, kind = struct.unpack(">I4s", exactly(file, 8))
        kept, checksum, left = b"", zlib.crc32(kind), size
        while left:
            piece = file.read(min(left, _PIECE))
            if not piece:
                raise ImageError(TRUNCATED)
            checksum = zlib.crc32(piece, checksum)
            left -= len(piece)
            if kind in _COLOURS and size <= _PIECE:
                kept += piece
        if exactly(file, 4) != checksum.to_bytes(4, "big"):
            name = kind.decode("ascii", "backslashreplace")
            raise ImageError(f"the file is damaged: the checksum of its part {name!r} is wrong")
        yield kind, size, kept


def _profile(colours: dict[bytes, bytes]) -> bytes | None:
    """Return the profile of the chunks that say it without ICC, in the order of the standard.

    PNG (third edition), 4.3: cICP goes before iCCP, iCCP before sRGB, sRGB before gAMA and cHRM.
    """
    if len(coded := colours.get(b"cICP", b"")) == 4:  # noqa: PLR2004  its four numbers
        primaries, transfer, matrix, full_range = coded
        if matrix != 0 or full_range != 1:
            raise unsupported("PNG", "its cICP chunk is not of full-range RGB")
        return coded_profile("PNG", primaries=primaries, transfer=transfer)
    if b"iCCP" in colours or b"sRGB" in colours:
        return None
    return profile_in_words(_gamma(colours.get(b"gAMA")), _chromaticity(colours.get(b"cHRM")))


def _gamma(chunk: bytes | None) -> float | None:
    if chunk is None or len(chunk) != 4:  # noqa: PLR2004  one number
        return None
    return int.from_bytes(chunk, "big") / _UNIT


def _chromaticity(chunk: bytes | None) -> tuple[float, ...] | None:
    if chunk is None or len(chunk) != 32:  # noqa: PLR2004  eight numbers
        return None
    return tuple(value / _UNIT for value in struct.unpack(">8I", chunk))


def profile_in_words(gamma: float | None, chromaticity: tuple[float, ...] | None) -> bytes | None:
    """Return the ICC profile of what a PNG says without one, None where that is sRGB.

    Args:
        gamma: Of the encoding: 0.45455 is near to sRGB, 1 is linear light.
        chromaticity: (x, y) of white, red, green and blue, one after the other.

    Raises:
        ImageError: If there are no such colours.
    """
    curve = None
    if gamma and abs(gamma / _SRGB_GAMMA - 1) > _GAMMA_TOLERANCE:
        curve = power(1 / gamma)
    primaries = None
    if chromaticity:
        white, red, green, blue = zip(chromaticity[::2], chromaticity[1::2], strict=True)
        primaries = Primaries(red, green, blue, white)
        if _near_srgb(primaries):
            primaries = None
    if curve is None and primaries is None:
        return None
    try:
        return rgb_profile(primaries or SRGB, curve or srgb_curve)
    except ValueError as error:
        raise unsupported("PNG", f"its cHRM chunk: {error}") from error


def _near_srgb(primaries: Primaries) -> bool:
    return all(
        abs(value - of_srgb) <= _PRIMARIES_TOLERANCE
        for corner, corner_of_srgb in zip(astuple(primaries), astuple(SRGB), strict=True)
        for value, of_srgb in zip(corner, corner_of_srgb, strict=True)
    )
