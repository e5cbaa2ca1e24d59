"""All that says how well predictions agree with people, in one call."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from biqa_cli.metrics.correlation import krcc, plcc, srcc
from biqa_cli.metrics.deviation import explained_variance, mae, outlier_ratio, r2, rmse
from biqa_cli.metrics.logistic import Curve
from biqa_cli.metrics.mapping import FittedMapping, fit_mapping, plcc_fitted
from biqa_cli.metrics.measure import Measure, undefined
from biqa_cli.metrics.pairs import pair


@dataclass(frozen=True, slots=True)
class Agreement:
    """Predictions against labels. Each metric is a float; where it is nan, its `reason` says why.

    Correlations are signed: with labels of which lower is better, a good model is near -1. All
    but the correlations need predictions on the scale of the labels, unless fitted.
    """

    n: int
    """Pairs that count."""
    dropped: int
    """Pairs left out, because label or prediction is nan or infinite."""
    srcc: Measure
    plcc: Measure
    """Raw: what the papers' code reports."""
    plcc_fitted: Measure
    """After `mapping`. Not negative: the curve takes up the sign."""
    krcc: Measure
    """Kendall's τ_b."""
    rmse: Measure
    rmse_fitted: Measure
    mae: Measure
    mae_fitted: Measure
    outlier_ratio: Measure
    outlier_ratio_fitted: Measure
    r2: Measure
    explained_variance: Measure
    mapping: FittedMapping


def agreement(
    mos: ArrayLike,
    predicted: ArrayLike,
    *,
    mos_std: ArrayLike | None = None,
    mapping: Curve = "logistic4",
) -> Agreement:
    """Return how well predictions (N,) agree with labels (N,).

    Args:
        mos: Labels on any scale.
        predicted: Predictions.
        mos_std: Standard deviations of opinions (N,), for the outlier ratio.
        mapping: The curve of the fitted metrics.

    Raises:
        UsageError: If the arrays are not 1-d and equally long.

    Example:
        >>> result = agreement([1, 2, 3, 4, 5, 6], [2, 4, 6, 8, 10, float("nan")])
        >>> (result.n, result.dropped, result.srcc, result.mae, result.mapping.used)
        (5, 1, 1.0, 3.0, 'linear')
        >>> result.outlier_ratio
        nan: no standard deviations of labels
    """
    pairs = pair(mos, predicted)
    y, p = pairs.mos, pairs.predicted
    curve = fit_mapping(y, p, curve=mapping)
    mapped = curve.apply(p)
    std = None if mos_std is None else np.asarray(mos_std, dtype=np.float64)
    kept_std = None if std is None or std.shape != pairs.kept.shape else std[pairs.kept]
    rmse_fitted, mae_fitted, outlier_ratio_fitted = (
        undefined(curve.reason) if curve.used == "none" else metric(y, mapped)
        for metric in (rmse, mae, partial(outlier_ratio, mos_std=kept_std))
    )
    return Agreement(
        n=len(pairs),
        dropped=pairs.dropped,
        srcc=srcc(y, p),
        plcc=plcc(y, p),
        plcc_fitted=plcc_fitted(y, p, mapping=curve),
        krcc=krcc(y, p),
        rmse=rmse(y, p),
        rmse_fitted=rmse_fitted,
        mae=mae(y, p),
        mae_fitted=mae_fitted,
        outlier_ratio=outlier_ratio(mos, predicted, mos_std=mos_std),
        outlier_ratio_fitted=outlier_ratio_fitted,
        r2=r2(y, p),
        explained_variance=explained_variance(y, p),
        mapping=curve,
    )
