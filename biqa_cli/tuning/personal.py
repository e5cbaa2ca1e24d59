"""From opinions and descriptions of photos to a personal model, and what it has shown of itself."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from biqa_cli.datasets.base import Dataset
from biqa_cli.datasets.learnt import Learnt, learnt_from
from biqa_cli.errors import UsageError
from biqa_cli.metrics.correlation import srcc
from biqa_cli.metrics.deviation import rmse
from biqa_cli.metrics.uncertainty import Interval, bootstrap
from biqa_cli.models.catalog import names_a_file
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.spec import Calibration, ScoreScale
from biqa_cli.models.tuned import Correction, Tuned
from biqa_cli.threads import default_workers
from biqa_cli.tuning.choices import choose
from biqa_cli.tuning.crossfit import crossfit
from biqa_cli.tuning.descriptions import Description
from biqa_cli.tuning.opinions import LEAST_CHOICES, LEAST_RATINGS, Opinions
from biqa_cli.tuning.ridge import Photos
from biqa_cli.whole_files import write_whole

_RESAMPLES = 1000
_LEAST_REFERENCES = 5
"""Photos that ratings of versions must be of, so that some can be held out."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A metric of held-out opinions, of the model as it was and of the tuned one."""

    metric: str
    untuned: Interval
    tuned: Interval


@dataclass(frozen=True, slots=True, eq=False)
class Personal:
    """A personal model, before it is written."""

    correction: Correction
    scale: ScoreScale
    learnt: Learnt
    opinions: int
    """Ratings, or choices."""
    kind: Literal["ratings", "choices"]
    shown: tuple[Shown, ...]
    half_width: float | None = None
    """Of the 90 % interval, on the user's scale; None of choices."""
    fallback: str = ""
    """Why the order is still the model's own; empty where it is not."""


def tune(opinions: Opinions, described: Sequence[Description]) -> Personal:
    """Return the personal model that opinions make of a model.

    Args:
        opinions: From `read_opinions`.
        described: Each of its photos, in their order; those that could not be read do not count.

    Raises:
        UsageError: If too few photos could be read.
    """
    readable = [i for i, one in enumerate(described) if one.features is not None]
    photos = Photos(
        np.array([described[i].share for i in readable]),
        np.array([described[i].left for i in readable]),
        np.array([described[i].features for i in readable]),
    )
    make = _by_ratings if opinions.pairs is None else partial(_by_choices, pairs=opinions.pairs)
    return make(opinions.photos, np.array(readable, dtype=np.int64), photos)


def _by_ratings(dataset: Dataset, readable: NDArray[np.int64], photos: Photos) -> Personal:
    _require(len(readable), LEAST_RATINGS, "ratings of photos that can be read")
    ends = dataset.scale
    meaning = f"your ratings ({dataset.name})"
    scale = ScoreScale(
        ends.lowest, ends.highest, higher_is_better=ends.higher_is_better, meaning=meaning
    )
    images = [dataset.images[i] for i in readable]
    labels = np.array([scale.to_share(image.mos) for image in images])
    groups = [image.reference or image.path for image in images]
    if len(set(groups)) < _LEAST_REFERENCES:
        msg = (
            f"the ratings share {len(set(groups))} values of `reference`: rate versions of at "
            f"least {_LEAST_REFERENCES} photos, so that some can be held out"
        )
        raise UsageError(msg)
    found = crossfit(photos, labels, groups=groups)
    # Labels are shares of the best end: both metrics are those of the user's scale but for a unit.
    unit = scale.highest - scale.lowest
    metrics = {"srcc": srcc, "rmse": lambda y, p: unit * rmse(y, p)}
    interval = partial(bootstrap, groups=groups, resamples=_RESAMPLES)
    return Personal(
        found.correction,
        replace(scale, calibration=_constant(found.half_width, len(labels))),
        learnt_from(dataset, readable.tolist(), workers=default_workers()),
        len(labels),
        "ratings",
        tuple(
            Shown(name, interval(m, labels, photos.untuned()), interval(m, labels, found.held_out))
            for name, m in metrics.items()
        ),
        found.half_width * unit,
        found.fallback,
    )


def _constant(half_width: float, count: int) -> Calibration:
    """Return the calibration of scores that are the expected ratings, with intervals of a width."""
    return Calibration(None, places=(50.0,), widths=(100 * half_width,), photos=count)


def _by_choices(
    dataset: Dataset,
    readable: NDArray[np.int64],
    photos: Photos,
    *,
    pairs: NDArray[np.int64],
) -> Personal:
    place = np.full(len(dataset.images), -1)
    place[readable] = np.arange(len(readable))
    known = place[pairs]
    known = known[(known >= 0).all(axis=1)]
    _require(len(known), LEAST_CHOICES, "choices between photos that can be read")
    found = choose(photos, known)
    share = partial(bootstrap, resamples=_RESAMPLES)
    ones = np.ones(len(known))
    scale = ScoreScale(
        0, 100, higher_is_better=True, meaning=f"order of your choices ({dataset.name})"
    )
    return Personal(
        found.correction,
        scale,
        learnt_from(dataset, readable.tolist(), workers=default_workers()),
        len(known),
        "choices",
        (Shown("foretold", share(_mean, ones, found.untuned), share(_mean, ones, found.right)),),
        fallback=found.fallback,
    )


def _mean(_: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    return float(right.mean())


def _require(count: int, least: int, what: str) -> None:
    if count < least:
        msg = f"there are only {count} {what}: give at least {least}"
        raise UsageError(msg)


def write_personal(path: Path, personal: Personal, model: LoadedModel) -> None:
    """Write a personal model as a safetensors file, which needs its base wherever it is used.

    Args:
        path: Of the file; a base that is a file of its own is named relative to it.
        personal: The model.
        model: The base.

    Raises:
        UsageError: If there can be no such file.
        OutputError: If the disk is full.
    """
    base = model.spec.name
    if names_a_file(base):
        base = f"./{os.path.relpath(base, path.parent)}"
    tuned = Tuned(base, model.weights_sha256, personal.scale, personal.learnt)
    write_whole(path, save(personal.correction.to_tensors(), metadata=tuned.to_metadata()))
