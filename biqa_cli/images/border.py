"""Thin borders of one colour around a photo, which say nothing of its quality."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MOST = 0.05
"""Share of the shorter side that a side of a border may have: what is wider may be the picture."""
_ALIKE = 16
"""Levels within which the pixels of a border differ, as a JPEG file leaves them."""


def without_border(image: Image.Image) -> Image.Image:
    """Return an RGB image without the border around it, the image itself if it has none.

    A border has one colour on all four sides, each at least one pixel and at most `MOST` wide. The
    line between it and the picture goes with it: there both colours mix.
    """
    width, height = image.size
    most = int(MOST * min(width, height))
    if most < 1:
        return image
    colour = np.array(image.getpixel((0, 0)), dtype=np.int16)
    # The outermost lines first: most photos have no border, and these tell so at once.
    if not all(_depth(strip, colour) for strip in _strips(image, 1)):
        return image
    left, top, right, bottom = (_depth(strip, colour) + 1 for strip in _strips(image, most + 1))
    if max(left, top, right, bottom) > most + 1:
        return image
    return image.crop((left, top, width - right, height - bottom))


def _strips(image: Image.Image, depth: int) -> list[NDArray[np.int16]]:
    """Return what lies along the left, upper, right and lower side (depth, n, 3), outside first."""
    width, height = image.size
    boxes = (
        (0, 0, depth, height),
        (0, 0, width, depth),
        (width - depth, 0, width, height),
        (0, height - depth, width, height),
    )
    left, top, right, bottom = (np.asarray(image.crop(box), dtype=np.int16) for box in boxes)
    return [left.swapaxes(0, 1), top, right.swapaxes(0, 1)[::-1], bottom[::-1]]


def _depth(strip: NDArray[np.int16], colour: NDArray[np.int16]) -> int:
    """Return how many lines of a strip, from outside, have nothing but a colour."""
    alike = (np.abs(strip - colour) <= _ALIKE).all(axis=(1, 2))
    return len(strip) if alike.all() else int(alike.argmin())
