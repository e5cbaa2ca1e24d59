"""How good a correction is, on photos that it was not fitted to; and how wide its intervals are.

Reference:
    Vovk, "Cross-conformal predictors", Ann. Math. Artif. Intell. 74, 2015; Barber et al.,
    "Predictive inference with the jackknife+", Ann. Statist. 49, 2021 (CV+).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biqa_cli.metrics.correlation import srcc
from biqa_cli.models.tuned import Correction
from biqa_cli.tuning.ridge import Photos, fit_line, fit_ridge

FOLDS = 20
LEVEL = 0.9
"""Of the intervals."""
_HIGHEST = 1 - 1e-12
_MANY = 1000
"""From so many ratings on, half the folds tell as much."""

SIGNIFICANT = 1.645
"""The 95 % point of the normal distribution, on one side."""
_LEAST = 4
"""Ratings behind a correlation that can be tested."""

_Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Crossfitted:
    """A correction by all ratings, and what others like it say of ratings held out from them."""

    correction: Correction
    held_out: _Values
    """Scores (N,), 0 to 1, each by a correction that has not seen the rating of its photo."""
    half_width: float
    """Of the interval that holds 90 % of ratings, as a share of the scale."""
    fallback: str = ""
    """Why the features do not count, and the order is the model's own; empty where they do."""


def crossfit(
    photos: Photos, labels: _Values, *, groups: Sequence[str] | None = None, seed: int = 0
) -> Crossfitted:
    """Return the correction by ridge regression, or the line where that shows itself to be better.

    Args:
        photos: That were rated (N).
        labels: Shares of the scale (N,), 1 is its best end.
        groups: What is held out together (N,), such as versions of one photo; None for photos
            that stand for themselves.
        seed: Of the folds.
    """
    folds = list(folds_of(len(photos), groups=groups, seed=seed))
    held_out = _held_out(photos, labels, folds, fit_ridge)
    fit, line = fit_ridge, _held_out(photos, labels, folds, fit_line)
    fallback = _why_not(labels, held_out, line)
    if fallback:
        fit, held_out = fit_line, line
    width = half_width_of(np.abs(labels - held_out))
    return Crossfitted(fit(photos, labels), held_out, width, fallback)


def _why_not(labels: _Values, ridge: _Values, line: _Values) -> str:
    """Return why held-out ratings speak against the features; empty where they do not."""
    agreement = srcc(labels, ridge)
    # A nan is not above anything.
    strength = math.atanh(min(agreement, _HIGHEST)) * math.sqrt(max(len(labels) - 3, 0))
    if len(labels) < _LEAST or not strength > SIGNIFICANT:
        return "held-out ratings do not follow from the others: they are few, or contradict them"
    more = (labels - ridge) ** 2 - (labels - line) ** 2
    if more.mean() > more.std(ddof=1) / math.sqrt(len(more)):
        return "the features of the photos foretell held-out ratings worse than the score alone"
    return ""


def half_width_of(residuals: _Values) -> float:
    """Return the half width of intervals by the absolute residuals (N,) of held-out ratings.

    Of N + 1 exchangeable residuals the new one is at most the ⌈0.9 (N + 1)⌉-th with a probability
    of at least 90 %.
    """
    rank = math.ceil(LEVEL * (len(residuals) + 1))
    return float(np.sort(residuals)[rank - 1]) if rank <= len(residuals) else 1.0


def folds_of(
    count: int, *, groups: Sequence[str] | None = None, seed: int = 0, folds: int = FOLDS
) -> Iterator[NDArray[np.int64]]:
    """Yield which photos are held out together: every photo once, groups undivided.

    Args:
        count: Of photos (N).
        groups: Of each (N,); None where each stands for itself.
        seed: Of the draw.
        folds: How many, where there are so many groups.
    """
    names = np.arange(count) if groups is None else np.unique(groups, return_inverse=True)[1]
    units = int(names.max()) + 1
    folds = min(units, max(folds // 2, 2) if count >= _MANY else folds)
    fold_of_unit = np.random.default_rng(seed).permutation(np.arange(units) % folds)
    for fold in range(folds):
        yield np.flatnonzero(fold_of_unit[names] == fold)


def _held_out(
    photos: Photos,
    labels: _Values,
    folds: Sequence[NDArray[np.int64]],
    fit: Callable[[Photos, _Values], Correction],
) -> _Values:
    said = np.empty(len(photos))
    for fold in folds:
        others = np.setdiff1d(np.arange(len(photos)), fold)
        said[fold] = photos.at(fold).corrected(fit(photos.at(others), labels[others]))
    return said
