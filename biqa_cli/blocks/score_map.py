"""From the scores of blocks to a value for every pixel."""

import numpy as np
from numpy.typing import NDArray

from biqa_cli.blocks.grid import BlockGrid


def score_map(scores: NDArray[np.floating], grid: BlockGrid) -> NDArray[np.float64]:
    """Return the mean score of the blocks that cover each pixel, (H, W).

    Args:
        scores: One score for each block of the grid (N,), row by row.
        grid: Where the blocks lie.

    Returns:
        A map of the image's size; nan where no block lies.

    Raises:
        ValueError: If there is not one score for each block.
    """
    if scores.shape != (len(grid),):
        msg = f"expected {len(grid)} scores, one for each block, got {scores.shape}"
        raise ValueError(msg)
    total = np.zeros((grid.image_height, grid.image_width))
    count = np.zeros((grid.image_height, grid.image_width), dtype=np.int64)
    for block, score in zip(grid, scores, strict=True):
        covered = np.s_[block.y : block.y + block.height, block.x : block.x + block.width]
        total[covered] += score
        count[covered] += 1
    shown = np.full(total.shape, np.nan)
    np.divide(total, count, out=shown, where=count > 0)
    return shown
