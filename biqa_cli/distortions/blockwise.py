"""SHDIQA's block-wise degradation: another distortion on each block of one image.

Reference:
    Li et al., "Distilling Spatially-Heterogeneous Distortion Perception for Blind Image Quality
    Assessment", CVPR 2025, abstract and supplement, sections 1 and 3; the draw is our reading.
"""

import numpy as np
from numpy.typing import NDArray

from biqa_cli.distortions.catalog import LEVELS, SHDIQA_DISTORTIONS
from biqa_cli.distortions.distort import distort_blocks
from biqa_cli.distortions.eight_bits import from_bytes, to_bytes
from biqa_cli.distortions.named_blocks import PARTITIONS, Partition


def degrade_blocks(
    view: NDArray[np.uint8], rng: np.random.Generator, *, partition: Partition
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Return a view with a distortion of its own on each of its K blocks, and what they are.

    Each distortion is applied to the whole view, and its block is cut from the result.

    Raises:
        UsageError: If the view is too small.

    Example:
        >>> gray = np.full((64, 64, 3), 128, np.uint8)
        >>> degraded, types, levels = degrade_blocks(
        ...     gray, np.random.default_rng(0), partition="vertical")
        >>> degraded.shape, types.shape, levels.shape
        ((64, 64, 3), (2,), (2,))
    """
    types, levels = draw_blocks(rng, partition)
    parts = {
        block: (SHDIQA_DISTORTIONS[kind].name, LEVELS[level])
        for block, kind, level in zip(PARTITIONS[partition], types, levels, strict=True)
    }
    return to_bytes(distort_blocks(from_bytes(view), parts=parts, seed=rng)), types, levels


def draw_blocks(
    rng: np.random.Generator, partition: Partition
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the types and the levels of the blocks, drawn uniformly; all types differ.

    Returns:
        Types (K,), 0 to 23: places in `SHDIQA_DISTORTIONS`; levels (K,), 0 to 3, mildest first.
    """
    count = len(PARTITIONS[partition])
    types = rng.choice(len(SHDIQA_DISTORTIONS), size=count, replace=False)
    return types, rng.integers(len(LEVELS), size=count)
