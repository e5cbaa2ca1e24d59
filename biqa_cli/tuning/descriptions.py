"""What a model knows of photos before anybody has rated them: its score, and its features."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from biqa_cli.images.limits import DEFAULT_LIMITS, Limits
from biqa_cli.known import recall_of
from biqa_cli.models.base import Engine, EngineName, Predictions
from biqa_cli.models.loading import LoadedModel
from biqa_cli.results import ImageResult
from biqa_cli.scoring import score_files
from biqa_cli.store.files import state_of, with_content
from biqa_cli.store.known_scores import Store
from biqa_cli.store.records import Finding, Lookup

_LOOKING = "features"
"""What the store keeps them under, beside the score of the same model."""


@dataclass(frozen=True, slots=True, eq=False)
class Description:
    """What a model says of one photo."""

    path: str
    share: float = 0.0
    """Its score of the photo as a whole, 0 to 1."""
    left: float = 1.0
    """What full size leaves of it, 0 to 1: the score is their product."""
    features: NDArray[np.float64] | None = None
    """(F,), of the whole; None where the photo could not be read."""
    error: str = ""
    """Why it could not be read."""


def describe_photos(
    paths: Sequence[str],
    model: LoadedModel,
    *,
    workers: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    store: Store | None = None,
) -> Iterator[Description]:
    """Yield a description for each photo, in order.

    Args:
        paths: Of photos.
        model: From `load_model` with features.
        workers: Threads that read photos.
        limits: What reading may cost.
        store: Photos that it knows are not read, and what is found is kept in it.
    """
    known: dict[str, Description] = {}
    if store is not None:
        recall = recall_of(store, model, looking=_LOOKING)
        for path in paths:
            found = _recalled(path, recall.find(path, limits), model)
            if found is not None:
                known[path] = found
        store.count(len(known))
    missing = [path for path in paths if path not in known]
    computed = _computed(missing, model, workers=workers, limits=limits, store=store)
    for path in paths:
        yield known[path] if path in known else next(computed)


def _recalled(path: str, lookup: Lookup, model: LoadedModel) -> Description | None:
    if lookup.score is None or lookup.seen is None:
        return None
    judgement = lookup.score.judgement
    whole = judgement.native if judgement.whole is None else judgement.whole
    return Description(
        path,
        # Rounded as results are, so that a second run finds the same model.
        round(model.spec.scale.to_percent(whole), 4) / 100,
        1.0 if judgement.kept is None else round(judgement.kept, 4),
        np.frombuffer(lookup.seen, "<f4").astype(np.float64),
    )


def _computed(
    paths: Sequence[str],
    model: LoadedModel,
    *,
    workers: int | None,
    limits: Limits,
    store: Store | None,
) -> Iterator[Description]:
    tap = _Tap(model.engine)
    # A score that is known would be taken without running the network, which gives the features.
    fresh = None if store is None else Store(store.path, fresh=True)
    recall = None if fresh is None else recall_of(fresh, model, looking=_LOOKING)
    try:
        # One photo at a time: what the network has read since is of the photo that comes next, and
        # of the whole first.
        for result in score_files(
            paths,
            replace(model, engine=tap),
            batch_size=1,
            workers=workers,
            limits=limits,
            store=fresh,
        ):
            description = _described(result, tap.taken(), crops=model.spec.input.crops is not None)
            if recall is not None and description.features is not None:
                file = state_of(result.path)
                file = None if file is None else with_content(file)
                if file is not None:
                    packed = description.features.astype("<f4").tobytes()
                    recall.keep([Finding(file, None, packed)])
            yield description
    finally:
        if fresh is not None:
            fresh.close()


def _described(
    result: ImageResult, features: NDArray[np.float64] | None, *, crops: bool
) -> Description:
    if result.score is None or features is None:
        return Description(result.path, error=result.error)
    whole = result.score if result.whole is None else result.whole
    # A second view, at full size, comes behind the whole.
    of_whole = features.mean(axis=0) if crops else features[0]
    # As the store keeps them.
    rounded = of_whole.astype(np.float32).astype(np.float64)
    left = 1.0 if result.full_size is None else result.full_size
    return Description(result.path, whole / 100, left, rounded)


class _Tap:
    """An engine that also keeps the features of what it has seen last."""

    # Whole photos are described here, never blocks of them.
    parts = None

    def __init__(self, base: Engine) -> None:
        self.base = base
        self.name: EngineName = base.name
        self.device = base.device
        self._first: NDArray[np.float64] | None = None

    def predict(self, views: NDArray[np.float32]) -> Predictions:
        found = self.base.predict(views)
        if self._first is None:
            self._first = found.features
        return found

    def taken(self) -> NDArray[np.float64] | None:
        """Return the features (B, F) of what was read first since the last call."""
        first, self._first = self._first, None
        return first
