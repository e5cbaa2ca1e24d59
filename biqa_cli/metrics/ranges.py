"""Agreement within parts of the quality range: the range effect of REQA.

All functions bring labels and predictions from the label's range to 0-100, higher is better, and
divide that into five parts of equal width. Values beyond the range belong to its end parts.

Reference:
    Li and Huo, "REQA: Coarse-to-fine Assessment of Image Quality to Alleviate the Range Effect",
    Tables I, V and VI, figures 6 and 7.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biqa_cli.errors import UsageError
from biqa_cli.metrics.correlation import plcc, srcc
from biqa_cli.metrics.measure import Measure
from biqa_cli.metrics.pairs import pair

CATEGORIES = ("Bad", "Poor", "Fair", "Good", "Excellent")
"""The absolute category rating (ACR), worst first: [0, 20), [20, 40) … [80, 100]."""

DEVIATION_WIDTH = 2.5
"""Width of a bin of figure 7, in points of 100."""


@dataclass(frozen=True, slots=True)
class CategoryAgreement:
    """Agreement on the images whose label lies in one category."""

    category: str
    n: int
    srcc: Measure
    plcc: Measure
    """Raw. Both say little where n is small."""


@dataclass(frozen=True, slots=True)
class CategoryConfusion:
    """Which category was predicted for the images of each category."""

    counts: tuple[tuple[int, ...], ...]
    """5×5, row by label, column by prediction, both worst first: right of the diagonal images
    are predicted too good."""

    @property
    def deviations(self) -> tuple[int, ...]:
        """How many images are 0, 1 … 4 categories off (REQA, figure 6)."""
        table = np.array(self.counts)
        size = len(table)
        far = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
        return tuple(int(table[far == distance].sum()) for distance in range(size))


@dataclass(frozen=True, slots=True)
class DeviationHistogram:
    """How many images are how far off."""

    edges: tuple[float, ...]
    """Lower ends of the bins [low, next low), in points of 100; the last bin is open."""
    counts: tuple[int, ...]


def agreement_by_category(
    mos: ArrayLike,
    predicted: ArrayLike,
    *,
    label_range: tuple[float, float] = (0.0, 100.0),
    higher_is_better: bool = True,
) -> tuple[CategoryAgreement, ...]:
    """Return SRCC and PLCC for Bad, Poor, Fair, Good and Excellent labels (REQA, Table I).

    The paper's "five equal portions" are of equal width, not of equal count.

    Args:
        mos: Labels (N,).
        predicted: Predictions (N,) on the scale of the labels. Pairs with a nan or an infinity
            are left out.
        label_range: Least and greatest label of the data set's scale.
        higher_is_better: False for difference scores (DMOS), whose lowest labels are Excellent.

    Returns:
        Five records, worst first; nan where fewer than 3 images or constants are in a category.

    Raises:
        UsageError: If the label range is empty.
    """
    pairs = pair(mos, predicted)
    quality = _percent(pairs.mos, label_range, higher_is_better=higher_is_better)
    category = _categories(quality)
    return tuple(
        CategoryAgreement(
            category=name,
            n=int(inside.sum()),
            srcc=srcc(pairs.mos[inside], pairs.predicted[inside]),
            plcc=plcc(pairs.mos[inside], pairs.predicted[inside]),
        )
        for name, inside in ((name, category == i) for i, name in enumerate(CATEGORIES))
    )


def category_confusion(
    mos: ArrayLike,
    predicted: ArrayLike,
    *,
    label_range: tuple[float, float] = (0.0, 100.0),
    higher_is_better: bool = True,
) -> CategoryConfusion:
    """Return how categories of labels and predictions meet (REQA, figure 6).

    Arguments and errors as in `agreement_by_category`.
    """
    pairs = pair(mos, predicted)
    size = len(CATEGORIES)
    counts = np.zeros((size, size), dtype=np.int64)
    label, prediction = (
        _categories(_percent(values, label_range, higher_is_better=higher_is_better))
        for values in (pairs.mos, pairs.predicted)
    )
    np.add.at(counts, (label, prediction), 1)
    return CategoryConfusion(tuple(tuple(row) for row in counts.tolist()))


def deviation_histogram(
    mos: ArrayLike,
    predicted: ArrayLike,
    *,
    label_range: tuple[float, float] = (0.0, 100.0),
    bins: int = 10,
) -> DeviationHistogram:
    """Return how many predictions are 0 to 2.5, 2.5 to 5 … points of 100 off (REQA, figure 7).

    Args:
        mos: Labels (N,).
        predicted: Predictions (N,) on the scale of the labels; not clipped to it.
        label_range: Least and greatest label of the data set's scale.
        bins: How many; the last holds all that is farther off.

    Raises:
        UsageError: If the label range is empty or there is no bin.
    """
    if bins < 1:
        msg = f"a histogram needs at least 1 bin, got {bins}"
        raise UsageError(msg)
    pairs = pair(mos, predicted)
    with np.errstate(over="ignore"):
        off = np.abs(pairs.mos - pairs.predicted) * (100 / _width(label_range))
        place = np.minimum(off / DEVIATION_WIDTH, bins - 1).astype(np.int64)
    return DeviationHistogram(
        edges=tuple(DEVIATION_WIDTH * i for i in range(bins)),
        counts=tuple(np.bincount(place, minlength=bins).tolist()),
    )


def _width(label_range: tuple[float, float]) -> float:
    low, high = label_range
    if not low < high:
        msg = f"a label range goes from a lower to a higher number, got {low} to {high}"
        raise UsageError(msg)
    return high - low


def _percent(
    values: NDArray[np.float64], label_range: tuple[float, float], *, higher_is_better: bool
) -> NDArray[np.float64]:
    width = _width(label_range)
    low, high = label_range
    with np.errstate(over="ignore"):
        return (values - low if higher_is_better else high - values) / width * 100


def _categories(quality: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the category 0 … 4 of qualities in percent (n,)."""
    last = len(CATEGORIES) - 1
    return np.clip(np.floor(quality / (100 / len(CATEGORIES))), 0, last).astype(np.int64)
