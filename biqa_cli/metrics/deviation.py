"""How far predictions lie from labels. All of it needs both on one scale."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biqa_cli.errors import UsageError
from biqa_cli.metrics.correlation import LEAST_PAIRS, plcc
from biqa_cli.metrics.measure import Measure, measured, undefined
from biqa_cli.metrics.pairs import no_variation, pair, too_few

QUANTILES = (0.1, 0.5, 0.9)
"""The quantiles of QualityNet's figures 7 to 11."""

# Squares of very large numbers overflow; `measured` then says so.
_quiet = np.errstate(over="ignore", divide="ignore", invalid="ignore")


@_quiet
def rmse(mos: ArrayLike, predicted: ArrayLike) -> Measure:
    """Return the root of the mean squared error, in units of the label; lower is better.

    Args:
        mos: Labels (N,).
        predicted: Predictions (N,) on the scale of the labels. Pairs with a nan or an infinity
            are left out.

    Returns:
        nan where no pair is left.
    """
    pairs = pair(mos, predicted)
    if reason := too_few(pairs, least=1):
        return undefined(reason)
    # hypot scales: neither very large nor very small squares are lost.
    total = math.hypot(*(pairs.mos - pairs.predicted).tolist())
    return measured(total / math.sqrt(len(pairs)))


@_quiet
def mae(mos: ArrayLike, predicted: ArrayLike) -> Measure:
    """Return the mean absolute error, in units of the label; lower is better. nan as in `rmse`."""
    pairs = pair(mos, predicted)
    if reason := too_few(pairs, least=1):
        return undefined(reason)
    return measured(float(np.mean(np.abs(pairs.mos - pairs.predicted))))


@_quiet
def outlier_ratio(
    mos: ArrayLike, predicted: ArrayLike, *, mos_std: ArrayLike | None, sigmas: float = 2.0
) -> Measure:
    """Return the share of images predicted further off than people disagree, in [0, 1].

    Args:
        mos: Labels (N,).
        predicted: Predictions (N,) on the scale of the labels.
        mos_std: Standard deviation of the opinions on each image (N,), None where the data set
            has none. Images whose deviation is nan or infinite do not count.
        sigmas: An image is an outlier where |label - prediction| > sigmas · mos_std. With the
            standard errors of the labels as `mos_std`, 1.96 asks for the 95 % interval.

    Returns:
        Lower is better. nan where no image has a label, a prediction and a standard deviation.

    Raises:
        UsageError: If there is not one standard deviation, at least 0, for each label.
    """
    pairs = pair(mos, predicted)
    if mos_std is None:
        return undefined("no standard deviations of labels")
    std = np.asarray(mos_std, dtype=np.float64)
    if std.shape != pairs.kept.shape or (std < 0).any():
        msg = (
            "expected one standard deviation, at least 0, for each label; "
            f"got shape {std.shape} for {pairs.kept.size} labels"
        )
        raise UsageError(msg + (" and a negative one" if (std < 0).any() else ""))
    std = std[pairs.kept]
    known = np.isfinite(std)
    if not known.any():
        return undefined("no standard deviations of labels" if len(pairs) else "no pairs")
    far = np.abs(pairs.mos - pairs.predicted)[known] > sigmas * std[known]
    return measured(float(np.mean(far)))


@_quiet
def r2(mos: ArrayLike, predicted: ArrayLike) -> Measure:
    """Return the coefficient of determination, 1 - Σ(y - p)² / Σ(y - ȳ)²; higher is better.

    At most 1; 0 is as good as predicting the mean label, and it is negative below that. This is
    the formula that QualityNet prints for its "EVS". Its Table 6 holds 1 - 1/PLCC² under that name.

    Returns:
        nan for fewer than 2 pairs and for constant labels.
    """
    pairs = pair(mos, predicted)
    if reason := _no_variance_to_explain(pairs.mos):
        return undefined(reason)
    error = np.sum((pairs.mos - pairs.predicted) ** 2)
    return measured(float(1 - error / np.sum((pairs.mos - pairs.mos.mean()) ** 2)))


@_quiet
def explained_variance(mos: ArrayLike, predicted: ArrayLike) -> Measure:
    """Return 1 - Var(y - p) / Var(y), which forgives a constant offset; higher is better.

    At most 1, and never below `r2`. nan as there.
    """
    pairs = pair(mos, predicted)
    if reason := _no_variance_to_explain(pairs.mos):
        return undefined(reason)
    return measured(float(1 - np.var(pairs.mos - pairs.predicted) / np.var(pairs.mos)))


def _no_variance_to_explain(mos: NDArray[np.float64]) -> str:
    if mos.size < 2:  # noqa: PLR2004  one label has no variance
        return "fewer than 2 pairs" if mos.size else "no pairs"
    return "constant labels" if mos.min() == mos.max() else ""


@_quiet
def pinball(mos: ArrayLike, predicted: ArrayLike, *, quantile: float) -> Measure:
    """Return the mean quantile loss max(τ(y - p), (τ - 1)(y - p)), at least 0; lower is better.

    At τ = 0.5 it is half the mean absolute error. QualityNet prints (τ - [y ≤ p])(p - y), which
    is this loss with a minus. To compare data sets, divide by the width of their label range.

    Args:
        mos: Labels y (N,).
        predicted: Predictions p (N,) on the scale of the labels.
        quantile: τ in (0, 1): high τ punishes predictions that are too low.

    Raises:
        UsageError: If quantile is outside (0, 1).
    """
    if not 0 < quantile < 1:
        msg = f"a quantile lies between 0 and 1, got {quantile}"
        raise UsageError(msg)
    pairs = pair(mos, predicted)
    if reason := too_few(pairs, least=1):
        return undefined(reason)
    residual = pairs.mos - pairs.predicted
    return measured(float(np.mean(np.maximum(quantile * residual, (quantile - 1) * residual))))


@dataclass(frozen=True, slots=True)
class ResidualQuantiles:
    """Quantiles of label minus prediction: above 0 where predictions are too low."""

    q10: Measure
    q50: Measure
    q90: Measure


@_quiet
def residual_quantiles(mos: ArrayLike, predicted: ArrayLike) -> ResidualQuantiles:
    """Return the 0.1, 0.5 and 0.9 quantiles of the residuals y - p (QualityNet, figure 11).

    In units of the label, interpolated linearly between residuals; nan where no pair is left.
    """
    pairs = pair(mos, predicted)
    if reason := too_few(pairs, least=1):
        return ResidualQuantiles(*(undefined(reason) for _ in QUANTILES))
    values = np.quantile(pairs.mos - pairs.predicted, QUANTILES)
    return ResidualQuantiles(*(measured(float(value)) for value in values))


@dataclass(frozen=True, slots=True)
class RegressionLine:
    """The least-squares line label = slope · prediction + intercept."""

    slope: Measure
    intercept: Measure
    r2: Measure
    """Of the line, not of the predictions: PLCC²."""


@_quiet
def regression_line(mos: ArrayLike, predicted: ArrayLike) -> RegressionLine:
    """Return the line through labels over predictions (QualityNet, figure 12).

    A calibrated model has slope 1 and intercept 0. nan as in `plcc`.
    """
    pairs = pair(mos, predicted)
    if reason := no_variation(pairs, least=LEAST_PAIRS):
        return RegressionLine(*(undefined(reason) for _ in range(3)))
    r = plcc(pairs.mos, pairs.predicted)
    slope = r * pairs.mos.std() / pairs.predicted.std()
    intercept = pairs.mos.mean() - slope * pairs.predicted.mean()
    return RegressionLine(measured(float(slope)), measured(float(intercept)), measured(r * r))
