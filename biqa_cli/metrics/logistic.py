"""The two logistic curves of quality assessment, and their least-squares fit."""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import leastsq
from scipy.special import expit

Curve = Literal["logistic4", "logistic5"]
Direction = Literal["increasing", "decreasing", "neither"]

_Values = NDArray[np.float64]

PARAMETERS: dict[Curve, int] = {"logistic4": 4, "logistic5": 5}
"""How many a curve has."""

_MOST_EVALUATIONS = 20_000
_AT_REST = (1, 2, 3, 4)  # MINPACK: the sum of squares or the parameters have stopped moving


def logistic4(x: _Values, b1: float, b2: float, b3: float, b4: float) -> _Values:
    """Return β2 + (β1 - β2) / (1 + exp(-(x - β3) / |β4|)), monotone between β2 and β1."""
    curve: _Values = b2 + (b1 - b2) * expit((x - b3) / abs(b4))
    return curve


def logistic5(x: _Values, b1: float, b2: float, b3: float, b4: float, b5: float) -> _Values:
    """Return β1 (1/2 - 1 / (1 + exp(β2 (x - β3)))) + β4 x + β5, not always monotone."""
    curve: _Values = b1 * np.tanh(b2 * (x - b3) / 2) / 2 + b4 * x + b5
    return curve


def evaluate(curve: Curve, x: _Values, parameters: tuple[float, ...]) -> _Values:
    """Return the curve at x (n,); extreme parameters saturate without a warning."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        return (logistic4 if curve == "logistic4" else logistic5)(x, *parameters)


def fit_logistic(x: _Values, y: _Values, *, curve: Curve) -> tuple[float, ...] | None:
    """Return the parameters β1, β2 … of the curve nearest to y, None where no fit comes to rest.

    Levenberg–Marquardt from the published start, a quarter and four times of its β4 (the width;
    for the 5-parameter curve β2, the steepness); the smallest sum of squares wins.

    Args:
        x: Predictions (n,) of mean 0 and standard deviation 1, more than there are parameters.
        y: Labels (n,) of mean 0 and standard deviation 1.
        curve: Which.
    """
    low, high = float(y.min()), float(y.max())
    if x @ y < 0:
        low, high = high, low
    found: list[tuple[float, tuple[float, ...]]] = []
    for factor in (1.0, 4.0, 0.25):
        start = (
            (high, low, 0.0, factor / 4)
            if curve == "logistic4"
            else (high - low, factor, 0.0, 0.0, 0.0)
        )
        # What scipy's curve_fit calls, without its warnings about covariances.
        parameters, _, details, _, status = leastsq(
            lambda b: evaluate(curve, x, b) - y, start, full_output=True, maxfev=_MOST_EVALUATIONS
        )
        error = float(details["fvec"] @ details["fvec"])
        if status in _AT_REST and math.isfinite(error) and np.isfinite(parameters).all():
            found.append((error, tuple(parameters.tolist())))
    return min(found)[1] if found else None


def direction(curve: Curve, parameters: tuple[float, ...], x: _Values) -> Direction:
    """Return whether the curve rises or falls over the range of x (n,)."""
    if curve == "logistic4":
        b1, b2, _, _ = parameters
        return direction_of(b1 - b2, b1 - b2)
    rise, steepness, centre, straight, _ = parameters
    # The logistic part is steepest at β3: slopes are extreme at the ends of the range or as near
    # to β3 as it comes.
    places = np.clip([-np.inf, np.inf, centre], x.min(), x.max())
    with np.errstate(over="ignore"):
        share = expit(steepness * (places - centre))
    slopes = rise * steepness * share * (1 - share) + straight
    return direction_of(float(slopes.min()), float(slopes.max()))


def direction_of(least_slope: float, greatest_slope: float) -> Direction:
    """Return where a curve of such slopes goes; it may be flat in parts."""
    if least_slope >= 0:
        return "increasing" if greatest_slope > 0 else "neither"
    return "decreasing" if greatest_slope <= 0 else "neither"
