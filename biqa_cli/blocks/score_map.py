"""From the scores of blocks to a value for every pixel, or for every cell of a coarser raster."""

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
    return joined_map(np.broadcast_to(scores[:, None, None], _shape(grid)), grid)


def joined_map(maps: NDArray[np.floating], grid: BlockGrid) -> NDArray[np.float64]:
    """Return the mean of the blocks' own maps over each pixel, (H, W).

    Args:
        maps: One map for each block of the grid (N, h, w), row by row, as large as the block.
        grid: Where the blocks lie.

    Returns:
        A map of the image's size; nan where no block lies, or where a map is nan.

    Raises:
        ValueError: If the maps are not of the blocks' number and size.
    """
    if maps.shape != _shape(grid):
        msg = f"expected maps {_shape(grid)}, one for each block, got {maps.shape}"
        raise ValueError(msg)
    total = np.zeros((grid.image_height, grid.image_width))
    count = np.zeros((grid.image_height, grid.image_width), dtype=np.int64)
    for block, values in zip(grid, maps, strict=True):
        covered = np.s_[block.y : block.y + block.height, block.x : block.x + block.width]
        total[covered] += values
        count[covered] += 1
    shown = np.full(total.shape, np.nan)
    np.divide(total, count, out=shown, where=count > 0)
    return shown


def reduced_score_map(
    scores: NDArray[np.floating], grid: BlockGrid, *, height: int, width: int
) -> NDArray[np.float64]:
    """Return the mean of `score_map` over each cell of a coarser raster, (height, width).

    The map of a large photo is never built. Its rows and columns are independent: with the share
    R of each cell's rows that belongs to each row of blocks, and C for columns, it is R S Cᵀ.

    Args:
        scores: One score for each block of the grid (N,), row by row.
        grid: Where the blocks lie; together they cover the image.
        height: Rows of the raster, 1 to the image's height.
        width: Columns of the raster, 1 to the image's width.

    Raises:
        ValueError: If there is not one score for each block.

    Example:
        >>> from biqa_cli.blocks.grid import covering_grid
        >>> grid = covering_grid(4, 4, size=2, stride=2)
        >>> reduced_score_map(np.array([1.0, 2.0, 3.0, 4.0]), grid, height=1, width=2)
        array([[2., 3.]])
    """
    if scores.shape != (len(grid),):
        msg = f"expected {len(grid)} scores, one for each block, got {scores.shape}"
        raise ValueError(msg)
    rows = _shares(grid.ys, size=grid.height, length=grid.image_height, cells=height)
    columns = _shares(grid.xs, size=grid.width, length=grid.image_width, cells=width)
    lattice = scores.reshape(len(grid.ys), len(grid.xs)).astype(np.float64)
    reduced: NDArray[np.float64] = rows @ lattice @ columns.T
    return reduced


def _shape(grid: BlockGrid) -> tuple[int, int, int]:
    return (len(grid), grid.height, grid.width)


def _shares(starts: tuple[int, ...], *, size: int, length: int, cells: int) -> NDArray[np.float64]:
    """Return how much of each cell belongs to each block along one axis, (cells, blocks)."""
    pixels = np.arange(length)[:, None]
    covers = (pixels >= np.array(starts)) & (pixels < np.array(starts) + size)
    weights: NDArray[np.float64] = covers / covers.sum(axis=1, keepdims=True)
    if cells == length:
        return weights
    until = np.concatenate([np.zeros((1, len(starts))), weights.cumsum(axis=0)])
    edges = np.arange(cells + 1) * length / cells
    whole = edges.astype(np.int64)
    following = np.minimum(whole, length - 1)
    sums = until[whole] + (edges - whole)[:, None] * weights[following]
    shares: NDArray[np.float64] = np.diff(sums, axis=0) * cells / length
    return shares
