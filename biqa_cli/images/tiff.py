"""TIFF: which of its many forms Pillow reads right, told from the tags."""

import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import IO

from biqa_cli.errors import ImageError
from biqa_cli.images.header import Header, length, unsupported
from biqa_cli.images.limits import check_size
from biqa_cli.images.tiff_tags import (
    BITS,
    COMPRESSION,
    DNG_VERSION,
    HEIGHT,
    PHOTOMETRIC,
    PLANAR,
    SAMPLE_FORMAT,
    SAMPLES,
    STRIP_BYTES,
    STRIP_OFFSETS,
    TILE_BYTES,
    TILE_OFFSETS,
    WIDTH,
    Directories,
    Directory,
    read_directories,
)

NO_WHITE = "its pixels are {} without a defined white: save it with 8 or 16 bits"

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR, _LAB = 0, 1, 2, 3, 5, 6, 8
_MOSAIC, _LINEAR_RAW = 32803, 34892
_PHOTOMETRICS = {
    _WHITE_IS_ZERO: "grey with white as zero",
    _BLACK_IS_ZERO: "grey",
    _RGB: "RGB",
    _PALETTE: "palette",
    4: "mask",
    _CMYK: "CMYK",
    _YCBCR: "YCbCr",
    _LAB: "CIELab",
    9: "ICCLab",
    10: "ITULab",
    _MOSAIC: "mosaic",
    _LINEAR_RAW: "linear raw",
}
_COMPRESSIONS = {
    1: "uncompressed",
    2: "CCITT RLE",
    3: "CCITT group 3",
    4: "CCITT group 4",
    5: "LZW",
    6: "old JPEG",
    7: "JPEG",
    8: "Deflate",
    32773: "PackBits",
    32946: "Deflate",
    34887: "LERC",
    34925: "LZMA",
    50000: "Zstandard",
    50001: "WebP",
    50002: "JPEG XL",
}
# libtiff may know more, but Pillow is built without: thunderscan, WebP, LERC, JPEG XL.
_READ_COMPRESSIONS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34925, 50000})
_DEFLATE = frozenset({8, 32946})
_PIECE = 1 << 16
_NONE = 1
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_EIGHT, _SIXTEEN = 8, 16
_CHUNKY = 1
_MOST_SAMPLES = 6


def is_camera_raw(directories: Directories) -> bool:
    """Return whether a TIFF is a camera's raw file, whatever its name: NEF, ARW, PEF, DNG."""
    everything = (*directories.pages, *directories.below)
    return any(
        directory.first(PHOTOMETRIC, -1) in (_MOSAIC, _LINEAR_RAW) or DNG_VERSION in directory.tags
        for directory in everything
    )


def inspect_tiff(file: IO[bytes], *, max_pixels: int) -> Header:
    """Return what a TIFF says of its photo.

    Raises:
        ImageError: If it is of a kind that is not read, or read wrongly, or its first picture is a
            thumbnail of another that cannot be reached.
    """
    directories = read_directories(file)
    frame = _photo(directories)
    page = directories.pages[frame]
    width, height = page.first(WIDTH, 0), page.first(HEIGHT, 0)
    check_size(width, height, max_pixels=max_pixels)
    _check_form(page)
    bits = max(page.tags.get(BITS, (1,)))
    samples = page.first(SAMPLES, 1)
    if page.first(COMPRESSION, _NONE) in _DEFLATE:
        _check_deflate(file, page)
    return replace(
        header_of_page(page.tags),
        # libtiff decodes a strip at a time, and one may be all of the photo.
        decoder_bytes=samples * bits / _EIGHT,
        fixed_bytes=length(file),
        frame=frame,
    )


