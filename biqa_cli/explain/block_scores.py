"""Local scores by blocks that the model sees one after another, at native resolution."""

import math
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.blocks.grid import BlockGrid, covering_grid
from biqa_cli.errors import UsageError
from biqa_cli.explain.detail import details
from biqa_cli.explain.local_blocks import (
    DEFAULT_BLOCKS,
    BlockChoice,
    LocalScores,
    Watch,
    check_choice,
)
from biqa_cli.images.transforms import normalise
from biqa_cli.models.judging import predict_views
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.spec import InputContract
from biqa_cli.scoring import default_batch_size

# A block of fewer pixels tells more about what is on it than about its quality.
_SMALLEST_DEFAULT = 128
_MOST_BLOCKS = 50_000


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
    """Return the local scores of an RGB image, block after block.

    Args:
        image: At full size.
        model: Any.
        choice: Where blocks lie; see `choose_grid`.
        batch_size: Blocks for one forward pass; it does not change the scores. None suits the
            device.
        watch: Passes the blocks on as they are scored.

    Raises:
        UsageError: If the blocks do not fit together.
    """
    grid = choose_grid(image.height, image.width, contract=model.spec.input, choice=choice)
    size = batch_size or default_batch_size(model)
    blocks = tuple(grid)
    watched = iter(watch(blocks))
    natives, flaws, detail = list[float](), list[NDArray[np.float64]](), list[float]()
    while batch := list(islice(watched, size)):
        crops = [image.crop((b.x, b.y, b.x + b.width, b.y + b.height)) for b in batch]
        told = predict_views(
            np.stack([native_view(crop, model.spec.input) for crop in crops]), model
        )
        natives += told.scores.tolist()
        detail += [float(details(np.asarray(crop), cell=8).mean()) for crop in crops]
        if told.flaws is not None:
            flaws.append(told.flaws)
    return LocalScores(
        blocks=blocks,
        natives=np.array(natives),
        flaws=np.concatenate(flaws) if flaws else None,
        detail=np.array(detail),
    )
