"""Noise, and what is left of it after smoothing. Variances are on the scale [0, 1]."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from biqa_cli.distortions.blur import gaussian_blur
from biqa_cli.distortions.eight_bits import rounded
from biqa_cli.distortions.light import from_linear, to_linear

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
_COARSE_SIGMA, _CHROMA_SIGMA = 1.5, 2.0
# Read noise of a sensor, as a share of the deviation that shot noise has in white.
_READ_SHARE = 0.1


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


def high_iso(
    image: NDArray[np.float32], *, variance: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the image as a sensor with too little light sees it: shot noise and read noise.

    In linear light the variance of a value x is `variance`·(x + 0.01): shadows suffer most once
    the curve of sRGB has lifted them.
    """
    linear = to_linear(image)
    spread = np.sqrt(np.float32(variance) * (linear + np.float32(_READ_SHARE**2)))
    return from_linear(linear + spread * _normal(image, 1.0, rng))


def chroma_noise(
    image: NDArray[np.float32], *, sigma: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the image with N(0, sigma²) added to Cb and Cr, in blotches a few pixels wide."""
    noise = _blotches((2, *image.shape[1:]), sigma, _CHROMA_SIGMA, rng)
    return image + np.tensordot(_RGB_FROM_YCBCR[:, 1:], noise, axes=1)


def coarse_noise(
    image: NDArray[np.float32], *, sigma: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the image with N(0, sigma²) added that is correlated over a few pixels, as grain."""
    return image + _blotches(image.shape, sigma, _COARSE_SIGMA, rng)


def fine_noise(
    image: NDArray[np.float32], *, sigma: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the image with noise of high frequencies: N(0, sigma²) less its 3×3 means."""
    white = _normal(image, sigma**2, rng)
    low = uniform_filter(white, 3, axes=(1, 2), mode="nearest")
    high: NDArray[np.float32] = white - low
    return image + high


def _blotches(
    shape: tuple[int, ...], sigma: float, width: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return noise blurred by G_width, with N(0, sigma²) at each pixel away from the border."""
    white = rng.standard_normal(shape, dtype=np.float32)
    weights = np.exp(
        -(np.arange(-math.ceil(2 * width), math.ceil(2 * width) + 1) ** 2) / (2 * width**2)
    )
    # The share of its deviation that white noise keeps in a mean with these weights, each way.
    kept = (weights**2).sum() / weights.sum() ** 2
    return np.float32(sigma / kept) * gaussian_blur(white, sigma=width)


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
