"""Changes that hardly make a photo better or worse: turned, framed, trimmed, reduced, grey."""

from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image

SMALL_PIXELS = (80_000, 200_000)
"""Fewest and most pixels of a reduced photo."""

Change = Callable[[Image.Image, np.random.Generator], Image.Image]


def _turned(how: Image.Transpose) -> Change:
    return lambda image, _: image.transpose(how)


def _framed(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return a photo in a thin frame, black or, one time in five, white."""
    width = max(1, round(rng.uniform(0.005, 0.03) * min(image.size)))
    colour = "white" if rng.random() < 0.2 else "black"  # noqa: PLR2004  one in five
    frame = Image.new("RGB", (image.width + 2 * width, image.height + 2 * width), colour)
    frame.paste(image, (width, width))
    return frame


def trimmed(image: Image.Image, rng: np.random.Generator, *, most: float = 1 / 12) -> Image.Image:
    """Return a photo without up to a twelfth, or another share, of each side."""
    left, top, right, bottom = rng.uniform(0, most, 4)
    width, height = image.size
    box = (left * width, top * height, (1 - right) * width, (1 - bottom) * height)
    return image.crop(tuple(map(round, box)))


def _reduced(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return with_pixels(image, rng.uniform(*SMALL_PIXELS))


def with_pixels(image: Image.Image, pixels: float) -> Image.Image:
    """Return a photo reduced to about so many pixels; one that has fewer as it is."""
    scale = min(1.0, (pixels / (image.width * image.height)) ** 0.5)
    # Never 0: no photo has a side of more than 100 times the other, and `pixels` are many.
    size = (round(scale * image.width), round(scale * image.height))
    return image.resize(size, Image.Resampling.LANCZOS) if size != image.size else image


def _grey(image: Image.Image, _: np.random.Generator) -> Image.Image:
    return image.convert("L").convert("RGB")


CHANGES: Mapping[str, tuple[Change, float]] = {
    "a quarter turn left": (_turned(Image.Transpose.ROTATE_90), 1.0),
    "a quarter turn right": (_turned(Image.Transpose.ROTATE_270), 1.0),
    "upside down": (_turned(Image.Transpose.ROTATE_180), 1.0),
    "mirrored": (_turned(Image.Transpose.FLIP_LEFT_RIGHT), 1.0),
    "framed": (_framed, 1.0),
    "trimmed": (trimmed, 1.0),
    "reduced": (_reduced, 0.97),
    "grey": (_grey, 0.97),
}
"""Each change, and what it leaves of a photo's quality."""
