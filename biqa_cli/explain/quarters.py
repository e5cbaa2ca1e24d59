"""Blocks that lie between others, scored by the quarters that they share with these.

Some networks read means and deviations of maps and nothing else. Those of a block shifted by half a
block follow from those of quarters of the blocks around it, without another pass of the backbone.
Each quarter has seen two of the padded edges of its block, so a block of four quarters has as much
of an edge as any, and its statistics are those that the head was trained on.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from biqa_cli.blocks.grid import BlockGrid
from biqa_cli.models.base import Parts, Predictions, joined

_VARIANCE_FLOOR = 1e-8
"""As QualityNet pools."""
_AT_ONCE = 64
"""Blocks that the head reads together, whatever the batch of views is."""


def halves(starts: Sequence[int], *, size: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return which blocks of a row are read, and of which halves of these each block consists.

    A block halfway between two that are read consists of the second half of one and the first half
    of the other. Whatever does not lie like this, the last block above all, is read.

    Args:
        starts: Of the blocks, in pixels, from 0 in steps of half a block but for the last.
        size: Of a block in pixels, even.

    Returns:
        The starts of what is read, and for each block the first of its two halves, counted over
        all that is read.

    Example:
        >>> halves([0, 8, 16, 24, 29], size=16)
        ((0, 16, 24, 29), (0, 1, 2, 4, 6))
    """
    half, known = size // 2, set(starts)
    between = {start for start in starts if start % size == half and start + half in known}
    read = tuple(start for start in starts if start not in between)
    first = {start: 2 * number for number, start in enumerate(read)}
    return read, tuple(
        first[start - half] + 1 if start in between else first[start] for start in starts
    )


def quarter_moments(maps: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the means and variances (B, 2, 2, 2, C) of the quarters of maps (B, C_i, h, w).

    The sides are: views, rows of quarters, columns of quarters, mean or variance, and the channels
    of all maps. h and w are even.
    """
    return np.concatenate([_moments(each) for each in maps], axis=-1)


def _moments(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    batch, channels, height, width = maps.shape
    split = maps.reshape(batch, channels, 2, height // 2, 2, width // 2).swapaxes(3, 4)
    # The copy makes the pixels of a quarter neighbours, which is three times as fast.
    pixels = split.copy().reshape(batch, channels, 2, 2, -1)
    means = pixels.mean(axis=-1)
    pixels -= means[..., None]
    variances = np.einsum("bcijn,bcijn->bcij", pixels, pixels) / pixels.shape[-1]
    return np.stack([means, variances]).transpose(1, 3, 4, 0, 2)


def pooled_of(quarters: NDArray[np.float32], *, channels: Sequence[int]) -> NDArray[np.float32]:
    """Return the means and deviations (N, F) of blocks of four quarters, as `Parts` reads them.

    Args:
        quarters: Means and variances (N, 2, 2, 2, C), as in `quarter_moments`.
        channels: Of each map; C is their sum.
    """
    means, variances = quarters[..., 0, :], quarters[..., 1, :]
    mean = means.mean(axis=(1, 2))
    variance = variances.mean(axis=(1, 2)) + means.var(axis=(1, 2))
    deviation = np.sqrt(variance + np.float32(_VARIANCE_FLOOR))
    ends = np.cumsum(channels)[:-1]
    pairs = zip(np.split(mean, ends, axis=1), np.split(deviation, ends, axis=1), strict=True)
    return np.concatenate([each for pair in pairs for each in pair], axis=1)


def scores_by_quarters(
    grid: BlockGrid,
    parts: Parts,
    views_of: Callable[[BlockGrid], Iterable[NDArray[np.float32]]],
) -> tuple[Predictions, NDArray[np.bool_]]:
    """Return scores and flaws of all blocks of a grid, and which of them the network has read.

    It reads little more than a quarter of them.

    Args:
        grid: Blocks as large as the view, every half block but for the last of a row or column.
        parts: Of the network.
        views_of: Yields batches of views (B, 3, H, W) of the blocks of a grid, row by row.
    """
    ys, rows = halves(grid.ys, size=grid.height)
    xs, columns = halves(grid.xs, size=grid.width)
    told, found, channels = list[Predictions](), list[NDArray[np.float32]](), list[int]()
    for views in views_of(replace(grid, ys=ys, xs=xs)):
        said, maps = parts.maps(views)
        told.append(said)
        found.append(quarter_moments(maps))
        channels = [each.shape[1] for each in maps]
    # Side by side, as they lie in the photo.
    quarters = np.concatenate(found).reshape(len(ys), len(xs), 2, 2, 2, -1).swapaxes(1, 2)
    quarters = quarters.reshape(2 * len(ys), 2 * len(xs), 2, -1)
    places = np.array([(row, column) for row in rows for column in columns])
    is_read = (places % 2 == 0).all(axis=1)
    between = places[~is_read]
    for start in range(0, len(between), _AT_ONCE):
        some = between[start : start + _AT_ONCE]
        of_some = np.stack([quarters[y : y + 2, x : x + 2] for y, x in some])
        pooled = pooled_of(of_some, channels=channels)
        told.append(parts.from_pooled(pooled))
    # What was read comes first in `told`, then what lies between.
    numbers = [*np.flatnonzero(is_read).tolist(), *np.flatnonzero(~is_read).tolist()]
    return joined(told, numbers), is_read
