"""Where the blocks of an image lie: integers only."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from biqa_cli.errors import UsageError


class Block(NamedTuple):
    """One block: its top-left pixel and its size, in pixels."""

    y: int
    x: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class BlockGrid:
    """Equal blocks at every crossing of some rows and columns of an image."""

    image_height: int
    image_width: int
    height: int
    width: int
    ys: tuple[int, ...]
    xs: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.ys) * len(self.xs)

    def __iter__(self) -> Iterator[Block]:
        """Yield the blocks row by row."""
        return (Block(y, x, self.height, self.width) for y in self.ys for x in self.xs)


def partition_grid(height: int, width: int, *, blocks: int) -> BlockGrid:
    """Return blocks × blocks equal blocks that do not overlap.

    Remainder rows and columns, at the bottom and on the right, belong to no block
    (BlockIQA, section 3.1).

    Raises:
        UsageError: If blocks is below 1 or the image has fewer pixels than blocks on a side.

    Example:
        >>> grid = partition_grid(224, 224, blocks=3)
        >>> (grid.height, grid.ys)
        (74, (0, 74, 148))
    """
    if blocks < 1 or min(height, width) < blocks:
        most = min(height, width)
        msg = f"cannot cut {width}×{height} pixels into {blocks} blocks a side: use 1 to {most}"
        raise UsageError(msg)
    block_height, block_width = height // blocks, width // blocks
    return BlockGrid(
        image_height=height,
        image_width=width,
        height=block_height,
        width=block_width,
        ys=tuple(range(0, blocks * block_height, block_height)),
        xs=tuple(range(0, blocks * block_width, block_width)),
    )


def covering_grid(height: int, width: int, *, size: int, stride: int) -> BlockGrid:
    """Return size × size blocks that together cover every pixel, with nothing padded.

    Blocks start every `stride` pixels; the last of a row or column is shifted back so that it
    ends with the image. A side shorter than `size` gets blocks as short as that side.

    Raises:
        UsageError: If size or stride is below 1, the stride leaves gaps, or the image is empty.

    Example:
        >>> covering_grid(100, 250, size=100, stride=100).xs
        (0, 100, 150)
    """
    if not 1 <= stride <= size:
        msg = f"stride {stride} and size {size} leave pixels uncovered: use 1 ≤ stride ≤ size"
        raise UsageError(msg)
    if min(height, width) < 1:
        msg = f"an image of {width}×{height} pixels has nothing to cover"
        raise UsageError(msg)
    block_height, block_width = min(size, height), min(size, width)
    return BlockGrid(
        image_height=height,
        image_width=width,
        height=block_height,
        width=block_width,
        ys=_covering_starts(height, size=block_height, stride=stride),
        xs=_covering_starts(width, size=block_width, stride=stride),
    )


def _covering_starts(length: int, *, size: int, stride: int) -> tuple[int, ...]:
    last = length - size
    return (*range(0, last, stride), last)
