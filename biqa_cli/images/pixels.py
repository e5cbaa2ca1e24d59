"""From what decoders return to opaque 8-bit pixels, band by band so that memory stays bounded."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from biqa_cli.errors import ImageError
from biqa_cli.images.tiff import NO_WHITE

_WHITE_8, _WHITE_16 = 255, 65535
_BAND_PIXELS = 1 << 18
BANDS_BYTES = 8_000_000
"""What one band takes at the most, in all its forms."""
_TRANSPARENT = frozenset({"RGBA", "RGBa", "LA", "La", "PA"})
_OPAQUE = frozenset({"L", "RGB", "CMYK", "LAB"})

# Bytes that Pillow keeps for a pixel.
_STORAGE = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}
_WIDEST = 4


def storage(mode: str) -> int:
    """Return the bytes that Pillow keeps for a pixel of this mode."""
    return _STORAGE.get(mode, _WIDEST)


def to_8_bits(image: Image.Image, *, white: int = _WHITE_16, inverted: bool = False) -> Image.Image:
    """Return an image in mode L, RGB, CMYK or LAB, opaque: transparency is laid over white.

    Args:
        image: Of any mode.
        white: The value of white where there are more than 8 bits.
        inverted: Whether zero is white where there are more than 8 bits.

    Raises:
        ImageError: If the pixels have no defined white.
    """
    if image.mode.startswith("I;16") or image.mode == "I":
        return _scaled(image, white=white, inverted=inverted)
    if image.mode == "F":
        raise ImageError(NO_WHITE.format("floating-point numbers"))
    if image.mode in _TRANSPARENT or "transparency" in image.info:
        return _over_white(image)
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in _OPAQUE else image.convert("RGB")


def _bands(image: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    rows = max(_BAND_PIXELS // image.width, 1)
    for top in range(0, image.height, rows):
        yield (0, top, image.width, min(top + rows, image.height))


def _scaled(image: Image.Image, *, white: int, inverted: bool) -> Image.Image:
    """Return integers as 8-bit grey, rounded: white becomes 255 and white · k / 255 becomes k."""
    scaled = Image.new("L", image.size)
    for box in _bands(image):
        values = np.asarray(image.crop(box))
        if image.mode == "I" and (values.min() < 0 or values.max() > white):
            raise ImageError(NO_WHITE.format("32-bit integers"))
        eight = (np.minimum(values.astype(np.uint32), white) * _WHITE_8 + white // 2) // white
        if inverted:
            eight = _WHITE_8 - eight
        scaled.paste(Image.fromarray(eight.astype(np.uint8)), box)
    return scaled


def _over_white(image: Image.Image) -> Image.Image:
    opaque = Image.new("RGB", image.size)
    for box in _bands(image):
        band = image.crop(box)
        # A cut of an image keeps its colour that stands for transparent.
        band = band if band.mode == "RGBA" else band.convert("RGBA")
        paper = Image.new("RGBA", band.size, "white")
        opaque.paste(Image.alpha_composite(paper, band).convert("RGB"), box)
    return opaque
