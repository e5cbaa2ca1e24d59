"""Whether predictions are distributed as labels are (QualityNet, figure 13)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biqa_cli.metrics.measure import Measure, measured, undefined
from biqa_cli.metrics.pairs import is_constant, pair, too_few


@dataclass(frozen=True, slots=True)
class Moments:
    """The shape of one distribution; moments are means over the sample, without correction."""

    mean: Measure
    std: Measure
    skew: Measure
    """Above 0 where the tail is on the right; nan for a constant."""


@dataclass(frozen=True, slots=True)
class DistributionComparison:
    """Labels and predictions side by side."""

    mos: Moments
    predicted: Moments
    ks: Measure
    """Two-sample Kolmogorov–Smirnov statistic, in [0, 1]: the largest distance between the two
    cumulative distributions. Without a p-value: the samples are paired, not independent."""


def compare_distributions(mos: ArrayLike, predicted: ArrayLike) -> DistributionComparison:
    """Return how the distributions of labels (N,) and predictions (N,) differ.

    Both on one scale. nan where no pair is left.
    """
    pairs = pair(mos, predicted)
    if reason := too_few(pairs, least=1):
        nothing = Moments(*(undefined(reason) for _ in range(3)))
        return DistributionComparison(nothing, nothing, undefined(reason))
    return DistributionComparison(
        mos=_moments(pairs.mos),
        predicted=_moments(pairs.predicted),
        ks=measured(_largest_distance(pairs.mos, pairs.predicted)),
    )


def _largest_distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    # SciPy's test has the same statistic, and warns about p-values that are not asked for.
    at = np.concatenate([a, b])
    below = [np.searchsorted(np.sort(sample), at, side="right") for sample in (a, b)]
    return float(np.abs(below[0] / a.size - below[1] / b.size).max())


def _moments(values: NDArray[np.float64]) -> Moments:
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        deviations = values - values.mean()
        variance = np.mean(deviations**2)
        return Moments(
            mean=measured(float(values.mean())),
            std=measured(float(np.sqrt(variance))),
            skew=undefined("constant values")
            if is_constant(values)
            else measured(float(np.mean(deviations**3) / variance**1.5)),
        )
