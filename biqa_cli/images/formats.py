"""What a file is, told from its first bytes and, for a TIFF, from its directories."""

from typing import IO

from biqa_cli.errors import ImageError
from biqa_cli.images import jxl, png
from biqa_cli.images.header import Format
from biqa_cli.images.tiff import is_camera_raw
from biqa_cli.images.tiff_tags import read_directories

KNOWN = "JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF, MPO, HEIC, JPEG XL or a camera's raw file"

_HEAD = 32
_BRANDS: dict[bytes, Format] = {
    # ISO/IEC 23008-12, annex B: HEVC still images and sequences, and the format's own.
    **dict.fromkeys(
        (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "HEIC"
    ),
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    b"crx ": "camera raw",
}
_STARTS: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (png.SIGNATURE, "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    # A BMP without its first header: the size of the second, of one of its versions.
    *((bytes([size, 0, 0, 0]), "BMP") for size in (12, 40, 52, 56, 64, 108, 124)),
    (jxl.CODESTREAM, "JPEG XL"),
    (jxl.CONTAINER, "JPEG XL"),
    (b"FUJIFILMCCD-RAW", "camera raw"),
    # Olympus, Panasonic: a TIFF with a number of the maker's in place of 42.
    *((start, "camera raw") for start in (b"IIRO", b"IIRS", b"MMOR", b"IIU\0")),
    # Canon's CR2 is a TIFF that says so behind its header.
    *((start, "TIFF") for start in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
)


def identify(file: IO[bytes]) -> Format:
    """Return the format of a file; it is left at its beginning.

    Raises:
        ImageError: If the file is empty or in no known format.
    """
    file.seek(0)
    head = file.read(_HEAD)
    if not head:
        raise ImageError("the file is empty")
    kind = _kind(head)
    if kind is None:
        raise ImageError(f"not an image in a known format ({KNOWN})")
    if kind == "TIFF" and (head[8:10] == b"CR" or is_camera_raw(read_directories(file))):
        kind = "camera raw"
    file.seek(0)
    return kind


def _kind(head: bytes) -> Format | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        brand = _BRANDS.get(head[8:12])
        # "mif1" says only that there are pictures: the next brands say of what kind.
        if head[8:12] in (b"mif1", b"msf1") and b"avif" in head[16:]:
            return "AVIF"
        return brand
    return next((kind for start, kind in _STARTS if head.startswith(start)), None)
