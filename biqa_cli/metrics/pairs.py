"""Labels and predictions, pair by pair: which count, and whether they suffice for a metric."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biqa_cli.errors import UsageError


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The valid pairs of a label and a prediction."""

    mos: NDArray[np.float64]
    """Labels (n,), all finite."""
    predicted: NDArray[np.float64]
    """Predictions (n,), all finite."""
    kept: NDArray[np.bool_]
    """Which of the given pairs these are; filters what goes with them, such as references."""

    def __len__(self) -> int:
        return self.mos.size

    @property
    def dropped(self) -> int:
        """How many pairs were left out because a side was nan or infinite."""
        return int(self.kept.size - self.mos.size)


def pair(mos: ArrayLike, predicted: ArrayLike) -> Pairs:
    """Return the pairs in which both label and prediction are finite.

    A nan is an image without a label or a score. An infinity is a failed computation, not a
    score, so it is left out and counted in the same way, also where only ranks would matter.

    Args:
        mos: Labels (N,) on any scale.
        predicted: Predictions (N,), one for each label.

    Raises:
        UsageError: If the arrays are not 1-d or not equally long.

    Example:
        >>> pairs = pair([1, 2, 3], [4, float("nan"), 6])
        >>> (len(pairs), pairs.dropped)
        (2, 1)
    """
    labels = np.asarray(mos, dtype=np.float64)
    predictions = np.asarray(predicted, dtype=np.float64)
    if labels.ndim != 1 or labels.shape != predictions.shape:
        msg = (
            "labels and predictions must be 1-d and equally long, one prediction for each label; "
            f"got shapes {labels.shape} and {predictions.shape}"
        )
        raise UsageError(msg)
    kept = np.isfinite(labels) & np.isfinite(predictions)
    return Pairs(mos=labels[kept], predicted=predictions[kept], kept=kept)


def is_constant(values: NDArray[np.float64]) -> bool:
    """Return whether all values (n,), at least one, are the same number."""
    return bool(values.min() == values.max())


def too_few(pairs: Pairs, *, least: int) -> str:
    """Return why there are too few pairs for a metric, empty where there are enough."""
    if len(pairs) >= least:
        return ""
    return f"fewer than {least} pairs" if len(pairs) else "no pairs"


def no_variation(pairs: Pairs, *, least: int) -> str:
    """Return why nothing can vary together in these pairs, empty where it can."""
    if reason := too_few(pairs, least=least):
        return reason
    if is_constant(pairs.mos):
        return "constant labels"
    return "constant predictions" if is_constant(pairs.predicted) else ""
