"""How much detail there is in parts of a photo: skies and walls have next to none."""

import numpy as np
from numpy.typing import NDArray

from biqa_cli.images.full_size import CELL, STEEPEST


def details(pixels: NDArray[np.uint8], *, cell: int) -> NDArray[np.float32]:
    """Return the detail of cells (H / cell, W / cell) of pixels (H, W, 3), in grey levels.

    As in `full_size`, it is the mean of min(|gx| + |gy|, 40), where gx and gy are the differences
    between neighbours among the means of 8×8 pixels: noise and blur of single pixels hardly change
    it. What is left over at the right and below is not looked at.

    Args:
        pixels: RGB; a side may be shorter than a cell, it is then a cell itself.
        cell: A multiple of 8.
    """
    height, width = (max(side // CELL, 1) for side in pixels.shape[:2])
    high, wide = (min(CELL, side) for side in pixels.shape[:2])
    inside = pixels[: height * high, : width * wide].reshape(height, high, width, wide * 3)
    means = inside.mean(axis=(1, 3), dtype=np.float32)
    slopes = np.abs(np.diff(means, axis=0, append=means[-1:]))
    slopes += np.abs(np.diff(means, axis=1, append=means[:, -1:]))
    np.minimum(slopes, STEEPEST, out=slopes)
    rows, columns = (min(cell // CELL, side) for side in slopes.shape)
    whole = slopes[: height // rows * rows, : width // columns * columns]
    found: NDArray[np.float32] = whole.reshape(
        height // rows, rows, width // columns, columns
    ).mean(axis=(1, 3))
    return found
