"""What the scores of a network mean: a curve to people's scores, and how far they lie from it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from biqa_cli.metrics.mapping import fit_mapping
from biqa_cli.models.spec import Calibration

COVERAGE, CONFIDENCE = 0.9, 0.95
_BINS = 5
# Fewer would leave less than twenty photos to a bin.
LEAST_PHOTOS = 20 * _BINS


def fit_calibration(mos: NDArray[np.float64], predicted: NDArray[np.float64]) -> Calibration | str:
    """Return the calibration of a network, or why there is none.

    The curve is VQEG's 4-parameter logistic, which keeps the order of photos. The width of the
    interval follows the mean distance of labels from the curve, in five ranges of equally many
    photos, times one factor: the least that covers 90 % of photos like these with a confidence
    of 95 %. The mere quantile would cover fewer in half of all cases.

    Args:
        mos: Labels (n,) of photos that the network has not learnt, 0 to 100, higher is better.
        predicted: What it says of them, on the same scale.

    Reference:
        Lei et al., "Distribution-free predictive inference for regression", JASA 113, 2018,
        section 5.2 (locally weighted split conformal inference); Wilks, "Determination of sample
        sizes for setting tolerance limits", Ann. Math. Stat. 12, 1941.
    """
    if len(mos) < LEAST_PHOTOS:
        return f"{len(mos)} photos are too few, {LEAST_PHOTOS} are needed"
    mapping = fit_mapping(mos, predicted)
    if mapping.used != "logistic4" or mapping.direction != "increasing":
        return f"no rising curve fits ({mapping.reason or mapping.direction})"
    b1, b2, b3, b4 = mapping.parameters
    curve = Calibration((b1, b2, b3, b4), places=(), widths=(), photos=len(mos))
    expected = np.array([curve.expected(value) for value in predicted.tolist()])
    distance = np.abs(mos - expected)
    order = np.argsort(expected, kind="stable")
    bins = np.array_split(order, _BINS)
    places = np.array([np.median(expected[chosen]) for chosen in bins])
    if (np.diff(places) <= 0).any():
        return "the scores of many photos are the same"
    spread = np.array([distance[chosen].mean() for chosen in bins])
    relative = distance / np.interp(expected, places, spread)
    return replace(
        curve,
        places=tuple(places.round(3).tolist()),
        widths=tuple((spread * _quantile(relative)).round(3).tolist()),
    )


def _quantile(values: NDArray[np.float64]) -> float:
    """Return what COVERAGE of further values will not exceed, with CONFIDENCE.

    The k-th of n values exceeds the quantile where fewer than k of them lie below it.
    """
    rank = int(binom.ppf(CONFIDENCE, len(values), COVERAGE)) + 1
    return float(np.sort(values)[rank - 1])
