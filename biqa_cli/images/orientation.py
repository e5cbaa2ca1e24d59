"""Which way is up: EXIF's orientation, and turning by it."""

import logging

from PIL import ExifTags, Image

logger = logging.getLogger(__name__)

UPRIGHT = 1
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
ON_ITS_SIDE = frozenset({5, 6, 7, 8})


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 where there is none or the tag cannot be read."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, UPRIGHT))
    except Exception:  # noqa: BLE001  broken EXIF raises anything; the pixels are still good
        logger.info("unreadable EXIF data is ignored")
        return UPRIGHT


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """Return an image upright: itself where it is so already."""
    operation = _TRANSPOSITIONS.get(orientation)
    return image if operation is None else image.transpose(operation)
