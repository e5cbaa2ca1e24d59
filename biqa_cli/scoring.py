"""THE path: names of files → photos → views → scores → results, as a stream in bounded memory."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli import __version__
from biqa_cli.blocks.extraction import block_views
from biqa_cli.blocks.grid import covering_grid
from biqa_cli.errors import ImageError
from biqa_cli.images.reading import DEFAULT_MAX_PIXELS, Photo, photo_of, reading_photo
from biqa_cli.images.transforms import model_view
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.spec import InputContract
from biqa_cli.results import ImageResult, RunInfo
from biqa_cli.threads import default_workers, map_ahead


@dataclass(frozen=True, slots=True)
class _Reading:
    """A file after reading: a view, or the reason why there is none."""

    path: str
    view: NDArray[np.float32] | None = None
    width: int | None = None
    height: int | None = None
    error: str = ""


def default_batch_size(model: LoadedModel) -> int:
    """Return the batch that suits the device: a CPU gains nothing from more than one photo."""
    return 1 if model.engine.device == "cpu" else 16


def score_files(
    sources: Iterable[str | bytes],
    model: LoadedModel,
    *,
    batch_size: int | None = None,
    workers: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> Iterator[ImageResult]:
    """Yield one result for each file, in order, as they come.

    Files are read by threads ahead of the model. At most `2 · batch_size + workers` decoded
    views are alive at once, however many files there are. What a photo scores does not depend
    on the batch it is in.

    Args:
        sources: Names of files, or what is in them; taken one at a time.
        model: From `load_model`.
        batch_size: Photos for one forward pass. None suits the device.
        workers: Threads that read. None is one for each core.
        max_pixels: Larger photos become error rows and are not decoded.
    """
    batch_size = batch_size or default_batch_size(model)
    workers = workers or default_workers()
    read = partial(_read, contract=model.spec.input, max_pixels=max_pixels)
    readings = map_ahead(read, sources, workers=workers, ahead=batch_size + workers)
    while batch := list(islice(readings, batch_size)):
        yield from _score_batch(batch, model)


def run_info(model: LoadedModel) -> RunInfo:
    """Return what the scores of a model depend on beside the photo."""
    return RunInfo(
        version=__version__,
        model=model.spec.name,
        weights_sha256=model.weights_sha256,
        preprocessing=model.spec.input.describe(),
        native_scale=model.spec.scale.describe(),
        engine=model.engine.name,
        device=model.engine.device,
        graph_sha256=model.graph_sha256,
    )


def score_photo(image: Image.Image, model: LoadedModel, *, path: str = "") -> ImageResult:
    """Return the result for an image that is already decoded."""
    try:
        reading = _viewed(path, photo_of(image), model.spec.input)
    except ImageError as error:
        reading = _Reading(path, error=str(error))
    return _score_batch([reading], model)[0]


def view_of(image: Image.Image, contract: InputContract) -> NDArray[np.float32]:
    """Return an RGB image as a model sees it (3, H, W)."""
    return model_view(
        image,
        height=contract.height,
        width=contract.width,
        mean=contract.mean,
        std=contract.std,
    )


def _read(source: str | bytes, *, contract: InputContract, max_pixels: int) -> _Reading:
    path = source if isinstance(source, str) else ""
    try:
        # The photo's memory is free for the next reader once the view is made.
        with reading_photo(source, at_least=contract.decode_size, max_pixels=max_pixels) as photo:
            return _viewed(path, photo, contract)
    except ImageError as error:
        return _Reading(path, error=str(error))


def _viewed(path: str, photo: Photo, contract: InputContract) -> _Reading:
    return _Reading(path, view_of(photo.image, contract), photo.width, photo.height)


def _score_batch(batch: list[_Reading], model: LoadedModel) -> list[ImageResult]:
    views = [reading.view for reading in batch if reading.view is not None]
    scores = iter(predict_views(np.stack(views), model)) if views else iter(())
    return [
        _failed(reading, model, reading.error)
        if reading.view is None
        else _scored(reading, model, float(next(scores)))
        for reading in batch
    ]


def predict_views(views: NDArray[np.float32], model: LoadedModel) -> NDArray[np.float64]:
    """Return the native scores (B,) of views (B, 3, H, W), of the whole or the mean of crops."""
    crops = model.spec.input.crops
    if crops is None:
        return model.engine.predict(views)
    grid = covering_grid(*views.shape[-2:], size=crops.size, stride=crops.stride)
    scores = model.engine.predict(np.concatenate(block_views(views, grid)))
    averaged: NDArray[np.float64] = scores.reshape(len(grid), len(views)).mean(axis=0)
    return averaged


def _scored(reading: _Reading, model: LoadedModel, native: float) -> ImageResult:
    if not math.isfinite(native):
        return _failed(reading, model, f"the model gives no finite score ({native})")
    score = round(model.spec.scale.to_percent(native), 4)
    interval = model.spec.scale.interval(score)
    return ImageResult(
        path=reading.path,
        score=score,
        low=None if interval is None else round(interval[0], 2),
        high=None if interval is None else round(interval[1], 2),
        native_score=round(native, 6),
        model=model.spec.name,
        width=reading.width,
        height=reading.height,
        status="ok",
    )


def _failed(reading: _Reading, model: LoadedModel, error: str) -> ImageResult:
    return ImageResult(
        path=reading.path,
        score=None,
        low=None,
        high=None,
        native_score=None,
        model=model.spec.name,
        width=reading.width,
        height=reading.height,
        status="error",
        error=error,
    )
