"""From a photo to the array that a model reads. Pure functions, no torch."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def model_view(
    image: Image.Image,
    *,
    height: int,
    width: int,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
) -> NDArray[np.float32]:
    """Return the normalised view (3, height, width) of an RGB image.

    The whole image is resized, its aspect ratio is not kept. Where it shrinks, Pillow's bicubic
    filter averages over all pixels that a pixel of the view stands for.
    """
    return normalise(resized(image, height=height, width=width), mean=mean, std=std)


def resized(image: Image.Image, *, height: int, width: int) -> NDArray[np.uint8]:
    """Return the view (height, width, 3) of an RGB image before it is normalised."""
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def normalise(
    pixels: NDArray[np.uint8],
    *,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
) -> NDArray[np.float32]:
    """Return (pixels / 255 - mean) / std of pixels (H, W, 3) as an array (3, H, W)."""
    scale = (1 / (255 * np.asarray(std))).astype(np.float32)
    offset = (np.asarray(mean) / np.asarray(std)).astype(np.float32)
    view = np.multiply(pixels.transpose(2, 0, 1), scale[:, None, None], dtype=np.float32, order="C")
    view -= offset[:, None, None]
    return view
