"""The public Python API, in one list. Everything else may change between versions."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache, partial
from os import PathLike, fspath
from pathlib import Path
from threading import Lock
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.errors import UsageError
from biqa_cli.explain.local_blocks import BlockChoice
from biqa_cli.explain.local_scores import map_file, map_image
from biqa_cli.explain.records import BlockScore, ScoreMap
from biqa_cli.images.limits import DEFAULT_LIMITS, Limits
from biqa_cli.images.reading import DEFAULT_MAX_PIXELS
from biqa_cli.images.seen import Seen
from biqa_cli.models.catalog import DEFAULT_MODEL
from biqa_cli.models.loading import LoadedModel, load_model
from biqa_cli.results import Flaw, ImageResult
from biqa_cli.scoring import score_files
from biqa_cli.sources.entry import FileOrImage, Source
from biqa_cli.sources.finding import find_photos
from biqa_cli.store.known_scores import Store

Picture = str | PathLike[str] | bytes | Image.Image | NDArray[np.uint8]
"""A file's name or its bytes, a Pillow image, or an sRGB array of bytes, (H, W, 3) or (H, W)."""

_LOADING = Lock()

__all__ = [
    "BlockScore",
    "Flaw",
    "ImageResult",
    "LoadedModel",
    "Picture",
    "ScoreMap",
    "load_model",
    "score_image",
    "score_images",
    "score_map",
]


def score_image(
    image: Picture,
    *,
    model: LoadedModel | str | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> ImageResult:
    """Return the quality of one photo.

    Args:
        image: A file's name or its bytes, a Pillow image, or an sRGB array of bytes, (H, W, 3) or
            (H, W).
        model: From `load_model`, a name from `biqa models list`, or a file of your own weights;
            both are loaded once. None is the default model.
        max_pixels: A larger photo is not decoded; its result is an error.

    Returns:
        A record whose `score` is 0 to 100, higher is better. If the photo cannot be scored,
        `status` is "error" and `error` says why; no exception is raised.

    Raises:
        UsageError: If `image` is something else, an array of another type or shape, or has no
            pixels.
        WeightsError: If the model's weights are missing or wrong.
    """
    source, limits = source_of_picture(image), _limits(max_pixels)
    (result,) = score_files([source], _ready(model), batch_size=1, workers=1, limits=limits)
    return result


def score_images(
    images: Iterable[Picture] | Picture,
    *,
    model: LoadedModel | str | None = None,
    batch_size: int | None = None,
    workers: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    store: str | PathLike[str] | None = None,
) -> Iterator[ImageResult]:
    """Yield the quality of many photos, in a stable order, in bounded memory.

    Args:
        images: Whatever `score_image` takes, and folders, archives, Parquet tables and addresses,
            mixed; or one of them. Each of those stands for all photos in it, and a file that is
            named twice is scored once. Images are taken one at a time, in the thread that iterates
            over the results.
        model: From `load_model`, a name from `biqa models list`, or a file of your own weights;
            both are loaded once. None is the default model.
        batch_size: Photos per forward pass; it does not change the scores.
        workers: Threads that read photos ahead of the model.
        max_pixels: Larger photos are not decoded; their results are errors.
        store: A database of known scores, such as that of `biqa store info`: files that it knows
            are not read, and new scores are kept in it. None knows and keeps nothing.

    Yields:
        A record for each photo. Its `path` is empty if the photo is not a file.

    Raises:
        UsageError: If one of the images is something else, as for `score_image`.
        WeightsError: If the model's weights are missing or wrong.
    """
    # A string is iterable too: its letters would be paths, and "/" all that is on the disk. So are
    # bytes, and the rows of an array.
    one = isinstance(images, str | PathLike | bytes | Image.Image | np.ndarray)
    each = [images] if one else images
    sources = _sources(cast("Iterable[Picture]", each))
    return _stored(
        partial(
            score_files,
            sources,
            _ready(model),
            batch_size=batch_size,
            workers=workers,
            limits=_limits(max_pixels),
        ),
        store,
    )


def _stored(
    score: Callable[..., Iterator[ImageResult]], path: str | PathLike[str] | None
) -> Iterator[ImageResult]:
    if path is None:
        yield from score()
        return
    with Store(Path(path)) as store:
        yield from score(store=store)


def _sources(images: Iterable[Picture]) -> Iterator[Source]:
    seen = Seen()
    for image in images:
        source = source_of_picture(image)
        if isinstance(source, str):
            yield from find_photos([source], seen=seen)
        else:
            yield source


def score_map(
    image: Picture,
    *,
    model: LoadedModel | str | None = None,
    rows: int | None = None,
    block_size: int | None = None,
    stride: int | None = None,
) -> ScoreMap:
    """Return which parts of a photo are good and which are bad.

    Args:
        image: A file's name or its bytes, a Pillow image, or an sRGB array of bytes, (H, W, 3) or
            (H, W).
        model: From `load_model`, a name from `biqa models list`, or a file of your own weights;
            both are loaded once. None is the default model.
        rows: The number of blocks along the shorter side; neighbours overlap by half.
        block_size: The side of a block in pixels, instead of `rows`. The default is half the
            shorter side, but at least 128 pixels and at most the side of the model's view.
        stride: Pixels from one block to the next; half a block by default.

    Returns:
        A record with the `blocks` and their scores, 0 to 100, higher is better, the map as an
        array (`values`, of the photo's size up to 2048 pixels) and the photo's own `score`.

    Raises:
        ImageError: If the photo cannot be read or scored.
        UsageError: If `image` is something else, an array of another type or shape, or the blocks
            do not fit together.
        WeightsError: If the model's weights are missing or wrong.
    """
    ready = _ready(model)
    choice = BlockChoice(rows=rows, size=block_size, stride=stride)
    source = source_of_picture(image)
    if isinstance(source, Image.Image):
        return map_image(source, ready, choice=choice)
    return map_file(source, ready, choice=choice)


def _limits(max_pixels: int) -> Limits:
    return replace(DEFAULT_LIMITS, max_pixels=max_pixels)


def _ready(model: LoadedModel | str | None) -> LoadedModel:
    if isinstance(model, LoadedModel):
        return model
    return _loaded_once(DEFAULT_MODEL if model is None else model)


def _loaded_once(name: str) -> LoadedModel:
    # Many requests of a server may come before the first model is ready.
    with _LOADING:
        return _load(name)


@cache
def _load(name: str) -> LoadedModel:
    return load_model(name)


def source_of_picture(image: object) -> FileOrImage:
    """Return what is scored; an image or an array as an image of Pillow's.

    Raises:
        UsageError: If it is none of `Picture`, or has no pixels.
    """
    if isinstance(image, bytes):
        return image
    if isinstance(image, str | PathLike):
        return fspath(image)
    if isinstance(image, Image.Image):
        if not image.width * image.height:
            msg = f"expected an image with pixels, got one of {image.width}×{image.height}"
            raise UsageError(msg)
        return image
    if isinstance(image, np.ndarray):
        return _image_of(image)
    msg = (
        f"expected a file, its bytes, a Pillow image or an array, got {type(image).__name__}: "
        "of an open file give its read()"
    )
    raise UsageError(msg)


def _image_of(array: NDArray[np.uint8]) -> Image.Image:
    grey, colour = 2, 3
    if (
        array.dtype != np.uint8
        or not array.size
        or not (array.ndim == grey or (array.ndim == colour and array.shape[2] == colour))
    ):
        msg = f"expected bytes (H, W, 3) or (H, W) with pixels, got {array.dtype} {array.shape}"
        raise UsageError(msg)
    return Image.fromarray(array)
