"""The pictures of the page: a thumbnail of every photo, and what a browser cannot show as JPEG."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from biqa_cli.errors import ImageError
from biqa_cli.images.formats import identify
from biqa_cli.images.limits import DEFAULT_LIMITS, Limits
from biqa_cli.images.reading import reading_photo

THUMBNAIL_SIDE = 360
"""Pixels of the longer side."""
RENDERING_SIDE = 2048
"""Of what stands for a photo that browsers do not show: it fills a screen."""
SHOWN_BY_BROWSERS = frozenset({"JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP"})

_THUMBNAIL_QUALITY, _RENDERING_QUALITY = 78, 85


@dataclass(frozen=True, slots=True)
class Pictures:
    """JPEG files of one photo."""

    thumbnail: bytes | None = None
    """None where the photo cannot be read."""
    rendering: bytes | None = None
    """None where browsers show the photo itself."""


def pictures_of(path: str, *, limits: Limits = DEFAULT_LIMITS) -> Pictures:
    """Return the pictures of a photo; there are none where it cannot be read."""
    try:
        shown = _is_shown_by_browsers(path)
        side = THUMBNAIL_SIDE if shown else RENDERING_SIDE
        with reading_photo(path, at_least=(side, side), limits=limits) as photo:
            rendering = None if shown else as_jpeg(_within(photo.image, RENDERING_SIDE))
            thumbnail = _within(photo.image, THUMBNAIL_SIDE)
    except (ImageError, OSError, ValueError):
        # The photo's own row says why; ValueError is open()'s word for a NUL in a name.
        return Pictures()
    return Pictures(as_jpeg(thumbnail, quality=_THUMBNAIL_QUALITY), rendering)


def as_jpeg(image: Image.Image, *, quality: int = _RENDERING_QUALITY) -> bytes:
    """Return an RGB image as a JPEG file."""
    file = BytesIO()
    image.save(file, "JPEG", quality=quality, optimize=True)
    return file.getvalue()


def _is_shown_by_browsers(path: str) -> bool:
    # A pipe would be waited for; reading refuses it.
    if not Path(path).is_file():
        return False
    with Path(path).open("rb") as file:
        return identify(file) in SHOWN_BY_BROWSERS


def _within(image: Image.Image, side: int) -> Image.Image:
    """Return an image whose longer side has no more than `side` pixels."""
    factor = side / max(image.size)
    if factor >= 1:
        return image
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
