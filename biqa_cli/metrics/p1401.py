"""The statistics of ITU-T P.1401: errors and their intervals, and errors beyond people's doubt.

Predictions are those after a mapping, on the scale of the labels. d are the parameters of the
mapping; N - d degrees of freedom are left.

Reference:
    ITU-T P.1401, "Methods, metrics and procedures for statistical evaluation, qualification and
    comparison of objective quality prediction models".
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from biqa_cli.errors import UsageError
from biqa_cli.metrics.correlation import LEAST_PAIRS, plcc
from biqa_cli.metrics.measure import Measure, measured, undefined
from biqa_cli.metrics.pairs import pair
from biqa_cli.metrics.significance import ALPHA, Comparison, decided

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Bounded:
    """A value and the ends of its 95 % interval."""

    value: Measure
    low: Measure
    high: Measure


def label_intervals(
    mos_std: ArrayLike, *, raters: int, level: float = LEVEL
) -> NDArray[np.float64]:
    """Return half the width of the interval of each label (N,): t(level, M - 1) · σ / √M.

    Args:
        mos_std: Standard deviation of the opinions on each image (N,).
        raters: M, opinions on each image.
        level: Of confidence.

    Raises:
        UsageError: If there are fewer than 2 opinions on an image.

    Example:
        >>> label_intervals([1.0], raters=16).round(4)
        array([0.5329])
    """
    if raters < 2:  # noqa: PLR2004  one opinion has no deviation
        msg = f"labels of {raters} opinions have no interval: 2 or more are needed"
        raise UsageError(msg)
    quantile = float(special.stdtrit(raters - 1, (1 + level) / 2))
    widths: NDArray[np.float64] = quantile * np.asarray(mos_std, np.float64) / math.sqrt(raters)
    return widths


def plcc_interval(mos: ArrayLike, predicted: ArrayLike) -> Bounded:
    """Return PLCC and its interval by Fisher's z, whose deviation is 1/√(N - 3).

    nan as in `plcc`; ends are nan for fewer than 4 pairs.
    """
    pairs = pair(mos, predicted)
    value = plcc(pairs.mos, pairs.predicted)
    if value.reason or len(pairs) <= LEAST_PAIRS:
        reason = undefined(value.reason or "fewer than 4 pairs")
        return Bounded(value, reason, reason)
    if abs(value) == 1:
        return Bounded(value, value, value)
    z, width = math.atanh(value), _normal() / math.sqrt(len(pairs) - 3)
    return Bounded(value, measured(math.tanh(z - width)), measured(math.tanh(z + width)))


def rmse_interval(mos: ArrayLike, mapped: ArrayLike, *, parameters: int = 0) -> Bounded:
    """Return √(Σ(y - p)² / (N - d)) and its interval by χ² of N - d degrees of freedom.

    Args:
        mos: Labels (N,).
        mapped: Predictions (N,) on the scale of the labels.
        parameters: d, of the mapping.

    Returns:
        nan for d or fewer pairs.
    """
    pairs = pair(mos, mapped)
    return _rmse(np.abs(pairs.mos - pairs.predicted), parameters)


def rmse_star(
    mos: ArrayLike, mapped: ArrayLike, *, intervals: ArrayLike, parameters: int = 0
) -> Bounded:
    """Return RMSE*, of what errors exceed the intervals of the labels, and its interval.

    The error of an image is max(0, |y - p| - ci95): what lies within people's own doubt is none.

    Args:
        mos: Labels (N,).
        mapped: Predictions (N,) on the scale of the labels.
        intervals: Half the width of each label's interval (N,), see `label_intervals`; images
            where it is nan do not count.
        parameters: d, of the mapping.

    Returns:
        nan for d or fewer pairs.
    """
    errors, widths = _errors(mos, mapped, intervals)
    return _rmse(np.maximum(errors - widths, 0), parameters)


def outlier_ratio_interval(mos: ArrayLike, mapped: ArrayLike, *, intervals: ArrayLike) -> Bounded:
    """Return the share of images beyond the interval of their label, with its interval.

    The interval is 1.96 · √(OR(1 - OR) / N) to both sides, cut at 0 and 1.

    Arguments as in `rmse_star`; nan where no image has an interval.
    """
    errors, widths = _errors(mos, mapped, intervals)
    if not errors.size:
        none = undefined("no intervals of labels")
        return Bounded(none, none, none)
    ratio = float(np.mean(errors > widths))
    width = _normal() * math.sqrt(ratio * (1 - ratio) / errors.size)
    return Bounded(
        measured(ratio), measured(max(0.0, ratio - width)), measured(min(1.0, ratio + width))
    )


def compare_outlier_ratios(
    first: float, second: float, *, n: int, alpha: float = ALPHA
) -> Comparison:
    """Return whether one outlier ratio is lower than another, by z of two shares.

    z = (p2 - p1) / √(2 p (1 - p) / n) with p their mean, for independent samples. Two models on
    the same images are not independent, which makes the test cautious.

    Args:
        first: Outlier ratio of one model, in [0, 1]; lower is better.
        second: Of the other.
        n: Images behind each.
        alpha: The level of significance.

    Raises:
        UsageError: If a ratio is outside [0, 1].
    """
    for ratio in (first, second):
        if not math.isnan(ratio) and not 0 <= ratio <= 1:
            msg = f"outlier ratios lie in [0, 1], got {first} and {second}"
            raise UsageError(msg)
    together = (first + second) / 2
    reason = ""
    if math.isnan(together):
        reason = "one side is nan"
    elif n < 1 or together in (0, 1):
        reason = "no image, or all images, are outliers"
    if reason:
        return Comparison(0, undefined(reason), undefined(reason))
    statistic = (second - first) / math.sqrt(2 * together * (1 - together) / n)
    return decided(statistic, 2 * float(special.ndtr(-abs(statistic))), alpha=alpha)


def _errors(
    mos: ArrayLike, mapped: ArrayLike, intervals: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return |y - p| and the interval of the images that have both."""
    pairs = pair(mos, mapped)
    widths = np.asarray(intervals, dtype=np.float64)
    if widths.shape != pairs.kept.shape or (widths < 0).any():
        msg = f"expected one interval, at least 0, for each of {pairs.kept.size} labels"
        raise UsageError(msg)
    widths = widths[pairs.kept]
    known = np.isfinite(widths)
    return np.abs(pairs.mos - pairs.predicted)[known], widths[known]


def _rmse(errors: NDArray[np.float64], parameters: int) -> Bounded:
    freedom = errors.size - parameters
    if freedom < 1:
        none = undefined(f"fewer than {parameters + 1} pairs" if errors.size else "no pairs")
        return Bounded(none, none, none)
    total = math.hypot(*errors.tolist())
    low, high = (float(special.chdtri(freedom, tail)) for tail in _TAILS)
    return Bounded(
        measured(total / math.sqrt(freedom)),
        measured(total / math.sqrt(low)),
        measured(total / math.sqrt(high)),
    )


_TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
"""Shares above the upper and the lower point of χ²: the upper point gives the lower end."""


def _normal() -> float:
    return float(special.ndtri((1 + LEVEL) / 2))
