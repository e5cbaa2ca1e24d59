"""SHDIQA's block-wise degradation: another distortion on each block of one image.

Reference:
    Li et al., "Distilling Spatially-Heterogeneous Distortion Perception for Blind Image Quality
    Assessment", CVPR 2025, abstract and supplement, sections 1 and 3; the draw is our reading.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biqa_cli.distortions.catalog import DISTORTIONS, LEVELS
from biqa_cli.distortions.distort import distort_blocks
from biqa_cli.distortions.eight_bits import from_bytes, to_bytes
from biqa_cli.networks.shdiqa import PARTITIONS, Partition
from biqa_cli.training.photos import Pixels


@dataclass(frozen=True, slots=True)
class DegradedCrop:
    """A crop whose K blocks are degraded, and what the teacher shall say of them."""

    image: NDArray[np.float32]
    """(3, H, W) in [0, 1]."""
    types: NDArray[np.int64]
    """(K,), 0 to 23: places in `DISTORTIONS`, all different."""
    levels: NDArray[np.int64]
    """(K,), 0 to 3, as a rule the mildest to the strongest."""


def degrade_blocks(
    image: NDArray[np.float32],
    *,
    seed: int | np.random.Generator,
    partition: Partition = "vertical",
) -> DegradedCrop:
    """Return a crop with a distortion of its own on each block.

    K different kinds and a level for each are drawn uniformly. Each distortion is applied to the
    whole crop and its block is cut from the result.

    Args:
        image: The training crop (3, H, W), float32 in [0, 1], flipped but not yet normalised.
        seed: The same seed gives the same crop and labels.
        partition: How the network that shall learn from it cuts the image.

    Raises:
        UsageError: If the image has another shape, type or range, or is too small.

    Example:
        >>> crop = degrade_blocks(np.full((3, 64, 64), 0.5, np.float32), seed=0)
        >>> crop.types.shape, crop.levels.shape
        ((2,), (2,))
    """
    rng = np.random.default_rng(seed)
    types, levels = draw_blocks(rng, partition)
    parts = {
        block: (DISTORTIONS[kind].name, LEVELS[level])
        for block, kind, level in zip(PARTITIONS[partition], types, levels, strict=True)
    }
    return DegradedCrop(
        image=distort_blocks(image, parts=parts, seed=rng), types=types, levels=levels
    )


def draw_blocks(
    rng: np.random.Generator, partition: Partition
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the types (K,) and levels (K,) that `degrade_blocks` draws first."""
    count = len(PARTITIONS[partition])
    types = rng.choice(len(DISTORTIONS), size=count, replace=False)
    return types, rng.integers(len(LEVELS), size=count)


def degrade_pixels(
    pixels: Pixels, rng: np.random.Generator, *, partition: Partition
) -> tuple[Pixels, NDArray[np.int64], NDArray[np.int64]]:
    """Return `degrade_blocks` of bytes (H, W, 3), and its types and levels."""
    made = degrade_blocks(from_bytes(pixels), seed=rng, partition=partition)
    return to_bytes(made.image), made.types, made.levels
