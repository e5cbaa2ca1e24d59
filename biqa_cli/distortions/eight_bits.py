"""Between images in [0, 1] and the bytes of files."""

import numpy as np
from numpy.typing import NDArray

_WHITE = 255


def to_bytes(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the bytes (H, W, 3) of an image (3, H, W) in [0, 1], rounded to the nearest."""
    pixels: NDArray[np.uint8] = np.rint(image * np.float32(_WHITE)).astype(np.uint8)
    return pixels.transpose(1, 2, 0)


def from_bytes(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the image (3, H, W) in [0, 1] of bytes (H, W, 3)."""
    image = pixels.transpose(2, 0, 1).astype(np.float32, order="C")
    image /= np.float32(_WHITE)
    return image


def rounded(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image in [0, 1] with each value rounded to k/255, as a file stores it.

    Example:
        >>> rounded(np.array([0.5], np.float32)) * 255
        array([128.], dtype=float32)
    """
    result = image * np.float32(_WHITE)
    np.rint(result, out=result)
    result /= np.float32(_WHITE)
    return result
