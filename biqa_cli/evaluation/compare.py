"""Two models, or two tools, on the same images: which is better, and is that more than luck?"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biqa_cli.datasets.base import RatedImage
from biqa_cli.errors import UsageError
from biqa_cli.evaluation.evaluate import clusters_of
from biqa_cli.evaluation.predictions import Prediction
from biqa_cli.metrics.agreement import agreement
from biqa_cli.metrics.correlation import krcc, plcc, srcc
from biqa_cli.metrics.measure import Measure
from biqa_cli.metrics.significance import Comparison, compare_correlations, compare_rmse
from biqa_cli.metrics.uncertainty import Interval, bootstrap

_LOGISTIC_PARAMETERS = 4
_CORRELATIONS = {"srcc": srcc, "plcc": plcc, "krcc": krcc}

_Pairs = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MetricComparison:
    """One metric of two tools."""

    metric: str
    first: Measure
    """Signed, in the orientation of the labels."""
    second: Measure
    difference: Interval
    """Strength of the first less that of the second: |r| for correlations. Images, or references,
    are drawn for both tools at once, so the interval knows that they saw the same images."""

    @property
    def verdict(self) -> int:
        """1 where the first is better, -1 where the second is, 0 where nobody can tell."""
        low, high = self.difference.low, self.difference.high
        return 1 if low > 0 else -1 if high < 0 else 0


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
    """Whether one tool's scores rise with quality and the other's fall."""


def compare_tools(
    images: Sequence[RatedImage],
    first: Sequence[Prediction],
    second: Sequence[Prediction],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> ToolComparison:
    """Return how two tools compare on the images for which both have a score.

    A tool may call good low: correlations are shown with their sign and compared by strength.

    Args:
        images: Rated images (N,).
        first: Predictions (N,) of one tool, on any scale.
        second: Of the other.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Raises:
        UsageError: If fewer than 3 images have both scores.
    """
    both = [
        (image, a.score, b.score)
        for image, a, b in zip(images, first, second, strict=True)
        if a.score is not None and b.score is not None
    ]
    if len(both) < 3:  # noqa: PLR2004  no correlation is defined on fewer
        msg = f"only {len(both)} images have a score in both files: name files of this data set"
        raise UsageError(msg)
    rated = [image for image, _, _ in both]
    mos = np.array([image.mos for image in rated])
    a, b = (np.array(values, dtype=np.float64) for values in list(zip(*both, strict=True))[1:])
    groups = clusters_of(rated)
    metrics = []
    for name, metric in _CORRELATIONS.items():
        of_first, of_second = metric(mos, a), metric(mos, b)
        gap = _gap(metric, mos, a, b, signs=(_sign(of_first), _sign(of_second)))
        # The bootstrap draws pairs of numbers; here they are the positions of the images.
        positions = np.arange(len(mos))
        interval = bootstrap(
            gap, positions, positions, groups=groups, resamples=resamples, seed=seed
        )
        metrics.append(MetricComparison(name, of_first, of_second, interval))
    errors = [agreement(mos, scores).rmse_fitted for scores in (a, b)]
    strengths = [abs(metric) for metric in (metrics[0].first, metrics[0].second)]
    return ToolComparison(
        n=len(mos),
        metrics=tuple(metrics),
        fisher=compare_correlations(*strengths, n=len(mos)),
        rmse=compare_rmse(*errors, n=len(mos), parameters=_LOGISTIC_PARAMETERS),
        opposite=metrics[0].first * metrics[0].second < 0,
    )


def _gap(
    metric: Callable[[_Pairs, _Pairs], Measure],
    mos: _Pairs,
    first: _Pairs,
    second: _Pairs,
    *,
    signs: tuple[float, float],
) -> Callable[[_Pairs, _Pairs], float]:
    """Return the difference of two tools' strengths as a function of which images are drawn."""

    def gap(positions: _Pairs, _: _Pairs) -> float:
        drawn = positions.astype(np.int64)
        y = mos[drawn]
        return signs[0] * metric(y, first[drawn]) - signs[1] * metric(y, second[drawn])

    return gap


def _sign(correlation: Measure) -> float:
    return math.copysign(1, correlation)
