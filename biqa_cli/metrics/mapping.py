"""Curves from predictions to labels: what is left to compare once the scales agree.

A mapping is fitted to and judged on the same images, the convention of the field (VQEG; ITU-T
P.1401), so fitted metrics are a little kinder to a model than its errors on new images.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biqa_cli.metrics.correlation import LEAST_PAIRS, plcc
from biqa_cli.metrics.logistic import (
    PARAMETERS,
    Curve,
    Direction,
    direction,
    direction_of,
    evaluate,
    fit_logistic,
)
from biqa_cli.metrics.measure import Measure
from biqa_cli.metrics.pairs import no_variation, pair

# What a curve must explain beyond a line, as a share of the variance of the labels.
_LEAST_GAIN = 1e-9
_OUT_OF_RANGE = "outside the range of float64"


@dataclass(frozen=True, slots=True)
class FittedMapping:
    """A curve f from predictions to labels, and how it came about."""

    requested: Curve
    used: Literal["logistic4", "logistic5", "linear", "none"]
    parameters: tuple[float, ...]
    """β1, β2 … of a logistic curve, (slope, intercept) of a line, empty for none."""
    converged: bool
    """Whether a fit of the requested curve came to rest."""
    direction: Direction
    """Over the range of the predictions: "decreasing" where low predictions mean high labels."""
    reason: str = ""
    """Why the requested curve was not used; empty where it was."""

    @property
    def monotone(self) -> bool:
        """Whether f keeps, or reverses, the order of the predictions."""
        return self.direction != "neither"

    def apply(self, predicted: ArrayLike) -> NDArray[np.float64]:
        """Return f(predicted), of the same shape; all nan where there is no curve."""
        x = np.asarray(predicted, dtype=np.float64)
        if self.used == "none":
            return np.full(x.shape, np.nan)
        if self.used == "linear":
            slope, intercept = self.parameters
            with np.errstate(over="ignore"):
                return slope * x + intercept
        return evaluate(self.used, x, self.parameters)


def fit_mapping(
    mos: ArrayLike, predicted: ArrayLike, *, curve: Curve = "logistic4"
) -> FittedMapping:
    """Return the least-squares curve from predictions to labels.

    A straight line takes over where there are too few pairs for the curve, where no fit comes to
    rest, and where the line is as near to the labels: a logistic curve can come as near to any
    line as one likes, so a worse one is a local minimum.

    Args:
        mos: Labels (N,).
        predicted: Predictions (N,) on any scale. Pairs with a nan or an infinity are left out.
        curve: The 4-parameter logistic of VQEG, or the 5-parameter one of Sheikh et al. (2006).

    Returns:
        `used` is "none" where not even a line is determined: fewer than 3 pairs, constants.
    """
    pairs = pair(mos, predicted)
    if reason := no_variation(pairs, least=LEAST_PAIRS):
        return _no_mapping(curve, reason)
    x, y = _Axis.of(pairs.predicted), _Axis.of(pairs.mos)
    if not (x.usable and y.usable):
        return _no_mapping(curve, _OUT_OF_RANGE)

    needed = PARAMETERS[curve] + 1
    if len(pairs) < needed:
        return _line(curve, x, y, reason=f"fewer than {needed} pairs")
    fitted = fit_logistic(x.standard, y.standard, curve=curve)
    if fitted is None:
        return _line(curve, x, y, reason="no fit came to rest")
    parameters = _in_units(curve, fitted, x, y)
    left = float(np.mean((evaluate(curve, x.standard, fitted) - y.standard) ** 2))
    left_by_line = 1 - _correlation(x, y) ** 2
    if left_by_line - left < _LEAST_GAIN or not np.isfinite(parameters).all():
        return _line(curve, x, y, reason="a straight line fits as well", converged=True)
    return FittedMapping(
        requested=curve,
        used=curve,
        parameters=parameters,
        converged=True,
        direction=direction(curve, fitted, x.standard),
    )


def plcc_fitted(mos: ArrayLike, predicted: ArrayLike, *, mapping: FittedMapping) -> Measure:
    """Return PLCC between labels and mapped predictions; higher is better.

    The curve takes up the sign: labels of which lower is better give a positive value too, and
    `mapping.direction` tells. After a line it is |PLCC|, which a line cannot change.
    """
    raw = plcc(mos, predicted)
    if mapping.used == "linear" or raw.reason:
        return raw if raw.reason else Measure(abs(raw))
    return plcc(mos, mapping.apply(predicted))


@dataclass(frozen=True, slots=True, eq=False)
class _Axis:
    """Values in units of their standard deviation, from their mean."""

    standard: NDArray[np.float64]
    centre: float
    spread: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> "_Axis":
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            centre, spread = float(values.mean()), float(values.std())
            return cls((values - centre) / spread, centre, spread)

    @property
    def usable(self) -> bool:
        # What has no spread is divided by zero above.
        return self.spread < math.inf and bool(np.isfinite(self.standard).all())


def _no_mapping(curve: Curve, reason: str) -> FittedMapping:
    return FittedMapping(curve, "none", (), converged=False, direction="neither", reason=reason)


def _correlation(x: _Axis, y: _Axis) -> float:
    return float(np.mean(x.standard * y.standard))


def _line(
    curve: Curve, x: _Axis, y: _Axis, *, reason: str, converged: bool = False
) -> FittedMapping:
    r = _correlation(x, y)
    slope = r * y.spread / x.spread
    intercept = y.centre - slope * x.centre
    if not (math.isfinite(slope) and math.isfinite(intercept)):
        return _no_mapping(curve, _OUT_OF_RANGE)
    return FittedMapping(
        requested=curve,
        used="linear",
        parameters=(slope, intercept),
        converged=converged,
        direction=direction_of(r, r),
        reason=reason,
    )


def _in_units(curve: Curve, fitted: tuple[float, ...], x: _Axis, y: _Axis) -> tuple[float, ...]:
    """Return the parameters of standardised values in units of predictions and labels."""
    if curve == "logistic4":
        b1, b2, b3, b4 = fitted
        return (
            y.centre + y.spread * b1,
            y.centre + y.spread * b2,
            x.centre + x.spread * b3,
            x.spread * abs(b4),
        )
    b1, b2, b3, b4, b5 = fitted
    slope = y.spread * b4 / x.spread
    return (
        y.spread * b1,
        b2 / x.spread,
        x.centre + x.spread * b3,
        slope,
        y.centre + y.spread * b5 - slope * x.centre,
    )
