"""Colours that spread, slip, glare or fade."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import sobel

from biqa_cli.distortions.blur import gaussian_blur
from biqa_cli.distortions.lab import from_lab, to_lab

_LUMA = np.array([0.2989, 0.5870, 0.1140], np.float32)
_GREEN = 1
_EDGE_SIGMA, _EDGE_FLOOR = 4.0, 0.1
_GARISH_CONTRAST = 0.1


def colour_diffuse(image: NDArray[np.float32], *, amount: float) -> NDArray[np.float32]:
    """Return the image with its colours (a, b) blurred by σ = 1.5·amount + 2, times amount."""
    lab = to_lab(image)
    lab[1:] = np.float32(amount) * gaussian_blur(lab[1:], sigma=1.5 * amount + 2)
    return from_lab(lab)


def saturate(image: NDArray[np.float32], *, factor: float) -> NDArray[np.float32]:
    """Return the image with its colours (a, b) times factor."""
    lab = to_lab(image)
    lab[1:] *= np.float32(factor)
    return from_lab(lab)


def garish(image: NDArray[np.float32], *, factor: float) -> NDArray[np.float32]:
    """Return the image with the distance of its colours from grey times factor, and contrast.

    Unlike `saturate` it works on the curved values, so colours reach the corners of sRGB, and
    contrast grows by a tenth for each time.
    """
    luma = np.tensordot(_LUMA, image, axes=1)
    vivid = luma + np.float32(factor) * (image - luma)
    middle = np.float32(0.5)
    return middle + np.float32(1 + _GARISH_CONTRAST * (factor - 1)) * (vivid - middle)


def desaturated(image: NDArray[np.float32], *, factor: float) -> NDArray[np.float32]:
    """Return the image with its saturation (HSV) times factor; hue and value stay."""
    value = image.max(axis=0)
    faded: NDArray[np.float32] = value + np.float32(factor) * (image - value)
    return faded


def chromatic_aberration(image: NDArray[np.float32], *, scale: float) -> NDArray[np.float32]:
    """Return the image with red enlarged by `scale` of its size and blue reduced by as much.

    Fringes grow from the centre to the corners, as with a lens that bends colours differently.
    """
    result = image.copy()
    for channel, magnified in ((0, 1 + scale), (2, 1 / (1 + scale))):
        result[channel] = _magnified(image[channel], magnified)
    return result


def _magnified(plane: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    height, width = plane.shape
    # Room for what lies outside when a plane is reduced.
    margin = math.ceil(max(height, width) * max(0.0, 1 / factor - 1) / 2) + 2
    padded = Image.fromarray(np.pad(plane, margin, mode="edge"))
    left, top = width / 2 * (1 - 1 / factor), height / 2 * (1 - 1 / factor)
    box = (
        *(margin + left, margin + top),
        *(margin + width - left, margin + height - top),
    )
    return np.asarray(padded.resize((width, height), Image.Resampling.BICUBIC, box=box))


def colour_shift(
    image: NDArray[np.float32], *, distance: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the image with its green shifted right and down along edges.

    The direction is drawn between right and down, and the shift rounded to whole pixels.
    """
    angle = rng.uniform(0, math.pi / 2)
    down, right = round(distance * math.sin(angle)), round(distance * math.cos(angle))
    height, width = image.shape[1:]
    rows = np.maximum(np.arange(height) - down, 0)
    columns = np.maximum(np.arange(width) - right, 0)
    green, edges = image[_GREEN], edge_mask(image)
    result = image.copy()
    result[_GREEN] += edges * (green[rows[:, None], columns] - green)
    return result


def edge_mask(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how much of an edge there is at each pixel (H, W): 0 none, 1 strong.

    It is the gradient of the luma (Sobel), blurred by G_4 and stretched to [0, 1]; then its lowest
    tenth and its lowest and highest hundredth of pixels are cut off, with a stretch after each.
    """
    luma = np.tensordot(_LUMA, image, axes=1)
    gradient = np.hypot(sobel(luma, axis=0, mode="nearest"), sobel(luma, axis=1, mode="nearest"))
    strength = _stretched(gaussian_blur(gradient[None], sigma=_EDGE_SIGMA)[0])
    strength = _stretched(np.clip(strength, _EDGE_FLOOR, 1))
    lowest, highest = np.percentile(strength, [1, 99])
    return _stretched(np.clip(strength, lowest, highest, dtype=np.float32))


def _stretched(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return values stretched to [0, 1]; where all are the same, zeros."""
    low, high = values.min(), values.max()
    return np.zeros_like(values) if low == high else (values - low) / (high - low)
