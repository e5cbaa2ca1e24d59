"""CIE L*a*b* (D65): L in 0–100, a and b about ±100."""

import numpy as np
from numpy.typing import NDArray
from skimage.color import lab2rgb, rgb2lab


def to_lab(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return L, a, b (3, H, W) of an sRGB image (3, H, W) in [0, 1]."""
    lab: NDArray[np.float32] = rgb2lab(image, channel_axis=0)
    return lab


def from_lab(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the sRGB image (3, H, W); colours outside sRGB are clipped to [0, 1]."""
    lightness, a, b = lab
    # Beyond this limit Z is negative: scikit-image sets it to 0 and warns, for every photo anew.
    limit = np.float32(200 / 116 * (1 - 1e-6)) * (lightness + 16)
    image: NDArray[np.float32] = lab2rgb(
        np.stack([lightness, a, np.minimum(b, limit)]), channel_axis=0
    )
    return image
