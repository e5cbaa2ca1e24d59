"""What EXIF says of how a photo is shown: which way is up, and whether it is in Adobe RGB."""

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

_INTEROPERABILITY_INDEX = 1
_UNCALIBRATED, _OPTION_FILE = 65535, "R03"


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


def in_adobe_rgb(image: Image.Image) -> bool:
    """Return whether a camera has written Adobe RGB without a profile, as DCF 2.0 lets it."""
    try:
        exif = image.getexif()
        space = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace)
        index = str(exif.get_ifd(ExifTags.IFD.Interop).get(_INTEROPERABILITY_INDEX, ""))
    except Exception:  # noqa: BLE001  broken EXIF raises anything; the pixels are still good
        logger.info("unreadable EXIF data is ignored")
        return False
    return space == _UNCALIBRATED and index.rstrip("\0 ") == _OPTION_FILE
