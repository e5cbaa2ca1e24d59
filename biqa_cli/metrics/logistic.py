"""The two logistic curves of quality assessment, and their least-squares fit.

Inside, both are a · tanh(s (x - m) / 2) / 2 + c x + b, and the 4-parameter curve has c = 0. The
steepness s may be 0 or negative, where the published width |β4| has a kink.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import expit

Curve = Literal["logistic4", "logistic5"]

_Values = NDArray[np.float64]

# Where labels follow predictions, 50 do. Where they do not, ever steeper steps between two images
# or ever longer tails gain ever less, and no number would be enough.
_MOST_EVALUATIONS = 500
# Of standardised predictions: the published starts, four times and a quarter of their steepness.
_STARTS: dict[Curve, tuple[float, ...]] = {"logistic4": (4, 16, 1), "logistic5": (1, 4, 0.25)}


def logistic4(x: _Values, b1: float, b2: float, b3: float, b4: float) -> _Values:
    """Return β2 + (β1 - β2) / (1 + exp(-(x - β3) / |β4|)), monotone between β2 and β1."""
    curve: _Values = b2 + (b1 - b2) * expit((x - b3) / abs(b4))
    return curve


def logistic5(x: _Values, b1: float, b2: float, b3: float, b4: float, b5: float) -> _Values:
    """Return β1 (1/2 - 1 / (1 + exp(β2 (x - β3)))) + β4 x + β5, not always monotone."""
    curve: _Values = b1 * np.tanh(b2 * (x - b3) / 2) / 2 + b4 * x + b5
    return curve


@dataclass(frozen=True, slots=True)
class LogisticFit:
    """The curve a · tanh(s (x - m) / 2) / 2 + c x + b nearest to labels."""

    a: float
    s: float
    m: float
    c: float
    b: float
    error: float
    """Mean squared error."""

    def slope_range(self, low: float, high: float) -> tuple[float, float]:
        """Return the least and the greatest slope on [low, high]."""
        # The slope of tanh has one peak, at m: its extremes lie at the ends or as near to m as
        # they come.
        rise = expit(self.s * (np.clip([low, high, self.m], low, high) - self.m))
        slopes = self.a * self.s * rise * (1 - rise) + self.c
        return float(slopes.min()), float(slopes.max())


def fit_logistic(x: _Values, y: _Values, *, curve: Curve) -> LogisticFit | None:
    """Return the curve nearest to y in squared error; None where no fit comes to rest.

    Levenberg–Marquardt on s and m alone: for each of these the best a, b and c are known (variable
    projection), which spares the search the ridge along which curves become lines.

    Args:
        x: Predictions (n,) of mean 0 and standard deviation 1, more than there are parameters.
        y: Labels (n,) of mean 0 and standard deviation 1.
        curve: Whether c is 0 or free.
    """
    with_line = curve == "logistic5"
    target = _without_line(y, x) if with_line else y

    def shape(parameters: _Values) -> _Values:
        s, m = parameters
        bend: _Values = np.tanh(s * (x - m) / 2) / 2
        return bend

    def project(bend: _Values) -> tuple[float, _Values]:
        free = bend - bend.mean()
        free = _without_line(free, x) if with_line else free
        square = free @ free
        a = float(free @ target / square) if square > 0 else 0.0
        return a, target - a * free

    with np.errstate(over="ignore", invalid="ignore"):
        fits = [
            least_squares(
                lambda parameters: project(shape(parameters))[1],
                (steepness, 0.0),
                method="lm",
                max_nfev=_MOST_EVALUATIONS,
            )
            for steepness in _STARTS[curve]
        ]
    rested = [fit for fit in fits if fit.status > 0 and math.isfinite(fit.cost)]
    if not rested:
        return None
    best = min(rested, key=lambda fit: float(fit.cost))
    bend = shape(best.x)
    a, residual = project(bend)
    return LogisticFit(
        a=a,
        s=float(best.x[0]),
        m=float(best.x[1]),
        c=float(np.mean((y - a * bend) * x)) if with_line else 0.0,
        b=-a * float(bend.mean()),
        error=float(np.mean(residual**2)),
    )


def _without_line(values: _Values, x: _Values) -> _Values:
    """Return what a multiple of x, of mean 0 and standard deviation 1, leaves of values."""
    return values - np.mean(values * x) * x
