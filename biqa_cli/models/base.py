"""What the engines have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

EngineName = Literal["onnx", "openvino", "torch"]
Precision = Literal["auto", "float32", "bfloat16"]
"""What a network computes in. "auto" is bfloat16 where that saves time, else float32."""

OUTPUTS = ("scores", "ceilings", "flaws")
"""Of a graph without weights, as `Predictions` has them; the last two where the network tells."""
MAPS, POOLED = "maps_", "pooled_"
"""With a number, further outputs of a graph that can be cut in two: the maps that are pooled, and
what pooling leaves of each. What lies behind the pooled depends on nothing else."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a network says of some views."""

    scores: NDArray[np.float64]
    """(B,), native."""
    ceilings: NDArray[np.float64] | None = None
    """(B,), native: the highest scores that photos with such flaws can have; None where the network
    does not tell."""
    flaws: NDArray[np.float64] | None = None
    """(B, 12) in 0 to 1: how strong each of `biqa_cli.distortions.flaws.FLAWS` is; or None."""

    features: NDArray[np.float64] | None = None
    """(B, F): what the head of the network reads; None where nobody asked for it."""

    def is_finite(self) -> bool:
        """Return whether all of it are finite numbers."""
        told = (self.scores, self.ceilings, self.flaws, self.features)
        return all(bool(np.isfinite(found).all()) for found in told if found is not None)


def joined(parts: Sequence[Predictions], places: Sequence[int] | None = None) -> Predictions:
    """Return what a network says of all views, from what it says of some at a time.

    Args:
        parts: At least one.
        places: Of the views among all, one part after the other; None where they are in order.
    """

    def whole(each: list[NDArray[np.float64] | None]) -> NDArray[np.float64] | None:
        told = [values for values in each if values is not None]
        if not told:
            return None
        values = np.concatenate(told)
        return values if places is None else values[np.argsort(places)]

    scores = whole([part.scores for part in parts])
    assert scores is not None, "every part has scores"  # noqa: S101
    return Predictions(
        scores,
        whole([part.ceilings for part in parts]),
        whole([part.flaws for part in parts]),
        whole([part.features for part in parts]),
    )


def one_a_view(features: NDArray[np.float64], views: int) -> NDArray[np.float64]:
    """Return features (B, F): the mean where a network reads several parts of each view.

    Args:
        features: (B, F), (B, N, F) or (B·N, F).
        views: B.
    """
    mean: NDArray[np.float64] = features.reshape(views, -1, features.shape[-1]).mean(axis=1)
    return mean


class Parts(Protocol):
    """A network in two parts: up to its maps, and from their means and standard deviations."""

    @property
    def cell(self) -> int:
        """Pixels of the view along a side of one cell of the coarsest map."""
        ...

    def maps(self, views: NDArray[np.float32]) -> tuple[Predictions, list[NDArray[np.float32]]]:
        """Return what the network says of views (B, 3, H, W), and its maps (B, C, h, w)."""
        ...

    def from_pooled(self, pooled: NDArray[np.float32]) -> Predictions:
        """Return what it says by means and deviations (B, F).

        Of one map after the other: first the means of its channels, then their deviations.
        """
        ...


class Engine(Protocol):
    """A network with its weights, ready to run on one device."""

    name: EngineName
    device: str

    @property
    def parts(self) -> Parts | None:
        """The same network in two parts; None where it reads more, or less, than these."""
        ...

    def predict(self, views: NDArray[np.float32]) -> Predictions:
        """Map normalised views (B, 3, H, W) to what the network says of them."""
        ...
