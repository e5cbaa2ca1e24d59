"""From images and a grid to the pixels of the blocks."""

from typing import Any, TypeVar

from biqa_cli.blocks.grid import BlockGrid

_Array = TypeVar("_Array", bound=Any)


def block_views(images: _Array, grid: BlockGrid) -> list[_Array]:
    """Return the blocks of the grid, row by row, as views.

    Args:
        images: A NumPy array or a tensor (…, H, W) of the grid's image size.
        grid: Where the blocks lie.

    Returns:
        One view (…, h, w) for each block.

    Raises:
        ValueError: If the images are not of the grid's size.
    """
    height, width = images.shape[-2:]
    if (height, width) != (grid.image_height, grid.image_width):
        expected = f"{grid.image_height}×{grid.image_width}"
        msg = f"the grid is for {expected} pixels (H×W), got {height}×{width}"
        raise ValueError(msg)
    return [images[..., b.y : b.y + b.height, b.x : b.x + b.width] for b in grid]
