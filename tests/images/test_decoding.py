"""How many bytes are set aside for a photo: those that test_memory.py finds to be enough."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from fakes import photo
from image_files import dng, saved
from PIL import Image

from biqa_cli.images.budget import PHOTOS
from biqa_cli.images.isobmff import primary_image
from biqa_cli.images.limits import Limits
from biqa_cli.images.reading import reading_photo

BAND = 8_000_000
TURNED = Image.Exif()
TURNED[0x0112] = 6


def _set_aside(content: bytes) -> int:
    with reading_photo(content):
        return PHOTOS.used


@pytest.mark.parametrize(
    ("kind", "mode", "options", "a_pixel"),
    [
        # Pillow keeps four bytes of a colour, and one of a grey, which becomes a grey and a colour.
        ("BMP", "RGB", {}, 4),
        ("BMP", "L", {}, 1 + 5),
        ("BMP", "1", {}, 1 + 5),
        ("GIF", "P", {}, 1 + 5),
        ("PNG", "RGB", {}, 4),
        ("PNG", "RGB", {"exif": TURNED}, 4 + 4),
        ("PNG", "RGBA", {}, 4 + 5),
        ("PNG", "L", {}, 1 + 5),
        ("PNG", "L", {"exif": TURNED}, 1 + 5),
        ("PNG", "I;16", {}, 2 + 5),
        # libtiff has the strip, with what is stored of a pixel, beside Pillow's image.
        ("TIFF", "RGB", {}, 4 + 3),
        ("TIFF", "RGB", {"exif": TURNED}, 4 + 4),
        ("TIFF", "CMYK", {}, 4 + 5),
        ("TIFF", "L", {}, 1 + 5),
        ("JPEG", "RGB", {}, 4),
        ("JPEG", "RGB", {"exif": TURNED}, 4 + 4),
        ("JPEG", "RGB", {"progressive": True}, 4 + 3),
        ("JPEG", "L", {}, 1 + 5),
        ("JPEG", "CMYK", {}, 4 + 5),
        ("WEBP", "RGB", {}, 4 + 14),
        ("WEBP", "RGBA", {}, 4 + 14),
        ("AVIF", "RGB", {}, 4 + 16),
        ("HEIF", "RGB", {}, 4 + 14),
    ],
)
def test_each_pixel_has_its_bytes(
    kind: str, mode: str, options: dict[str, object], a_pixel: int
) -> None:
    image = Image.new(mode, (100, 80))
    if kind == "HEIF":
        buffer = BytesIO()
        pillow_heif.from_pillow(image).save(buffer)
        content = buffer.getvalue()
    else:
        content = saved(image, kind, **options)
    whatever_the_size = {
        "BMP": 0,
        "GIF": 0,
        # A buffer of zlib's, and what stands beside the pixels: here EXIF alone.
        "PNG": (1 << 20) + (len(TURNED.tobytes()) - 6 if "exif" in options else 0),
        "TIFF": len(content),
        # libjpeg's rows, and what stands before the pixels: the header of the scan, too.
        "JPEG": (1 << 21) + content.find(b"\xff\xda") + 2 + content[content.find(b"\xff\xda") + 3],
        "WEBP": len(content),
        "AVIF": len(content) + primary_image(BytesIO(content)).meta_bytes,
        "HEIF": len(content) + primary_image(BytesIO(content)).meta_bytes,
    }[kind]
    assert _set_aside(content) == BAND + whatever_the_size + 100 * 80 * a_pixel


def test_of_a_reduced_jpeg_its_own_pixels_count_and_the_coefficients_of_all() -> None:
    for options, of_all in (({}, 0), ({"progressive": True}, 3)):
        content = saved(photo(160, 120), "JPEG", **options)
        whole = _set_aside(content)
        with reading_photo(content, at_least=(60, 80)) as read:
            assert read.image.size == (80, 60)
            assert whole - PHOTOS.used == (4 * 160 * 120) - (4 * 80 * 60)
        assert whole > BAND + (4 + of_all) * 160 * 120


def test_a_jpeg_xl_has_its_file_its_floats_and_two_copies() -> None:
    pytest.importorskip("pillow_jxl")
    content = saved(photo(), "JXL", effort=1)
    assert _set_aside(content) == len(content) + 64 * 48 * (16 + 4 + 4)


def test_what_a_packed_jpeg_took_is_given_back_before_it_is_decoded(tmp_path: Path) -> None:
    pytest.importorskip("pillow_jxl")
    jpeg = tmp_path / "photo.jpg"
    photo().save(jpeg)
    with Image.open(jpeg) as image:
        content = saved(image, "JXL", lossless_jpeg=True)
    assert _set_aside(content) == _set_aside(jpeg.read_bytes())


def test_a_mosaic_that_is_developed_has_20_bytes_a_pixel() -> None:
    pytest.importorskip("rawpy")
    assert _set_aside(dng(np.full((24, 36), 500, np.uint16))) == 20 * 24 * 36


def test_a_gigabyte_is_there_for_all_photos_unless_it_is_said_otherwise() -> None:
    assert (Limits().max_pixels, Limits().memory, Limits().seconds) == (200_000_000, 10**9, 60.0)
