"""From a photo to local scores, 0 to 100, and the map that joins them."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from biqa_cli.blocks.score_map import interpolated_map
from biqa_cli.errors import ImageError
from biqa_cli.explain.block_scores import block_scores
from biqa_cli.explain.local_blocks import DEFAULT_BLOCKS, BlockChoice, LocalScores, Watch
from biqa_cli.explain.records import ScoreMap
from biqa_cli.explain.worst import worst_blocks
from biqa_cli.images.limits import DEFAULT_LIMITS, Limits
from biqa_cli.images.reading import Photo, photo_of, read_photo
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.memory import give_back_freed_memory
from biqa_cli.models.spec import ModelSpec
from biqa_cli.results import ImageResult
from biqa_cli.scoring import score_files, score_photo
from biqa_cli.store.known_scores import Store

MAP_SIDE = 2048
"""The longest side of a map: more would show nothing, its blocks are hundreds of pixels wide."""


def map_file(
    source: str | bytes,
    model: LoadedModel,
    *,
    choice: BlockChoice = DEFAULT_BLOCKS,
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
        limits: What reading may cost; a photo that would cost more is refused.
        watch: Passes blocks on as they are scored, for a progress bar.
        store: What the photo's own score may be known from, and is kept in.

    Raises:
        ImageError: If the photo cannot be read or scored.
        UsageError: If the blocks do not fit together.
    """
    (whole,) = score_files([source], model, workers=1, limits=limits, store=store)
    score = _score_of(whole)
    photo = read_photo(source, limits=limits)
    local = local_scores(photo.image, model, choice=choice, watch=watch)
    # Memory that the blocks have freed would otherwise add to that of the photo and its picture.
    give_back_freed_memory()
    shown = _Shown.of(photo)
    # Nobody needs 400 MB of 100 megapixels any more.
    del photo
    return _join(shown, local, model.spec, path=whole.path, score=score)


def map_image(
    image: Image.Image,
    model: LoadedModel,
    *,
    choice: BlockChoice = DEFAULT_BLOCKS,
) -> ScoreMap:
    """Return the local scores of an image that is already decoded; see `map_file`."""
    score = _score_of(score_photo(image, model))
    photo = photo_of(image)
    local = local_scores(photo.image, model, choice=choice)
    return _join(_Shown.of(photo), local, model.spec, path="", score=score)


def local_scores(
    image: Image.Image,
    model: LoadedModel,
    *,
    choice: BlockChoice = DEFAULT_BLOCKS,
    watch: Watch = iter,
) -> LocalScores:
    """Return the local scores of an RGB image at full size.

    Raises:
        ImageError: If the model gives no finite score.
        UsageError: If the blocks do not fit together.
    """
    local = block_scores(image, model, choice=choice, watch=watch)
    if not np.isfinite(local.natives).all():
        raise ImageError("the model gives no finite score for a block of it")
    return local


def _score_of(whole: ImageResult) -> float:
    if whole.score is None:
        raise ImageError(whole.error)
    return whole.score


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a map keeps of a photo."""

    picture: Image.Image
    size: tuple[int, int]
    """(width, height) of the photo."""
    note: str

    @classmethod
    def of(cls, photo: Photo) -> "_Shown":
        return cls(map_picture(photo.image), photo.image.size, photo.note)


def _join(
    shown: _Shown, local: LocalScores, spec: ModelSpec, *, path: str, score: float
) -> ScoreMap:
    width, height = map_size(*shown.size)
    scores, blocks = local.percent(spec.scale), local.judged(spec.scale)
    values = interpolated_map(scores, local.blocks, size=shown.size, height=height, width=width)
    return ScoreMap(
        path=path,
        model=spec.name,
        score=score,
        width=shown.size[0],
        height=shown.size[1],
        blocks=blocks,
        worst=worst_blocks(blocks, local.detail.tolist()),
        values=values.astype(np.float32),
        picture=shown.picture,
        note=shown.note,
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
