"""The finer numbers that QualityNet and REQA print, as plain data."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from biqa_cli.datasets.base import LabelScale
from biqa_cli.metrics.correlation import krcc
from biqa_cli.metrics.deviation import (
    QUANTILES,
    pinball,
    regression_line,
    residual_quantiles,
)
from biqa_cli.metrics.distribution import Moments, compare_distributions
from biqa_cli.metrics.measure import Measure, or_none
from biqa_cli.metrics.ranges import category_confusion, deviation_histogram

Facts = dict[str, Any]


def details(
    mos: NDArray[np.float64],
    predicted: NDArray[np.float64],
    scale: LabelScale,
    *,
    on_scale: bool,
) -> Facts:
    """Return what the papers show beside correlations; what is undefined is None.

    Quantile losses, residuals, distributions (QualityNet, figures 7 to 13) and categories (REQA,
    figures 6 and 7) need predictions on the scale of the labels; they are None without.

    Args:
        mos: Labels (n,).
        predicted: Predictions (n,).
        scale: Of the labels.
        on_scale: Whether the predictions are on it.
    """
    line = regression_line(mos, predicted)
    facts: Facts = {
        "krcc_tau_a": krcc(mos, predicted, variant="a"),
        "regression_line": {"slope": line.slope, "intercept": line.intercept, "r2": line.r2},
    }
    names = ("quantile_loss", "residual_quantiles", "distribution", "acr", "deviations")
    if not on_scale:
        return _plain_facts(facts | dict.fromkeys(names))
    residuals = residual_quantiles(mos, predicted)
    shape = compare_distributions(mos, predicted)
    ends = (scale.lowest, scale.highest)
    confusion = category_confusion(
        mos, predicted, label_range=ends, higher_is_better=scale.higher_is_better
    )
    histogram = deviation_histogram(mos, predicted, label_range=ends)
    return _plain_facts(
        facts
        | {
            "quantile_loss": {f"{q:g}": pinball(mos, predicted, quantile=q) for q in QUANTILES},
            "residual_quantiles": {
                f"{q:g}": value
                for q, value in zip(
                    QUANTILES, (residuals.q10, residuals.q50, residuals.q90), strict=True
                )
            },
            "distribution": {
                "mos": _moments(shape.mos),
                "predicted": _moments(shape.predicted),
                "ks": shape.ks,
            },
            "acr": {"deviations": confusion.deviations, "confusion": confusion.counts},
            "deviations": {"edges": histogram.edges, "counts": histogram.counts},
        }
    )


def _moments(moments: Moments) -> Facts:
    return {"mean": moments.mean, "std": moments.std, "skew": moments.skew}


def _plain_facts(facts: Facts) -> Facts:
    return {key: _plain(value) for key, value in facts.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401  whatever JSON holds
    """Return facts without classes: undefined measures are None, tuples are lists."""
    match value:
        case Measure():
            return or_none(value)
        case dict():
            return _plain_facts(value)
        case tuple() | list():
            return [_plain(inner) for inner in value]
    return value
