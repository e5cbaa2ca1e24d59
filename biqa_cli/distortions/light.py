"""What goes wrong with the light before a camera's curve: exposure, white balance, haze.

All of it is computed in linear light, in which one stop is a factor of two.
"""

import math

import numpy as np
from numpy.typing import NDArray

# Shares of red, green and blue in luminance (ITU-R BT.709).
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_AIRLIGHT = 0.75
# The bottom of a picture is near and has this share of the haze at its top.
_NEAREST = 0.4


def to_linear(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the linear light of sRGB values in [0, 1] (IEC 61966-2-1)."""
    bent = ((image + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    linear: NDArray[np.float32] = np.where(image > 0.04045, bent, image / np.float32(12.92))  # noqa: PLR2004  sRGB
    return linear


def from_linear(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return sRGB values in [0, 1] of linear light, clipped as a sensor or a file clips it."""
    clipped = np.clip(linear, 0, 1)
    bent = np.float32(1.055) * clipped ** np.float32(1 / 2.4) - np.float32(0.055)
    image: NDArray[np.float32] = np.where(clipped > 0.0031308, bent, clipped * np.float32(12.92))  # noqa: PLR2004  sRGB
    return image


def underexposure(image: NDArray[np.float32], *, stops: float) -> NDArray[np.float32]:
    """Return the image with too little light: a stop is half of it."""
    return from_linear(to_linear(image) * np.float32(2.0**-stops))


def overexposure(image: NDArray[np.float32], *, stops: float) -> NDArray[np.float32]:
    """Return the image with too much light, a stop doubles it; what exceeds white is white."""
    return from_linear(to_linear(image) * np.float32(2.0**stops))


def colour_cast(
    image: NDArray[np.float32], *, stops: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the image with a wrong white balance of any hue; its greys keep their luminance.

    Args:
        image: An image (3, H, W) in [0, 1].
        stops: How far the gains of the channels are from each other: the root of the sum of
            their squares in stops is this.
        rng: Draws the hue: warm, cold, green, magenta or between.
    """
    angle = rng.uniform(0, 2 * math.pi)
    # Two directions at right angles to grey: red to blue, and magenta to green.
    warm, green = np.array([1, 0, -1]) / math.sqrt(2), np.array([-1, 2, -1]) / math.sqrt(6)
    gains = 2.0 ** (stops * (math.cos(angle) * warm + math.sin(angle) * green))
    gains /= gains @ _LUMINANCE
    return from_linear(to_linear(image) * gains.astype(np.float32)[:, None, None])


def vignette(image: NDArray[np.float32], *, stops: float) -> NDArray[np.float32]:
    """Return the image with less light away from its centre: by `stops` in the corners."""
    height, width = image.shape[1:]
    y = (np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1
    x = (np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1
    aspect = width / height
    # 0 in the centre, 1 in the corners; circles, not ellipses.
    squared = (y[:, None] ** 2 + (aspect * x) ** 2) / np.float32(1 + aspect**2)
    return from_linear(to_linear(image) * np.exp2(np.float32(-stops) * squared))


def haze(image: NDArray[np.float32], *, depth: float) -> NDArray[np.float32]:
    """Return the image J·t + A·(1 - t) in linear light, t = exp(-depth) at the top.

    Towards the bottom, where a picture as a rule shows what is near, there is less haze.

    Reference:
        Koschmieder's law, as in He, Sun and Tang, "Single Image Haze Removal Using Dark Channel
        Prior", CVPR 2009, eq. 1.
    """
    height = image.shape[1]
    near = np.linspace(1, _NEAREST, height, dtype=np.float32)[:, None]
    through = np.exp(np.float32(-depth) * near)
    return from_linear(to_linear(image) * through + np.float32(_AIRLIGHT) * (1 - through))
