"""Noise, and what is left of it after smoothing. Variances are on the scale [0, 1]."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from biqa_cli.distortions.blur import gaussian_blur
from biqa_cli.distortions.eight_bits import rounded

# RGB from Y, Cb, Cr, all of full range, as in JPEG (ITU-R BT.601: red 0.299, blue 0.114).
_KR, _KB = 0.299, 0.114
_KG = 1 - _KR - _KB
_RGB_FROM_YCBCR = np.array(
    [
        [1, 0, 2 * (1 - _KR)],
        [1, -2 * (1 - _KB) * _KB / _KG, -2 * (1 - _KR) * _KR / _KG],
        [1, 2 * (1 - _KB), 0],
    ],
    np.float32,
)
_DENOISE_SIGMA, _DENOISE_BOX = 3.0, 5


def white_noise_rgb(
    image: NDArray[np.float32], *, variance: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the image with N(0, variance) added to every sample."""
    return image + _normal(image, variance, rng)


def white_noise_ycbcr(
    image: NDArray[np.float32], *, variance: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the image with N(0, variance) added to Y, Cb and Cr.

    The transform is linear, so the noise alone is brought to RGB. There its variance is 2.97,
    1.63 and 4.14 times that of Y, Cb and Cr, and its channels are correlated.
    """
    return image + np.tensordot(_RGB_FROM_YCBCR, _normal(image, variance, rng), axes=1)


def impulse_noise(
    image: NDArray[np.float32], *, density: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the image with a share of `density` of its pixels black or, as likely, white."""
    drawn = rng.random(image.shape[1:], dtype=np.float32)
    noisy = np.where(drawn < density / 2, np.float32(0), image)
    return np.where(drawn >= 1 - density / 2, np.float32(1), noisy)


def multiplicative_noise(
    image: NDArray[np.float32], *, variance: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the image I + I·N(0, variance), as speckle."""
    return image + image * _normal(image, variance, rng)


def denoise(
    image: NDArray[np.float32], *, variance: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the image with white noise, smoothed by G_3 or, as likely, by a 5×5 box.

    The noisy image is rounded to 8 bits before it is smoothed.
    """
    by_gaussian = rng.random() < 1 / 2
    noisy = rounded(np.clip(white_noise_rgb(image, variance=variance, rng=rng), 0, 1))
    if by_gaussian:
        return gaussian_blur(noisy, sigma=_DENOISE_SIGMA)
    smooth: NDArray[np.float32] = uniform_filter(noisy, _DENOISE_BOX, axes=(1, 2), mode="nearest")
    return smooth


def _normal(
    image: NDArray[np.float32], variance: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    drawn = rng.standard_normal(image.shape, dtype=np.float32)
    drawn *= np.float32(math.sqrt(variance))
    return drawn
