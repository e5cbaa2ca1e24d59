"""What a file is, told from its first bytes."""

import struct
from io import BytesIO

import pytest

from biqa_cli.errors import ImageError
from biqa_cli.images.formats import identify


def _tiff(behind_header: bytes) -> bytes:
    """Return a TIFF with an empty directory behind some bytes."""
    head = b"II*\0" + struct.pack("<I", 8 + len(behind_header)) + behind_header
    return head + struct.pack("<HI", 0, 0)


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (_tiff(b"CR\2\0\0\0\0\0"), "camera raw"),
        (_tiff(b"XX\2\0\0\0\0\0"), "TIFF"),
        (b"IIRO\10\0\0\0", "camera raw"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "camera raw"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "AVIF"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WEBP"),
        *((bytes([size, 0, 0, 0]), "BMP") for size in (12, 40, 52, 56, 64, 108, 124)),
        # What has parts of two formats is the one that it begins as.
        (b"\0\0\0\x20ftypheic\0\0\0\0avif", "HEIC"),
        (b"BM\0\0\0\0\0\0CR\2\0", "BMP"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG"),
        # The brand that tells may be the first of four, or the last.
        (b"\0\0\0\x20ftypmif1\0\0\0\0avifmif1miafMA1B", "AVIF"),
        (b"\0\0\0\x20ftypmif1\0\0\0\0mif1miafMA1Bavif", "AVIF"),
    ],
)
def test_a_format_is_known_by_its_first_bytes(start: bytes, kind: str) -> None:
    file = BytesIO(start)
    assert identify(file) == kind
    assert file.tell() == 0


@pytest.mark.parametrize(
    "start",
    [
        b"RIFF\0\0\0\0WAVEfmt ",
        b"RIFX\0\0\0\0WEBPVP8 ",
        b"\0\0\0\x18ftypisom\0\0\0\0avif",
        b"\0" * 40,
    ],
)
def test_sound_films_and_nothing_are_no_photos(start: bytes) -> None:
    with pytest.raises(ImageError, match="not an image in a known format"):
        identify(BytesIO(start))
