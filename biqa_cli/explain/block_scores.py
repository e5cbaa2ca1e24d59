"""Local scores by blocks that the model sees one after another, at native resolution."""

import math
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.blocks.grid import Block, BlockGrid, covering_grid
from biqa_cli.errors import UsageError
from biqa_cli.explain.detail import details
from biqa_cli.explain.local_blocks import (
    DEFAULT_BLOCKS,
    BlockChoice,
    LocalScores,
    Watch,
    check_choice,
)
from biqa_cli.explain.quarters import scores_by_quarters
from biqa_cli.explain.worst import worst_blocks
from biqa_cli.images.transforms import normalise
from biqa_cli.models.base import joined
from biqa_cli.models.judging import predict_views
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.spec import InputContract
from biqa_cli.scoring import default_batch_size

# A block of fewer pixels tells more about what is on it than about its quality.
_SMALLEST_DEFAULT = 128
_MOST_BLOCKS = 50_000
# With six the lowest block was the same as if all were read, in 80 of 80 cases; with one in 69.
_LOWEST = 6


def choose_grid(
    height: int, width: int, *, contract: InputContract, choice: BlockChoice = DEFAULT_BLOCKS
) -> BlockGrid:
    """Return where the blocks of a photo lie; together they cover it.

    By default a block is half as wide as the photo's shorter side, but no smaller than 128 pixels
    and no larger than the model's view; blocks start every half block.

    Args:
        height: Of the photo, in pixels.
        width: Of the photo, in pixels.
        contract: The model's, which bounds the default.
        choice: What to change of the default.

    Raises:
        UsageError: If both rows and size are chosen, the stride leaves gaps, or there would be
            more than 50,000 blocks.

    Example:
        >>> contract = InputContract(512, 512, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
        >>> grid = choose_grid(512, 768, contract=contract)
        >>> grid.height, grid.xs
        (256, (0, 128, 256, 384, 512))
    """
    check_choice(choice)
    shorter = min(height, width)
    if choice.rows is not None:
        size = 2 * math.ceil(shorter / (choice.rows + 1))
    elif choice.size is not None:
        size = choice.size
    else:
        view = min(contract.height, contract.width)
        size = min(max(shorter // 2, _SMALLEST_DEFAULT), view)
    stride = max(1, size // 2) if choice.stride is None else choice.stride
    grid = covering_grid(height, width, size=size, stride=stride)
    if len(grid) > _MOST_BLOCKS:
        msg = f"{len(grid):,} blocks are too many (at most {_MOST_BLOCKS:,}): use a larger stride"
        raise UsageError(msg)
    return grid


def native_view(block: Image.Image, contract: InputContract) -> NDArray[np.float32]:
    """Return the view (3, H, W) of a block that keeps the size of its pixels.

    A block smaller than the view is continued by its mirror images, since enlarging it would show
    the model a blurred photo. A block larger than the view is shrunk, keeping its shape.
    """
    shrink = min(1.0, contract.height / block.height, contract.width / block.width)
    if shrink < 1:
        size = (max(1, round(block.width * shrink)), max(1, round(block.height * shrink)))
        block = block.resize(size, Image.Resampling.BICUBIC)
    below, right = contract.height - block.height, contract.width - block.width
    pixels = np.pad(np.asarray(block), ((0, below), (0, right), (0, 0)), mode="symmetric")
    return normalise(pixels, mean=contract.mean, std=contract.std)


def block_scores(
    image: Image.Image,
    model: LoadedModel,
    *,
    choice: BlockChoice = DEFAULT_BLOCKS,
    batch_size: int | None = None,
    watch: Watch = iter,
) -> LocalScores:
    """Return the local scores of an RGB image.

    The model sees block after block. Where blocks are as large as its view and start every half
    block, it sees only those that do not overlap, if it can be cut in two (see `quarters`), and
    then the lowest.

    Args:
        image: At full size.
        model: Any.
        choice: Where blocks lie; see `choose_grid`.
        batch_size: Blocks for one forward pass; it does not change the scores. None suits the
            device.
        watch: Passes on the blocks that the model sees.

    Raises:
        UsageError: If the blocks do not fit together.
    """
    contract = model.spec.input
    grid = choose_grid(image.height, image.width, contract=contract, choice=choice)
    size = batch_size or default_batch_size(model)

    def views_of(some: BlockGrid) -> Iterator[NDArray[np.float32]]:
        watched = iter(watch(tuple(some)))
        while batch := list(islice(watched, size)):
            yield _views(image, batch, contract)

    parts = model.engine.parts if _overlap_by_half(grid, contract) else None
    if parts is None or grid.height % (2 * parts.cell):
        told = joined([predict_views(views, model) for views in views_of(grid)])
        is_read = np.ones(len(grid), dtype=bool)
    else:
        told, is_read = scores_by_quarters(grid, parts, views_of)
    blocks = tuple(grid)
    local = LocalScores(
        blocks=blocks,
        natives=told.scores,
        flaws=told.flaws,
        detail=np.array(
            [details(np.asarray(_crop(image, b)), cell=8).mean() for b in blocks], float
        ),
    )
    return _with_lowest_read(local, is_read, image, model, batch_size=size)


def _with_lowest_read(
    local: LocalScores,
    is_read: NDArray[np.bool_],
    image: Image.Image,
    model: LoadedModel,
    *,
    batch_size: int,
) -> LocalScores:
    """Return local scores of which the lowest and those that a map frames are read.

    Scores that are near the true ones, some above and some below, would make a block the lowest
    too often that only seems to be so.
    """
    while not is_read.all():
        judged = local.judged(model.spec.scale)
        wanted = set(sorted(judged, key=lambda block: block.score)[:_LOWEST])
        wanted.update(worst_blocks(judged, local.detail.tolist()))
        missing = [n for n, block in enumerate(judged) if block in wanted and not is_read[n]]
        if not missing:
            break
        # All at once, they would take more memory than all that was read before.
        for start in range(0, len(missing), batch_size):
            some = missing[start : start + batch_size]
            views = _views(image, [local.blocks[n] for n in some], model.spec.input)
            local = local.corrected(some, predict_views(views, model))
        is_read[missing] = True
    return local


def _views(
    image: Image.Image, blocks: Sequence[Block], contract: InputContract
) -> NDArray[np.float32]:
    return np.stack([native_view(_crop(image, block), contract) for block in blocks])


def _crop(image: Image.Image, block: Block) -> Image.Image:
    return image.crop((block.x, block.y, block.x + block.width, block.y + block.height))


def _overlap_by_half(grid: BlockGrid, contract: InputContract) -> bool:
    """Return whether blocks are as large as the view and start every half block."""
    size = grid.height
    if contract.crops is not None or not size == grid.width == contract.height == contract.width:
        return False
    sides = grid.image_height, grid.image_width
    return grid == covering_grid(*sides, size=size, stride=max(1, size // 2))
