"""Two models, or two tools, on the same images: which is better, and is that significant?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from biqa_cli.datasets.base import Dataset, RatedImage
from biqa_cli.errors import UsageError
from biqa_cli.evaluation.evaluate import clusters_of
from biqa_cli.evaluation.predictions import Prediction
from biqa_cli.metrics.agreement import agreement
from biqa_cli.metrics.correlation import LEAST_PAIRS, krcc, plcc, srcc
from biqa_cli.metrics.measure import Measure
from biqa_cli.metrics.significance import ALPHA, Comparison, compare_correlations, compare_rmse
from biqa_cli.metrics.uncertainty import Interval, bootstrap

_LOGISTIC_PARAMETERS = 4
_CORRELATIONS = {"srcc": srcc, "plcc": plcc, "krcc": krcc}

_Values = NDArray[np.float64]

Direction = Literal[1, -1] | None
"""The sign of the correlation of a good tool with the labels; None where the tool declares none:
it is then the sign that is seen."""


@dataclass(frozen=True, slots=True)
class MetricComparison:
    """One metric of two tools."""

    metric: str
    n: int
    """Images that both have scored."""
    first: Measure
    """Signed, in the orientation of the labels."""
    second: Measure
    difference: Interval
    """Strength of the first less that of the second, each in its tool's direction. Images, or
    references, are drawn for both tools at once, so the interval knows that they saw the same
    images."""

    @property
    def verdict(self) -> int:
        """1 where the first is better, -1 where the second is, 0 where nobody can tell."""
        low, high = self.difference.low, self.difference.high
        return 1 if low > 0 else -1 if high < 0 else 0

    @property
    def undefined(self) -> str:
        """Why there is nothing to compare, such as "constant predictions"; empty where there is."""
        return self.first.reason or self.second.reason or self.difference.low.reason


@dataclass(frozen=True, slots=True)
class ToolComparison:
    """Two tools on the images that both have scored."""

    n: int
    metrics: tuple[MetricComparison, ...]
    fisher: Comparison
    """Fisher's z on SRCC: cautious, since it takes the tools to have seen different images."""
    rmse: Comparison
    """F on the squared errors after the logistic mapping (ITU-T P.1401)."""
    opposite: bool
    """Whether one tool's scores rise with quality and the other's fall, and neither declares it."""


@dataclass(frozen=True, slots=True)
class Contender:
    """What one tool says of some images."""

    name: str
    said: Mapping[int, Prediction]
    """By the position of the image in the data set."""
    direction: Direction


def direction_of(dataset: Dataset, percent: bool) -> Direction:
    """Return the direction of a tool by the labels of a data set.

    Args:
        dataset: Whose labels may be lower for better images.
        percent: Whether the tool predicts 0 to 100, higher is better; others declare nothing.
    """
    if not percent:
        return None
    return 1 if dataset.scale.higher_is_better else -1


def compare_tools(
    images: Sequence[RatedImage],
    first: Sequence[Prediction],
    second: Sequence[Prediction],
    *,
    directions: tuple[Direction, Direction] = (None, None),
    resamples: int,
) -> ToolComparison:
    """Return how two tools compare on the images for which both have a score.

    A tool may call good low: correlations are shown with their sign and compared by strength, in
    the direction that a tool declares, or else shows.

    Args:
        images: Rated images (N,).
        first: Predictions (N,) of one tool, on any scale.
        second: Of the other.
        directions: Of both.
        resamples: Of the bootstrap.

    Raises:
        UsageError: If fewer than 3 images have both scores.
    """
    rated, a, b = _scored_by_both(images, first, second)
    if len(rated) < LEAST_PAIRS:
        msg = f"only {len(rated)} images have a score in both files: name files of this data set"
        raise UsageError(msg)
    metrics = tuple(
        _compare(name, rated, a, b, directions=directions, resamples=resamples)
        for name in _CORRELATIONS
    )
    mos = np.array([image.mos for image in rated])
    errors = [agreement(mos, scores).rmse_fitted for scores in (a, b)]
    # The strength of a nan is the nan with its reason.
    strengths = [
        value if value.reason else value * (direction or math.copysign(1, value))
        for value, direction in zip((metrics[0].first, metrics[0].second), directions, strict=True)
    ]
    return ToolComparison(
        n=len(rated),
        metrics=metrics,
        fisher=compare_correlations(*strengths, n=len(rated)),
        rmse=compare_rmse(*errors, n=len(rated), parameters=_LOGISTIC_PARAMETERS),
        opposite=directions == (None, None) and metrics[0].first * metrics[0].second < 0,
    )


def compare_pairs(
    images: Sequence[RatedImage],
    contenders: Sequence[Contender],
    *,
    resamples: int,
) -> list[tuple[Contender, Contender, MetricComparison]]:
    """Return how each two of several tools compare by SRCC on the images that both have scored.

    Fixed models differ by nothing but the images that they are tried on, so those are what is
    drawn anew. A test over repeated splits would take test parts that overlap for independent, and
    find any difference if there were enough of them.

    Args:
        images: Of the data set.
        contenders: At least two; the images are those that any has been asked for.
        resamples: Of the bootstrap.

    Returns:
        A comparison for each pair, whose intervals hold together at 95 % (Bonferroni).
    """
    pairs = list(combinations(contenders, 2))
    found = []
    for one, other in pairs:
        asked = sorted(one.said.keys() & other.said.keys())
        rated, a, b = _scored_by_both(
            [images[index] for index in asked],
            [one.said[index] for index in asked],
            [other.said[index] for index in asked],
        )
        comparison = _compare(
            "srcc",
            rated,
            a,
            b,
            directions=(one.direction, other.direction),
            resamples=resamples,
            level=1 - ALPHA / len(pairs),
        )
        found.append((one, other, comparison))
    return found


def _scored_by_both(
    images: Sequence[RatedImage], first: Sequence[Prediction], second: Sequence[Prediction]
) -> tuple[list[RatedImage], _Values, _Values]:
    both = [
        (image, a.score, b.score)
        for image, a, b in zip(images, first, second, strict=True)
        if a.score is not None and b.score is not None
    ]
    scores = np.array([(a, b) for _, a, b in both], dtype=np.float64).reshape(-1, 2)
    return [image for image, _, _ in both], scores[:, 0], scores[:, 1]


def _compare(
    name: str,
    images: Sequence[RatedImage],
    first: _Values,
    second: _Values,
    *,
    directions: tuple[Direction, Direction],
    resamples: int,
    level: float = 1 - ALPHA,
) -> MetricComparison:
    metric = _CORRELATIONS[name]
    mos = np.array([image.mos for image in images], dtype=np.float64)
    found = metric(mos, first), metric(mos, second)
    signs = [
        math.copysign(1, value) if direction is None else direction
        for value, direction in zip(found, directions, strict=True)
    ]

    def gap(positions: _Values, _: _Values) -> float:
        drawn = positions.astype(np.int64)
        y = mos[drawn]
        return signs[0] * metric(y, first[drawn]) - signs[1] * metric(y, second[drawn])

    # The bootstrap draws pairs of numbers; here they are the positions of the images.
    positions = np.arange(len(mos))
    interval = bootstrap(
        gap,
        positions,
        positions,
        groups=clusters_of(images),
        resamples=resamples,
        level=level,
    )
    return MetricComparison(name, len(mos), *found, interval)
