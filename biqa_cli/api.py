"""The public Python API, in one list. Everything else may change between versions."""

from collections.abc import Iterable, Iterator
from functools import cache
from os import PathLike, fspath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.errors import UsageError
from biqa_cli.explain.local_scores import BlockChoice, map_file, map_image
from biqa_cli.explain.records import BlockScore, ScoreMap
from biqa_cli.images.discovery import find_images
from biqa_cli.models.catalog import DEFAULT_MODEL
from biqa_cli.models.loading import LoadedModel, load_model
from biqa_cli.results import ImageResult
from biqa_cli.scoring import score_files, score_photo

__all__ = [
    "BlockScore",
    "ImageResult",
    "LoadedModel",
    "ScoreMap",
    "load_model",
    "score_image",
    "score_images",
    "score_map",
]


def score_image(
    image: str | PathLike[str] | bytes | Image.Image | NDArray[np.uint8],
    *,
    model: LoadedModel | str | None = None,
) -> ImageResult:
    """Return the quality of one photo.

    Args:
        image: A file, what is in one, a Pillow image, or an sRGB array (H, W, 3) or (H, W) of
            bytes.
        model: From `load_model`, or a name of `biqa models list`, loaded once. None is the
            default model.

    Returns:
        A record whose `score` is 0 to 100, higher is better. Where the photo cannot be scored,
        `status` is "error" and `error` says why; nothing is raised for that.

    Raises:
        UsageError: If it is none of these, or the array has another type or shape.
        WeightsError: If the model's weights are missing or wrong.
    """
    ready = _ready(model)
    if isinstance(image, Image.Image):
        return score_photo(image, ready)
    if isinstance(image, np.ndarray):
        return score_photo(_image_of(image), ready)
    return next(score_files([_source(image)], ready, workers=1))


def score_images(
    paths: Iterable[str | PathLike[str]] | str | PathLike[str],
    *,
    model: LoadedModel | str | None = None,
    batch_size: int | None = None,
    workers: int | None = None,
) -> Iterator[ImageResult]:
    """Yield the quality of many photos, in a stable order, in bounded memory.

    Args:
        paths: Files and folders, or one of them; a folder stands for all the photos below it.
        model: From `load_model`, or a name of `biqa models list`, loaded once. None is the
            default model.
        batch_size: Photos for one forward pass; it does not change the scores.
        workers: Threads that read photos ahead of the model.
    """
    # A string is iterable too: its letters would be paths, and "/" all that is on the disk.
    each = [paths] if isinstance(paths, str | PathLike) else paths
    files = find_images(fspath(path) for path in each)
    return score_files(files, _ready(model), batch_size=batch_size, workers=workers)


def score_map(
    image: str | PathLike[str] | bytes | Image.Image | NDArray[np.uint8],
    *,
    model: LoadedModel | str | None = None,
    rows: int | None = None,
    block_size: int | None = None,
    stride: int | None = None,
) -> ScoreMap:
    """Return where a photo is good and where it is bad.

    Args:
        image: A file, what is in one, a Pillow image, or an sRGB array (H, W, 3) or (H, W) of
            bytes.
        model: From `load_model`, or a name of `biqa models list`, loaded once. None is the
            default model.
        rows: So many blocks along the shorter side, each overlapping the next by half.
        block_size: The side of a block in pixels, in place of `rows`. The default is half the
            shorter side, from 128 pixels to the side of the model's view.
        stride: Pixels from one block to the next; half a block by default.

    Returns:
        A record with the `blocks` and their scores, 0 to 100, higher is better, the map as an
        array (`values`, the photo's size up to 2048 pixels) and the photo's own `score`.

    Raises:
        ImageError: If the photo cannot be read or scored.
        UsageError: If it is none of these, the array has another type or shape, or the blocks do
            not fit together.
        WeightsError: If the model's weights are missing or wrong.
    """
    ready = _ready(model)
    choice = BlockChoice(rows=rows, size=block_size, stride=stride)
    if isinstance(image, Image.Image):
        return map_image(image, ready, choice=choice)
    if isinstance(image, np.ndarray):
        return map_image(_image_of(image), ready, choice=choice)
    return map_file(_source(image), ready, choice=choice)


def _ready(model: LoadedModel | str | None) -> LoadedModel:
    if isinstance(model, LoadedModel):
        return model
    return _loaded_once(DEFAULT_MODEL if model is None else model)


@cache
def _loaded_once(name: str) -> LoadedModel:
    return load_model(name)


def _source(image: object) -> str | bytes:
    if isinstance(image, bytes):
        return image
    if isinstance(image, str | PathLike):
        return fspath(image)
    msg = (
        f"expected a file, its bytes, a Pillow image or an array, got {type(image).__name__}: "
        "of an open file give its read()"
    )
    raise UsageError(msg)


def _image_of(array: NDArray[np.uint8]) -> Image.Image:
    grey, colour = 2, 3
    if array.dtype != np.uint8 or not (
        array.ndim == grey or (array.ndim == colour and array.shape[2] == colour)
    ):
        msg = f"expected bytes (H, W, 3) or (H, W), got {array.dtype} {array.shape}"
        raise UsageError(msg)
    return Image.fromarray(array)
