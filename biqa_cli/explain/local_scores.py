"""From a photo to local scores: the model sees one block after another, at native resolution."""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.blocks.grid import Block, BlockGrid, covering_grid
from biqa_cli.blocks.score_map import reduced_score_map
from biqa_cli.errors import ImageError, UsageError
from biqa_cli.explain.records import BlockScore, ScoreMap
from biqa_cli.images.limits import DEFAULT_LIMITS, Limits
from biqa_cli.images.reading import Photo, photo_of, read_photo
from biqa_cli.images.transforms import normalise
from biqa_cli.models.judging import predict_views
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.spec import InputContract
from biqa_cli.results import ImageResult
from biqa_cli.scoring import (
    default_batch_size,
    score_files,
    score_photo,
)
from biqa_cli.store.known_scores import Store

MAP_SIDE = 2048
"""The longest side of a map: more would show nothing, its blocks are hundreds of pixels wide."""

# A block of fewer pixels tells more about what is on it than about its quality.
_SMALLEST_DEFAULT = 128
_MOST_BLOCKS = 50_000
_MOST_WORST = 3
# Blocks of an undamaged photo differ by so much: a standard deviation, in points of 100.
_CLEARLY = 5

Watch = Callable[[Sequence[Block]], Iterable[Block]]


@dataclass(frozen=True, slots=True)
class BlockChoice:
    """Which blocks a user wants; None is for the default."""

    rows: int | None = None
    """So many blocks along the shorter side, each overlapping the next by half.

    Where that is less than (rows + 1)² pixels, rounding may make them fewer.
    """
    size: int | None = None
    """The side of a block in pixels of the photo, in place of `rows`."""
    stride: int | None = None
    """Pixels from one block to the next; half a block by default."""


DEFAULT_BLOCKS = BlockChoice()


def map_file(
    source: str | bytes,
    model: LoadedModel,
    *,
    choice: BlockChoice = DEFAULT_BLOCKS,
    batch_size: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    watch: Watch = iter,
    store: Store | None = None,
) -> ScoreMap:
    """Return the local scores of the photo in a file.

    The photo's own score comes from `score_files`, so that it is that of `biqa score`. The blocks
    come from one decode at full size: Pillow holds it at 4 bytes a pixel, and beside it there is
    only one batch of views.

    Args:
        source: A file that `read_photo` reads, or what is in it.
        model: From `load_model`.
        choice: Where the blocks lie; see `choose_grid`.
        batch_size: Blocks for one forward pass; it does not change the map. None suits the device.
        limits: What reading may cost; a photo that would cost more is refused.
        watch: Passes the blocks on as they are scored, for a progress bar.
        store: What the photo's own score may be known from, and is kept in.

    Raises:
        ImageError: If the photo cannot be read or scored.
        UsageError: If the blocks do not fit together.
    """
    (whole,) = score_files([source], model, workers=1, limits=limits, store=store)
    score = _score_of(whole)
    photo = read_photo(source, limits=limits)
    image = photo.image
    grid = choose_grid(image.height, image.width, contract=model.spec.input, choice=choice)
    scores = local_scores(image, model, list(grid), batch_size=batch_size, watch=watch)
    return _join(photo, grid, scores, path=whole.path, model=model.spec.name, score=score)


def map_image(
    image: Image.Image,
    model: LoadedModel,
    *,
    choice: BlockChoice = DEFAULT_BLOCKS,
    batch_size: int | None = None,
) -> ScoreMap:
    """Return the local scores of an image that is already decoded; see `map_file`."""
    score = _score_of(score_photo(image, model))
    photo = photo_of(image)
    upright = photo.image
    grid = choose_grid(upright.height, upright.width, contract=model.spec.input, choice=choice)
    scores = local_scores(upright, model, list(grid), batch_size=batch_size)
    return _join(photo, grid, scores, path="", model=model.spec.name, score=score)


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


def check_choice(choice: BlockChoice) -> None:
    """Raise UsageError if no photo has such blocks."""
    if choice.rows is not None and choice.size is not None:
        raise UsageError("choose blocks by their number (grid) or by their size, not by both")
    if choice.size is not None and choice.stride is not None and choice.stride > choice.size:
        msg = (
            f"blocks of {choice.size} pixels every {choice.stride} leave pixels uncovered: "
            "use a smaller stride"
        )
        raise UsageError(msg)


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


def local_scores(
    image: Image.Image,
    model: LoadedModel,
    blocks: Sequence[Block],
    *,
    batch_size: int | None = None,
    watch: Watch = iter,
) -> NDArray[np.float64]:
    """Return the scores (N,) of blocks of an RGB image, each 0 to 100, higher is better.

    Raises:
        ImageError: If the model gives no finite score.
    """
    size = batch_size or default_batch_size(model)
    watched = iter(watch(blocks))
    natives = []
    while batch := list(islice(watched, size)):
        crops = (image.crop((b.x, b.y, b.x + b.width, b.y + b.height)) for b in batch)
        views = np.stack([native_view(crop, model.spec.input) for crop in crops])
        natives.extend(predict_views(views, model).scores.tolist())
    if not all(map(math.isfinite, natives)):
        raise ImageError("the model gives no finite score for a block of it")
    return np.array([round(model.spec.scale.to_percent(native), 4) for native in natives])


def _score_of(whole: ImageResult) -> float:
    if whole.score is None:
        raise ImageError(whole.error)
    return whole.score


def _join(
    photo: Photo,
    grid: BlockGrid,
    scores: NDArray[np.float64],
    *,
    path: str,
    model: str,
    score: float,
) -> ScoreMap:
    image = photo.image
    width, height = map_size(*image.size)
    blocks = tuple(
        BlockScore(block.x, block.y, block.width, block.height, float(local))
        for block, local in zip(grid, scores, strict=True)
    )
    return ScoreMap(
        path=path,
        model=model,
        score=score,
        width=image.width,
        height=image.height,
        blocks=blocks,
        worst=_worst(blocks),
        values=reduced_score_map(scores, grid, height=height, width=width).astype(np.float32),
        picture=map_picture(image),
        note=photo.note,
    )


def map_picture(image: Image.Image) -> Image.Image:
    """Return a photo at the size of its map."""
    size = map_size(*image.size)
    if image.size == size:
        return image
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)


def map_size(width: int, height: int) -> tuple[int, int]:
    """Return the (width, height) of the map of a photo: its own, up to a longest side of 2048.

    Example:
        >>> map_size(12000, 8000), map_size(640, 480)
        ((2048, 1365), (640, 480))
    """
    reduction = min(1.0, MAP_SIDE / max(width, height))
    return max(1, round(width * reduction)), max(1, round(height * reduction))


def _worst(blocks: Sequence[BlockScore]) -> tuple[BlockScore, ...]:
    """Return the lowest blocks that do not overlap, lowest first; none where all are equal."""
    median = statistics.median(block.score for block in blocks)
    chosen: list[BlockScore] = []
    for block in sorted(blocks, key=lambda block: block.score):
        # The first only has to be lower, the others clearly so.
        if block.score >= median - (_CLEARLY if chosen else 0) or len(chosen) == _MOST_WORST:
            break
        if not any(_overlap(block, other) for other in chosen):
            chosen.append(block)
    return tuple(chosen)


def _overlap(one: BlockScore, other: BlockScore) -> bool:
    return abs(one.x - other.x) < max(one.width, other.width) and abs(one.y - other.y) < max(
        one.height, other.height
    )
