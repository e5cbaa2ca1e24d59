"""How far a metric would move on other images of the same kind: bootstrap intervals."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biqa_cli.errors import UsageError
from biqa_cli.metrics.measure import Measure, measured, undefined
from biqa_cli.metrics.pairs import pair

Metric = Callable[[NDArray[np.float64], NDArray[np.float64]], float]
"""From labels (n,) and predictions (n,) to a number, such as `srcc`."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A metric on all images, and between which values it lies in resamples of them."""

    estimate: Measure
    low: Measure
    high: Measure
    level: float
    """The share of resamples within [low, high]."""
    units: int
    """How many images, or references, were drawn from."""
    resamples: int
    undefined: int
    """In how many resamples the metric was nan; they count neither as low nor as high."""


def bootstrap(
    metric: Metric,
    mos: ArrayLike,
    predicted: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return the percentile bootstrap interval of a metric (Efron and Tibshirani, 1993).

    Distorted versions of one photo are not independent, and intervals that take them for it are
    too narrow. With groups, whole groups are drawn (the cluster bootstrap).

    Args:
        metric: Called with labels and predictions of a resample.
        mos: Labels (N,).
        predicted: Predictions (N,). Pairs with a nan or an infinity are left out beforehand.
        groups: What must stay together (N,), such as the reference of each image; None where
            every image stands for itself.
        resamples: How many; 1000 settle the ends of a 95 % interval to about a tenth of its width.
        level: In (0, 1).
        seed: The same seed gives the same interval.

    Returns:
        Ends are nan where the estimate is, for fewer than 2 units, and where no resample is
        defined.

    Raises:
        UsageError: If level or resamples is out of range, or groups do not fit the labels.
    """
    if not 0 < level < 1 or resamples < 1:
        msg = f"a bootstrap needs 0 < level < 1 and resamples ≥ 1, got {level} and {resamples}"
        raise UsageError(msg)
    pairs = pair(mos, predicted)
    members = _members(groups, pairs.kept)
    value = metric(pairs.mos, pairs.predicted)
    estimate = value if isinstance(value, Measure) else _as_measure(value)

    drawn = np.empty(0)
    reason = estimate.reason
    if not reason and len(members) < 2:  # noqa: PLR2004  one unit can only be drawn again
        reason = "fewer than 2 references" if groups is not None else "fewer than 2 pairs"
    if not reason:
        draws = _draws(members, resamples=resamples, seed=seed)
        drawn = np.array([float(metric(pairs.mos[i], pairs.predicted[i])) for i in draws])
        reason = "undefined in every resample" if np.isnan(drawn).all() else ""
    low, high = (
        (undefined(reason), undefined(reason))
        if reason
        else map(_as_measure, np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2]))
    )
    return Interval(
        estimate=estimate,
        low=low,
        high=high,
        level=level,
        units=len(members),
        resamples=drawn.size,
        undefined=int(np.isnan(drawn).sum()),
    )


def _as_measure(value: float) -> Measure:
    return undefined("the metric is nan") if math.isnan(value) else measured(float(value))


def _members(groups: ArrayLike | None, kept: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Return the indices of the kept pairs, unit by unit."""
    if groups is None:
        return list(np.arange(kept.sum())[:, None])
    names = np.asarray(groups)
    if names.shape != kept.shape:
        msg = f"expected one group for each label, got {names.shape} for {kept.size} labels"
        raise UsageError(msg)
    which = np.unique(names[kept], return_inverse=True)[1]
    order = np.argsort(which, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(which[order])) + 1) if order.size else []


def _draws(
    members: list[NDArray[np.int64]], *, resamples: int, seed: int
) -> Iterator[NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    units = len(members)
    flat = np.concatenate(members)
    for _ in range(resamples):
        drawn = rng.integers(units, size=units)
        # Joining thousands of units of one image each would take longer than the metric.
        yield flat[drawn] if flat.size == units else np.concatenate([members[i] for i in drawn])
