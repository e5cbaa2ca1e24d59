"""What software does too much of: sharpening that leaves halos, denoising that leaves plastic."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import uniform_filter

from biqa_cli.distortions.blur import gaussian_blur

_HALO_SIGMA = 1.5
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_GUIDED_SIDE = 5
_GUIDED_ROUNDS = 3


def oversharpening(image: NDArray[np.float32], *, amount: float) -> NDArray[np.float32]:
    """Return I + amount·(I - I * G_1.5), clipped: halos along edges, and noise that glares.

    The detail is that of the luma, so colours keep their hue where nothing is clipped.
    """
    luma = np.tensordot(_LUMA, image, axes=1)
    detail = luma - gaussian_blur(luma[None], sigma=_HALO_SIGMA)[0]
    sharp: NDArray[np.float32] = image + np.float32(amount) * detail
    return sharp


def denoised(image: NDArray[np.float32], *, variance: float) -> NDArray[np.float32]:
    """Return the image smoothed wherever it varies by less than `variance`: edges stay.

    It is the guided filter with the luma as its guide, three times, on windows of about 10×10
    pixels whose statistics are those of the image at half its size.

    Reference:
        He and Sun, "Fast Guided Filter", arXiv:1505.00996, 2015.
    """
    for _ in range(_GUIDED_ROUNDS if variance else 0):
        image = _guided(image, variance)
    return image


def _guided(image: NDArray[np.float32], variance: float) -> NDArray[np.float32]:
    height, width = image.shape[1:]
    half = ((width + 1) // 2, (height + 1) // 2)
    guide = np.tensordot(_LUMA, image, axes=1)
    small = _resized(guide, half)
    mean = _box(small)
    inverse = 1 / (np.maximum(_box(small * small) - mean * mean, 0) + np.float32(variance))
    smoothed = np.empty_like(image)
    for channel, plane in enumerate(image):
        small_plane = _resized(plane, half)
        average = _box(small_plane)
        slope = inverse * (_box(small * small_plane) - mean * average)
        smoothed[channel] = _resized(_box(slope), (width, height)) * guide
        smoothed[channel] += _resized(_box(average - slope * mean), (width, height))
    return smoothed


def _resized(plane: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    return np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR))


def _box(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    means: NDArray[np.float32] = uniform_filter(plane, _GUIDED_SIDE, mode="nearest")
    return means
