"""Degrade an image: one of 51 kinds at one of four levels, everywhere or in a block."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from biqa_cli.distortions.catalog import LEVELS, Distortion, find_distortion
from biqa_cli.distortions.eight_bits import rounded
from biqa_cli.distortions.named_blocks import BlockName, block_slices
from biqa_cli.errors import UsageError

_COLOUR_IMAGE = 3


def distort(
    image: NDArray[np.float32],
    *,
    kind: str,
    level: int,
    seed: int | np.random.Generator,
    quantise: bool = True,
) -> NDArray[np.float32]:
    """Return the degraded image (3, H, W), float32 in [0, 1].

    Args:
        image: An sRGB image (3, H, W), float32 in [0, 1]. It is not changed.
        kind: A name of `DISTORTIONS`, such as "gaussian-blur".
        level: 1 to 4, as a rule the mildest to the strongest.
        seed: What the random kinds draw from. With the same seed, the levels of a kind share
            their noise, places and directions.
        quantise: Whether the result is rounded to 8 bits, as a file stores it.

    Raises:
        UsageError: If kind or level is unknown, or the image has another shape, type or range,
            or is too small for this kind.

    Example:
        >>> grey = np.full((3, 32, 32), 0.4, np.float32)
        >>> distort(grey, kind="mean-shift", level=1, seed=0)[:, 0, 0] * 255
        array([122., 122., 122.], dtype=float32)
    """
    distortion = find_distortion(kind)
    _check(image, distortion, level)
    degraded = distortion.apply(image, distortion.levels[level - 1], np.random.default_rng(seed))
    clipped = np.clip(degraded, 0, 1, out=np.empty_like(image, order="C"))
    return rounded(clipped) if quantise else clipped


def distort_block(
    image: NDArray[np.float32],
    *,
    kind: str,
    level: int,
    seed: int | np.random.Generator,
    block: BlockName,
) -> NDArray[np.float32]:
    """Return the image with one half or quarter degraded; the other pixels are untouched.

    The whole image is degraded and the block cut from the result, so that no border shows along
    the cut but that of the distortion itself, and counts (of squares, of patches) keep their
    meaning (SHDIQA, our reading).

    Args:
        image: As in `distort`.
        kind: As in `distort`.
        level: As in `distort`.
        seed: As in `distort`.
        block: A half, "left", "right", "top" or "bottom", or a quarter such as "top-left".

    Raises:
        UsageError: As `distort`, and if the image is too small to be cut.
    """
    return distort_blocks(image, parts={block: (kind, level)}, seed=seed)


def distort_blocks(
    image: NDArray[np.float32],
    *,
    parts: Mapping[BlockName, tuple[str, int]],
    seed: int | np.random.Generator,
) -> NDArray[np.float32]:
    """Return the image with each named block degraded in its own way.

    Each distortion sees the original image, so no block leaks into another.

    Args:
        image: As in `distort`.
        parts: For each block its kind and level. Of blocks that overlap, the later covers the
            earlier.
        seed: One generator serves the blocks in their order.

    Raises:
        UsageError: As `distort_block`.

    Example:
        >>> grey = np.full((3, 32, 32), 0.4, np.float32)
        >>> halves = {"left": ("mean-shift", 1), "right": ("mean-shift", 2)}
        >>> distort_blocks(grey, parts=halves, seed=0)[0, 0, [0, 31]].round(2)
        array([0.48, 0.32], dtype=float32)
    """
    rng = np.random.default_rng(seed)
    result = image.copy()
    for block, (kind, level) in parts.items():
        degraded = distort(image, kind=kind, level=level, seed=rng)
        rows, columns = block_slices(*image.shape[1:], block=block)
        result[:, rows, columns] = degraded[:, rows, columns]
    return result


def _check(image: NDArray[np.float32], distortion: Distortion, level: int) -> None:
    if level not in LEVELS:
        msg = f"level {level} of {distortion.name}: levels are 1 to {len(LEVELS)}"
        raise UsageError(msg)
    if image.dtype != np.float32 or image.ndim != _COLOUR_IMAGE or len(image) != _COLOUR_IMAGE:
        msg = f"expected an image (3, H, W) of float32, got {image.dtype} {image.shape}"
        raise UsageError(msg)
    distortion.check_size(*image.shape[1:])
    lowest, highest = image.min(), image.max()
    # Written so that nan fails too.
    if not (lowest >= 0 and highest <= 1):
        msg = f"expected values in [0, 1], got {lowest:g} to {highest:g}: divide bytes by 255"
        raise UsageError(msg)
