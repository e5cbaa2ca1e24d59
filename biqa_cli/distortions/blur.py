"""Motion, camera shake, Gaussian and lens blur. Borders are replicated."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, next_fast_len, rfft2
from scipy.ndimage import gaussian_filter, uniform_filter1d


def motion_blur(
    image: NDArray[np.float32], *, length: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return means over `length` pixels of a row or, as likely, of a column.

    The window of an even length reaches one pixel further up or left than down or right.
    """
    along = int(rng.integers(1, 3))
    blurred: NDArray[np.float32] = uniform_filter1d(image, length, axis=along, mode="nearest")
    return blurred


def gaussian_blur(image: NDArray[np.float32], *, sigma: float) -> NDArray[np.float32]:
    """Return an image (C, H, W) * G_σ, the kernel cut off ⌈2σ⌉ pixels from its centre."""
    blurred: NDArray[np.float32] = gaussian_filter(
        image, sigma, radius=math.ceil(2 * sigma), axes=(1, 2), mode="nearest"
    )
    return blurred


def lens_blur(image: NDArray[np.float32], *, radius: float) -> NDArray[np.float32]:
    """Return the image * a disk: each point of light becomes a circle, as out of focus."""
    return _convolve(image, disk_kernel(radius))


def camera_shake(
    image: NDArray[np.float32], *, length: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the image * a line of `length` pixels in any direction, which is drawn."""
    return _convolve(image, line_kernel(length, angle=rng.uniform(0, math.pi)))


def line_kernel(length: float, *, angle: float) -> NDArray[np.float32]:
    """Return a line (2n + 1, 2n + 1) through the centre that sums to 1.

    Points on the line, at most a quarter of a pixel apart, share their weight between the four
    pixels around them.

    Args:
        length: Pixels from end to end, at least 1; a line of 1 is a point.
        angle: Radians; 0 points right, π/2 down.

    Example:
        >>> line_kernel(3, angle=0).round(2)
        array([[0.  , 0.  , 0.  ],
               [0.25, 0.5 , 0.25],
               [0.  , 0.  , 0.  ]], dtype=float32)
    """
    reach = (length - 1) / 2
    half = math.ceil(reach)
    points = max(1, 8 * half)
    along = ((np.arange(points) + 0.5) / points * 2 - 1) * reach
    y, x = half + along * math.sin(angle), half + along * math.cos(angle)
    kernel = np.zeros((2 * half + 2, 2 * half + 2))
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    for down in (0, 1):
        for right in (0, 1):
            weights = abs(1 - down - (y - top)) * abs(1 - right - (x - left))
            np.add.at(kernel, (top + down, left + right), weights)
    kernel = kernel[:-1, :-1]
    line: NDArray[np.float32] = (kernel / kernel.sum()).astype(np.float32)
    return line


def disk_kernel(radius: float) -> NDArray[np.float32]:
    """Return a disk (2n + 1, 2n + 1), n = ⌈radius - ½⌉, that sums to 1.

    The weight of a pixel is the area that the disk covers of it, not a yes or no.

    Example:
        >>> disk_kernel(1.0).round(3)
        array([[0.025, 0.145, 0.025],
               [0.145, 0.318, 0.145],
               [0.025, 0.145, 0.025]], dtype=float32)
    """
    half = math.ceil(radius - 0.5)
    edges = np.arange(-half, half + 2, dtype=np.float64) - 0.5
    areas: NDArray[np.float64] = np.diff(
        np.diff(_area_from_centre(edges[:, None], edges, radius), axis=0), axis=1
    )
    kernel: NDArray[np.float32] = (areas / areas.sum()).astype(np.float32)
    return kernel


def _area_from_centre(
    y: NDArray[np.float64], x: NDArray[np.float64], radius: float
) -> NDArray[np.float64]:
    """Return the area of the disk inside the rectangle from its centre to (y, x), signed as y·x."""
    height, width = np.minimum(abs(y), radius), np.minimum(abs(x), radius)
    # Up to `flat` the rectangle is full; from there the circle is its upper edge.
    flat = np.minimum(width, np.sqrt(radius**2 - height**2))
    area = height * flat + _under_circle(width, radius) - _under_circle(flat, radius)
    return np.sign(y) * np.sign(x) * area


def _under_circle(x: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Return ∫ √(r² - t²) dt from 0 to x."""
    return 0.5 * (x * np.sqrt(radius**2 - x**2) + radius**2 * np.arcsin(x / radius))


def _convolve(image: NDArray[np.float32], kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the convolution with a square kernel: by FFT, exact but for rounding in float32."""
    half, (height, width) = kernel.shape[0] // 2, image.shape[1:]
    padded = np.pad(image, ((0, 0), (half, half), (half, half)), mode="edge")
    # What wraps around stays in the first 2·half rows and columns, which are cut off.
    shape = [next_fast_len(side, real=True) for side in padded.shape[1:]]
    full: NDArray[np.float32] = irfft2(rfft2(padded, shape) * rfft2(kernel, shape), shape)
    return full[:, 2 * half : 2 * half + height, 2 * half : 2 * half + width]