def _check_deflate(file: IO[bytes], page: Directory) -> None:
    """Compare the checksums of deflated strips: libtiff stops before them, at the last pixel.

    Raises:
        ImageError: If one does not hold.
    """
    places = page.tags.get(STRIP_OFFSETS) or page.tags.get(TILE_OFFSETS, ())
    sizes = page.tags.get(STRIP_BYTES) or page.tags.get(TILE_BYTES, ())
    for place, size in zip(places, sizes, strict=False):
        file.seek(place)
        left, stream = size, zlib.decompressobj()
        try:
            while left and not stream.eof:
                piece = file.read(min(left, _PIECE))
                if not piece:
                    break
                left -= len(piece)
                while piece:
                    stream.decompress(piece, _PIECE)
                    piece = stream.unconsumed_tail
        except zlib.error as error:
            raise ImageError("the file is damaged: the checksum of its pixels is wrong") from error


def header_of_page(tags: Mapping[int, tuple[int, ...] | int]) -> Header:
    """Return what Pillow leaves to do, told from the tags BITS and PHOTOMETRIC."""
    page = Directory(
        {tag: (value,) if isinstance(value, int) else value for tag, value in tags.items()}
    )
    bits = max(page.tags.get(BITS, (1,)))
    return Header(
        white=(1 << bits) - 1 if bits > _EIGHT else 65535,
        # Pillow inverts up to eight bits and forgets it for more.
        inverted=page.first(PHOTOMETRIC, -1) == _WHITE_IS_ZERO and bits > _EIGHT,
    )


def _photo(directories: Directories) -> int:
    """Return the number of the page that is the photo: the first that is no thumbnail."""
    if directories.pages[0].reduced and any(not page.reduced for page in directories.below):
        raise unsupported("TIFF", "its first page is a thumbnail, the photo lies below it")
    for number, page in enumerate(directories.pages):
        if not page.reduced:
            return number
    raise unsupported("TIFF", "its pages are thumbnails only")


def _check_form(page: Directory) -> None:
    bits = page.tags.get(BITS, (1,))
    formats = set(page.tags.get(SAMPLE_FORMAT, (_UNSIGNED,)))
    if _FLOAT in formats:
        raise ImageError(NO_WHITE.format("floating-point numbers"))
    if max(bits) > _SIXTEEN:
        raise ImageError(NO_WHITE.format(f"{max(bits)}-bit integers"))
    photometric = page.first(PHOTOMETRIC, -1)
    compression = page.first(COMPRESSION, _NONE)
    planar = page.first(PLANAR, _CHUNKY) != _CHUNKY and len(bits) > 1
    wrong = (
        _SIGNED in formats
        or page.first(SAMPLES, 1) > _MOST_SAMPLES
        or len(set(bits)) > 1
        # Pillow takes the samples of such planes for bytes.
        or (planar and bits[0] > _EIGHT and compression == _NONE)
    )
    if wrong or compression not in _READ_COMPRESSIONS or photometric not in _PHOTOMETRICS:
        raise unsupported("TIFF", describe(page))


def unreadable(file: IO[bytes], frame: int) -> ImageError:
    """Return the error for a page that Pillow turns down though its tags fit together."""
    return unsupported("TIFF", describe(read_directories(file).pages[frame]))


def describe(page: Directory) -> str:
    """Return the form of a picture in a few words: "16-bit RGB in planes, uncompressed"."""
    bits = page.tags.get(BITS, (1,))
    photometric = page.first(PHOTOMETRIC, -1)
    compression = page.first(COMPRESSION, _NONE)
    colours = _PHOTOMETRICS.get(photometric, f"photometric {photometric}")
    depth = "/".join(str(depth) for depth in dict.fromkeys(bits))
    signed = "signed " if _SIGNED in page.tags.get(SAMPLE_FORMAT, ()) else ""
    samples = page.first(SAMPLES, 1)
    planes = " in planes" if page.first(PLANAR, _CHUNKY) != _CHUNKY and samples > 1 else ""
    how = _COMPRESSIONS.get(compression, f"compression {compression}")
    count = f", {samples} samples" if samples > 1 else ""
    return f"{signed}{depth}-bit {colours}{count}{planes}, {how}"
