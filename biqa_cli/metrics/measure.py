"""The value of a metric: a number, or nan and the reason why."""

import math
from typing import Self


class Measure(float):
    """A float that says why where it is nan.

    It computes, compares, formats and serialises as the float it is; what is computed from it is
    an ordinary float again. Never infinite.

    Args:
        value: Finite, or nan.
        reason: Why the value is nan, in a few words; empty where it is a number.

    Raises:
        ValueError: If a nan has no reason, a number has one, or the value is infinite.

    Example:
        >>> Measure(0.5) + 1
        1.5
        >>> print(Measure(math.nan, "constant labels"))
        nan: constant labels
    """

    __slots__ = ("reason",)
    reason: str

    def __new__(cls, value: float, reason: str = "") -> Self:
        """Make the float and give it its reason."""
        if math.isinf(value) or math.isnan(value) != bool(reason):
            msg = f"a measure is finite, or nan with a reason; got {value!r}, {reason!r}"
            raise ValueError(msg)
        self = super().__new__(cls, value)
        self.reason = reason
        return self

    def __repr__(self) -> str:
        return f"nan: {self.reason}" if self.reason else super().__repr__()

    __str__ = __repr__

    def __getnewargs__(self) -> tuple[float, str]:  # type: ignore[override]  # and the reason
        return float(self), self.reason


def undefined(reason: str) -> Measure:
    """Return a nan with its reason."""
    return Measure(math.nan, reason)


def measured(value: float) -> Measure:
    """Return what a formula came to; undefined where numbers left the range of float64."""
    return Measure(value) if math.isfinite(value) else undefined("outside the range of float64")


def or_none(value: float) -> float | None:
    """Return a plain float, None for a nan: what JSON holds."""
    return None if math.isnan(value) else float(value)
