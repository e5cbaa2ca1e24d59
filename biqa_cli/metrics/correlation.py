"""Correlations of predictions with labels. Signed: labels of which lower is better give -1."""

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from biqa_cli.metrics.measure import Measure, measured, undefined
from biqa_cli.metrics.pairs import no_variation, pair

LEAST_PAIRS = 3
"""Two pairs always correlate perfectly, so that a correlation begins to mean something at 3."""


def srcc(mos: ArrayLike, predicted: ArrayLike) -> Measure:
    """Return Spearman's rank correlation, in [-1, 1]; ties share their mean rank.

    The form 1 - 6 Σd² / (n (n² - 1)) that papers print (QualityNet, eq. 36; REQA, eq. 15) is the
    same number where there are no ties, and wrong where there are.

    Args:
        mos: Labels (N,).
        predicted: Predictions (N,). Pairs with a nan or an infinity are left out.

    Returns:
        nan for fewer than 3 pairs, and where labels or predictions are constant.

    Example:
        >>> srcc([1, 2, 3, 4], [10, 100, 1000, 10000])
        1.0
        >>> srcc([1, 2, 3, 4], [5, 5, 5, 5])
        nan: constant predictions
    """
    pairs = pair(mos, predicted)
    if reason := no_variation(pairs, least=LEAST_PAIRS):
        return undefined(reason)
    return measured(_pearson(stats.rankdata(pairs.mos), stats.rankdata(pairs.predicted)))


def plcc(mos: ArrayLike, predicted: ArrayLike) -> Measure:
    """Return Pearson's linear correlation, in [-1, 1] (QualityNet, eq. 35; REQA, eq. 16).

    This is the raw correlation, without a mapping. Arguments and undefined cases as in `srcc`.
    """
    pairs = pair(mos, predicted)
    if reason := no_variation(pairs, least=LEAST_PAIRS):
        return undefined(reason)
    return measured(_pearson(pairs.mos, pairs.predicted))


def krcc(mos: ArrayLike, predicted: ArrayLike, *, variant: Literal["b", "a"] = "b") -> Measure:
    """Return Kendall's rank correlation, in [-1, 1]. Undefined cases as in `srcc`.

    Args:
        mos: Labels (N,).
        predicted: Predictions (N,).
        variant: "b" leaves pairs of tied images out of account. "a" counts them as neither
            concordant nor discordant, so that ties keep it from ±1 (QualityNet, eq. 37).
    """
    pairs = pair(mos, predicted)
    if reason := no_variation(pairs, least=LEAST_PAIRS):
        return undefined(reason)
    # The method only concerns the p-value: the default counts permutations of small samples.
    tau_b = float(stats.kendalltau(pairs.mos, pairs.predicted, method="asymptotic").statistic)
    if variant == "b":
        return measured(tau_b)
    total = math.comb(len(pairs), 2)
    untied = (total - _tied_pairs(pairs.mos)) * (total - _tied_pairs(pairs.predicted))
    return measured(tau_b * math.sqrt(untied) / total)


def _tied_pairs(values: NDArray[np.float64]) -> int:
    counts = np.unique(values, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def _pearson(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    dx, dy = _deviations(x), _deviations(y)
    r = float(dx @ dy) / math.sqrt(float(dx @ dx) * float(dy @ dy))
    return min(1.0, max(-1.0, r))


def _deviations(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the deviations from the mean, scaled to about 1; the values are not constant."""
    values = _near_one(values)
    # Differences of near numbers are exact, so nearly constant values keep their digits.
    values = _near_one(values - values[0])
    deviations: NDArray[np.float64] = values - values.mean()
    return deviations


def _near_one(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale to at most 1 by a power of two: exact, and squares cannot overflow or vanish."""
    scaled: NDArray[np.float64] = np.ldexp(values, -np.frexp(np.abs(values).max())[1])
    return scaled
