"""From the scores or the maps of blocks to a value for every pixel, or every cell of a raster."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from biqa_cli.blocks.grid import Block, BlockGrid


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


def interpolated_map(
    scores: NDArray[np.floating],
    blocks: Sequence[Block],
    *,
    size: tuple[int, int],
    height: int,
    width: int,
) -> NDArray[np.float64]:
    """Return the scores at the middles of the cells of a raster (height, width) over an image.

    Between the middles of blocks it is bilinear, beyond the outermost it is level.

    Args:
        scores: One score for each block (N,).
        blocks: At every crossing of some rows and columns, row by row.
        size: (width, height) of the image.
        height: Rows of the raster.
        width: Columns of the raster.

    Raises:
        ValueError: If there is not one score for each block.

    Example:
        >>> blocks = [Block(0, 0, 2, 2), Block(0, 2, 2, 2)]
        >>> interpolated_map(np.array([0.0, 8.0]), blocks, size=(4, 2), height=1, width=4)
        array([[0., 2., 6., 8.]])
    """
    middles_y = sorted({block.y + block.height / 2 for block in blocks})
    middles_x = sorted({block.x + block.width / 2 for block in blocks})
    if scores.shape != (len(middles_y) * len(middles_x),):
        msg = f"expected {len(blocks)} scores, one for each block, got {scores.shape}"
        raise ValueError(msg)
    lattice = scores.reshape(len(middles_y), len(middles_x)).astype(np.float64)
    rows = _between(middles_y, length=size[1], cells=height)
    columns = _between(middles_x, length=size[0], cells=width)
    across = _blended(lattice, *columns, axis=1)
    return _blended(across, *rows, axis=0)


def _shape(grid: BlockGrid) -> tuple[int, int, int]:
    return (len(grid), grid.height, grid.width)


def _between(
    middles: Sequence[float], *, length: int, cells: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return for each cell the middle before it and how far the next one is reached, 0 to 1."""
    at = (np.arange(cells) + 0.5) * length / cells
    places = np.interp(at, middles, np.arange(len(middles)))
    before = places.astype(np.intp)
    return before, places - before


def _blended(
    lattice: NDArray[np.float64],
    before: NDArray[np.intp],
    share: NDArray[np.float64],
    *,
    axis: int,
) -> NDArray[np.float64]:
    after = np.minimum(before + 1, lattice.shape[axis] - 1)
    share = share[:, None] if axis == 0 else share
    blended: NDArray[np.float64] = (
        lattice.take(before, axis) * (1 - share) + lattice.take(after, axis) * share
    )
    return blended
