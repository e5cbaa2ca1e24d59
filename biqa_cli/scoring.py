"""THE path: names of files → photos → views → scores → results, as a stream in bounded memory."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli import __version__
from biqa_cli.errors import BiqaError
from biqa_cli.images.border import without_border
from biqa_cli.images.limits import DEFAULT_LIMITS, Limits
from biqa_cli.images.reading import Photo, photo_of, reading_photo
from biqa_cli.known import Looking, Recall, recall_of
from biqa_cli.models.judging import judge, predict_views
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.spec import InputContract
from biqa_cli.models.views import views_of
from biqa_cli.outcomes import result_of
from biqa_cli.results import ImageResult, Judgement, RunInfo
from biqa_cli.signals import stop_if_told
from biqa_cli.sources.entry import FileOrImage, Source, content_of, name_of
from biqa_cli.store.files import FileState, with_content
from biqa_cli.store.known_scores import Store
from biqa_cli.store.records import Finding, KnownScore, Lookup
from biqa_cli.threads import batches_ahead, default_workers

_Seen = TypeVar("_Seen")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Reading(Generic[_Seen]):
    """A file after reading: views, what is known of it, or the reason why there is neither."""

    path: str
    view: NDArray[np.float32] | None = None
    seen: _Seen | None = None
    width: int | None = None
    height: int | None = None
    error: str = ""
    note: str = ""
    full_size: NDArray[np.float32] | None = None
    """The second view of a large photo, where the model has one."""
    known: Judgement | None = None
    """From an earlier run."""
    packed: bytes | None = None
    """What was seen, where the store does not have it yet."""
    file: FileState | None = None
    """What to keep all that under; None where nothing is to be kept."""


def default_batch_size(model: LoadedModel) -> int:
    """Return the batch that suits the device: a CPU gains nothing from more than one photo."""
    return 1 if model.engine.device == "cpu" else 16


def score_files(
    sources: Iterable[Source],
    model: LoadedModel,
    *,
    batch_size: int | None = None,
    workers: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    store: Store | None = None,
) -> Iterator[ImageResult]:
    """Yield one result for each file, in order, as they come.

    Files are read by threads ahead of the model. The views of at most `2 · batch_size + workers`
    photos are alive at once, however many files there are; large photos have two where the model
    also looks at full size. What a photo scores does not depend on the batch it is in. Whatever
    goes wrong with one photo becomes its row.

    Args:
        sources: Names of files, entries, what is in files, or decoded images; taken one at a time.
            Where they are `Arriving`, no result waits for a source that has not come.
        model: From `load_model`.
        batch_size: Photos for one forward pass. None suits the device.
        workers: Threads that read. None is one for each core.
        limits: What reading may cost; photos that would cost more become error rows.
        store: Files that it knows are not read, and new scores are kept in it. The results are the
            same as without. None knows and keeps nothing.
    """
    nothing: Looking[None] | None = None
    scored = score_and_look(
        sources,
        model,
        look=nothing,
        batch_size=batch_size,
        workers=workers,
        limits=limits,
        store=store,
    )
    for result, _ in scored:
        yield result


def score_and_look(
    sources: Iterable[Source],
    model: LoadedModel,
    *,
    look: Looking[_Seen] | None = None,
    batch_size: int | None = None,
    workers: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    store: Store | None = None,
) -> Iterator[tuple[ImageResult, _Seen | None]]:
    """Yield what `score_files` yields, each with what else was seen in its photo.

    Args:
        sources: As of `score_files`.
        model: From `load_model`.
        look: What else to see of each photo; no photo is decoded twice for that. None looks at
            nothing.
        batch_size: As of `score_files`.
        workers: As of `score_files`.
        limits: As of `score_files`.
        store: As of `score_files`. What was seen is kept beside the score.

    Yields:
        A result, and what was seen; None where the photo could not be read.
    """
    batch_size = batch_size or default_batch_size(model)
    workers = workers or default_workers()
    looking = "" if look is None else look.key
    recall = None if store is None else recall_of(store, model, looking=looking)
    read = partial(_read, contract=model.spec.input, limits=limits, look=look, recall=recall)
    batches = batches_ahead(
        read, sources, workers=workers, ahead=batch_size + workers, batch_size=batch_size
    )
    for batch in batches:
        seen = [reading.seen for reading in batch]
        yield from zip(_score_batch(batch, model, recall), seen, strict=True)


def run_info(model: LoadedModel) -> RunInfo:
    """Return what the scores of a model depend on besides the photo."""
    return RunInfo(
        version=__version__,
        model=model.spec.name,
        weights_sha256=model.weights_sha256,
        preprocessing=model.spec.input.describe(),
        native_scale=model.spec.scale.describe(),
        engine=model.engine.name,
        device=model.engine.device,
        graph_sha256=model.graph_sha256,
        precision=model.precision,
    )


def score_photo(image: Image.Image, model: LoadedModel) -> ImageResult:
    """Return the result for an image that is already decoded."""
    reading: _Reading[None] = _read(image, contract=model.spec.input, limits=DEFAULT_LIMITS)
    return _score_batch([reading], model)[0]


def _read(
    source: Source,
    *,
    contract: InputContract,
    limits: Limits,
    look: Looking[_Seen] | None = None,
    recall: Recall | None = None,
) -> _Reading[_Seen]:
    path = name_of(source)
    try:
        content = content_of(source)
        known = Lookup() if recall is None else _known(path, content, recall, limits)
        score = known.score
        read: _Reading[_Seen] = _Reading(path)
        if score is not None:
            size = (score.width, score.height)
            read = _Reading(path, None, None, *size, note=score.note, known=score.judgement)
            if look is None:
                return read
            if known.seen is not None:
                return replace(read, seen=look.unpack(known.seen))
        # The photo's memory is free for the next reader once the view is made.
        with _photo(content, contract=contract, limits=limits) as photo:
            if score is None:
                pixels = photo.width * photo.height
                views = views_of(without_border(photo.image), contract, pixels=pixels)
                read = _Reading(
                    path,
                    views.whole,
                    width=photo.width,
                    height=photo.height,
                    note=photo.note,
                    full_size=views.full_size,
                )
            if look is not None:
                seen = look.see(content, photo)
                read = replace(read, seen=seen, packed=look.pack(seen))
        if known.file is None or isinstance(content, bytes):
            return replace(read, file=known.file)
        # A file that has changed meanwhile is not the one whose name was looked up.
        return replace(read, file=with_content(known.file))
    except Exception as error:  # noqa: BLE001  a fault of ours in one photo costs that photo alone
        return _Reading(path, error=reason_of(path, error))


def _known(path: str, content: FileOrImage, recall: Recall, limits: Limits) -> Lookup:
    """Return what the store knows of a photo that has a name."""
    if isinstance(content, str):
        return recall.find(content, limits)
    return (
        recall.find_content(path, content, limits)
        if path and isinstance(content, bytes)
        else Lookup()
    )


def _photo(
    content: FileOrImage, *, contract: InputContract, limits: Limits
) -> AbstractContextManager[Photo]:
    if isinstance(content, Image.Image):
        return nullcontext(photo_of(content))
    return reading_photo(
        content, at_least=contract.decode_size, full_above=contract.full_above, limits=limits
    )


def reason_of(path: str, error: Exception) -> str:
    """Return why a photo could not be scored, in one sentence."""
    if isinstance(error, BiqaError):
        return str(error)
    # What comes out of a decoder or an engine may be Ctrl-C in disguise, and no fault of the photo.
    stop_if_told()
    logger.info("%s: this should not have happened:", path, exc_info=error)
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    detail = " ".join(f"{type(error).__name__}: {error}".removesuffix(": ").split())
    return f"biqa failed on it ({detail}): please report it"


def _score_batch(
    batch: list[_Reading[_Seen]], model: LoadedModel, recall: Recall | None = None
) -> list[ImageResult]:
    viewed = [reading for reading in batch if reading.view is not None]
    outcomes = _outcomes(viewed, model)
    if recall is not None:
        others = [reading for reading in batch if reading.known is not None]
        recall.keep([*_new_scores(viewed, outcomes), *_new_sights(others)])
        recall.store.count(len(others))
    made = iter(outcomes)
    return [
        result_of(
            next(made) if reading.view is not None else reading.known or reading.error,
            model,
            path=reading.path,
            width=reading.width,
            height=reading.height,
            note=reading.note,
        )
        for reading in batch
    ]


def _new_scores(
    readings: list[_Reading[_Seen]], outcomes: list[Judgement | str]
) -> Iterator[Finding]:
    """Yield what to keep of photos that were scored. No error is kept: it may go away."""
    for reading, outcome in zip(readings, outcomes, strict=True):
        if reading.file is None or reading.width is None or reading.height is None:
            continue
        if isinstance(outcome, Judgement):
            score = KnownScore(outcome, reading.width, reading.height, reading.note)
            yield Finding(reading.file, score, reading.packed)


def _new_sights(readings: list[_Reading[_Seen]]) -> Iterator[Finding]:
    """Yield what to keep of photos whose scores were known."""
    for reading in readings:
        if reading.file is not None and reading.packed is not None:
            yield Finding(reading.file, None, reading.packed)


def _outcomes(readings: list[_Reading[_Seen]], model: LoadedModel) -> list[Judgement | str]:
    """Return what the model says of each photo that has a view, or why it says nothing."""
    views = [reading.view for reading in readings if reading.view is not None]
    if not views:
        return []
    views += [reading.full_size for reading in readings if reading.full_size is not None]
    has_full_size = [reading.full_size is not None for reading in readings]
    try:
        found = predict_views(views, model)
        return [*judge(found, has_full_size=has_full_size, scale=model.spec.scale)]
    except Exception as error:  # noqa: BLE001  engines have no common exception
        if len(readings) == 1:
            return [reason_of(readings[0].path, error)]
    # One by one, so that one photo does not take the others of its batch along.
    return [outcome for reading in readings for outcome in _outcomes([reading], model)]
