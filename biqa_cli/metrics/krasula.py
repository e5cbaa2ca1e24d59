"""How well a metric tells pairs of images apart, and which of two is better (Krasula et al.).

Correlations ask for the order of all images, also of those that people do not tell apart. These
areas under the curve (AUC) ask what people can answer: are two images of different quality, and
if so, which is better?

Reference:
    L. Krasula, K. Fliegel, P. Le Callet, M. Klíma: "On the accuracy of objective image and video
    quality models: New methodology for performance evaluation", QoMEX 2016.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from biqa_cli.errors import UsageError
from biqa_cli.metrics.measure import Measure, measured, undefined
from biqa_cli.metrics.pairs import pair

MOST_IMAGES = 2000
"""Two million pairs; of more images so many are drawn."""


@dataclass(frozen=True, slots=True)
class PairAccuracy:
    """How well differences of predictions answer what people can answer of pairs."""

    different_similar: Measure
    """AUC: |Δp| of pairs that people tell apart, against those that they do not; 0.5 is chance."""
    better_worse: Measure
    """AUC: Δp of pairs with the better image first, against the same pairs turned round."""
    correct: Measure
    """The share of pairs told apart by people in which the better image is predicted better; equal
    predictions are wrong."""
    images: int
    """Behind the pairs."""
    different: int
    """Pairs that people tell apart."""
    similar: int


def pair_accuracy(
    mos: ArrayLike,
    predicted: ArrayLike,
    *,
    mos_error: ArrayLike,
    level: float = 0.95,
    most: int = MOST_IMAGES,
    seed: int = 0,
) -> PairAccuracy:
    """Return how well predictions tell pairs apart, and which of two images is better.

    People tell two images apart where |y_i - y_j| / √(s_i² + s_j²) is beyond the two-sided point of
    the normal distribution (z-test).

    Args:
        mos: Labels (N,), on any scale.
        predicted: Predictions (N,), higher where labels are higher.
        mos_error: Standard error of each label (N,): σ / √M for M opinions. Images where it is nan
            do not count.
        level: Of the z-test.
        most: Images; of more so many are drawn.
        seed: Of the draw.

    Returns:
        nan where there are no pairs of one of the two kinds.

    Raises:
        UsageError: If there is not one standard error, at least 0, for each label.

    Example:
        >>> found = pair_accuracy([1, 2, 3], [1, 3, 2], mos_error=[0.1, 0.1, 0.1])
        >>> (found.different, round(float(found.correct), 3), found.different_similar.reason)
        (3, 0.667, 'people tell all pairs apart')
    """
    pairs = pair(mos, predicted)
    errors = np.asarray(mos_error, dtype=np.float64)
    if errors.shape != pairs.kept.shape or (errors < 0).any():
        msg = f"expected one standard error, at least 0, for each of {pairs.kept.size} labels"
        raise UsageError(msg)
    errors = errors[pairs.kept]
    chosen = np.flatnonzero(np.isfinite(errors))
    if chosen.size > most:
        chosen = np.sort(np.random.default_rng(seed).choice(chosen, size=most, replace=False))
    y, p, s = pairs.mos[chosen], pairs.predicted[chosen], errors[chosen]
    first, second = np.triu_indices(chosen.size, k=1)
    dy, dp = y[first] - y[second], p[first] - p[second]
    point = float(special.ndtri((1 + level) / 2))
    # Without a division: labels without doubt are told apart if they differ at all.
    apart = np.abs(dy) > point * np.hypot(s[first], s[second])
    rising = dp[apart] * np.sign(dy[apart])
    return PairAccuracy(
        different_similar=_different_similar(np.abs(dp), apart),
        better_worse=_better_worse(rising),
        correct=measured(float(np.mean(rising > 0))) if rising.size else _NONE_APART,
        images=int(chosen.size),
        different=int(apart.sum()),
        similar=int((~apart).sum()),
    )


_NONE_APART = undefined("people tell no pair apart")


def _different_similar(distance: NDArray[np.float64], apart: NDArray[np.bool_]) -> Measure:
    if not apart.any():
        return _NONE_APART
    if apart.all():
        return undefined("people tell all pairs apart")
    return measured(_auc(distance[apart], distance[~apart]))


def _better_worse(rising: NDArray[np.float64]) -> Measure:
    return measured(_auc(rising, -rising)) if rising.size else _NONE_APART


def _auc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Return how often one of the first (n,) is greater than one of the second (m,), ties half."""
    ranks = stats.rankdata(np.concatenate([positive, negative]))[: positive.size].sum()
    wins = float(ranks) - positive.size * (positive.size + 1) / 2
    return wins / (positive.size * negative.size)
