"""From the scores of blocks to one score."""

import numpy as np
from numpy.typing import NDArray


def pool_mean(scores: NDArray[np.floating]) -> float:
    """Return the mean of block scores (N,)."""
    return float(np.mean(scores))


def pool_worst(scores: NDArray[np.floating], *, share: float) -> float:
    """Return the mean of the lowest scores (N,): people judge a photo by its worst parts.

    Args:
        scores: Higher is better.
        share: Which part of the blocks counts, in (0, 1]; at least one block always does.
    """
    if not 0 < share <= 1:
        msg = f"share must be in (0, 1], got {share}"
        raise ValueError(msg)
    count = max(1, round(share * len(scores)))
    return float(np.mean(np.sort(scores)[:count]))


def pool_weighted(scores: NDArray[np.floating], weights: NDArray[np.floating]) -> float:
    """Return the mean of score · weight over blocks, both (N,) (BlockIQA, eq. 11).

    The weights are not normalised: alike blocks, of weight near 1, keep their scores.
    """
    return float(np.mean(scores * weights))
