"""A personal model: a base, and a linear correction that a few ratings of one's own have fitted."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biqa_cli.datasets.learnt import Learnt
from biqa_cli.errors import UsageError, WeightsError
from biqa_cli.models.base import Engine, EngineName, Parts, Predictions
from biqa_cli.models.declared import learnt_of, plain_learnt, scale_of, text_of
from biqa_cli.models.spec import ScoreScale
from biqa_cli.models.trained import read_record
from biqa_cli.weights.header import Header

KEY = "biqa-tuned"
"""Of the metadata of a safetensors file."""
WEIGHTS = "weights"
"""The only tensor of the file: one number a feature, and before them the two of the line."""
_LINE = 2


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a tuned file says besides its numbers."""

    base: str
    """A name of the catalogue, or a file of weights, relative to the tuned one."""
    base_sha256: str
    scale: ScoreScale
    """Of the user's own labels."""
    learnt: Learnt
    """The photos that were rated; what the base has learnt from is known from the base."""

    def to_metadata(self) -> dict[str, str]:
        """Return the metadata of a safetensors file."""
        plain = asdict(replace(self, learnt=Learnt()))
        plain["learnt"] = plain_learnt(self.learnt)
        return {KEY: json.dumps(plain)}


def tuned_of(header: Header, *, source: str) -> Tuned | None:
    """Return what the header of a tuned file says; None where it is another file of weights.

    Raises:
        WeightsError: If a field is missing, of the wrong type or out of its range.
    """

    def parsed(content: dict[str, Any]) -> Tuned:
        learnt = learnt_of(content)
        if learnt is None:
            raise UsageError("it does not say which photos it has learnt from")
        return Tuned(
            base=text_of(content, "base"),
            base_sha256=text_of(content, "base_sha256"),
            scale=scale_of(content),
            learnt=learnt,
        )

    return read_record(header, KEY, parsed, source=source)


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """From what a base says of photos to what its user says: a line, and a sum over features."""

    intercept: float
    slope: float
    """Of the base's score, as a share of 0 to 1."""
    weights: NDArray[np.float64]
    """(F,), of the features."""

    def __call__(
        self, shares: NDArray[np.float64], features: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return scores (B,) as shares of the user's scale, about 0 to 1; 1 is its best end.

        Args:
            shares: What the base says, 0 to 1 (B,).
            features: What its head reads (B, F).
        """
        # Row by row: a product of matrices sums in another order for another batch.
        summed = (features * self.weights).sum(axis=1)
        corrected: NDArray[np.float64] = self.intercept + self.slope * shares + summed
        return corrected

    def to_tensors(self) -> dict[str, NDArray[np.float64]]:
        """Return the tensors of a safetensors file."""
        return {WEIGHTS: np.concatenate([[self.intercept, self.slope], self.weights])}


def correction_of(tensors: Mapping[str, NDArray[np.floating[Any]]], *, source: str) -> Correction:
    """Return the correction that a tuned file holds.

    Raises:
        WeightsError: If it holds something else.
    """
    values = tensors.get(WEIGHTS)
    if len(tensors) != 1 or values is None or values.ndim != 1 or len(values) < _LINE:
        msg = f"{source} is damaged: a tuned model holds one tensor, {WEIGHTS!r}, and no other"
        raise WeightsError(msg)
    numbers = values.astype(np.float64)
    return Correction(float(numbers[0]), float(numbers[1]), numbers[_LINE:])


class TunedEngine:
    """The engine of a base whose scores are corrected.

    Args:
        base: Gives features.
        correction: To the user's shares.
        before: The scale of the base.
        after: The user's.
    """

    def __init__(
        self, base: Engine, correction: Correction, *, before: ScoreScale, after: ScoreScale
    ) -> None:
        self.base, self.correction = base, correction
        self.before, self.after = before, after
        self.name: EngineName = base.name
        self.device = base.device

    @property
    def parts(self) -> Parts | None:
        """Those of the base, whose scores are corrected."""
        parts = self.base.parts
        return None if parts is None else _TunedParts(parts, self)

    def predict(self, views: NDArray[np.float32]) -> Predictions:
        """Map normalised views (B, 3, H, W) to what the base says of them, on the user's scale."""
        return self.corrected(self.base.predict(views))

    def corrected(self, found: Predictions) -> Predictions:
        """Return what the base says, on the user's scale.

        Raises:
            WeightsError: If the correction is of another number of features.
        """
        assert found.features is not None, "the base was loaded with features"  # noqa: S101
        corrected, told = self.correction.weights.size, found.features.shape[1]
        if corrected != told:
            msg = f"it corrects {corrected} features, the base has {told}"
            raise WeightsError(msg)
        shares = np.array([self.before.to_percent(one) / 100 for one in found.scores.tolist()])
        tuned = self.correction(shares, found.features).tolist()
        return replace(
            found,
            scores=np.array([self.after.from_share(one) for one in tuned]),
            ceilings=None if found.ceilings is None else self._on_scale(found.ceilings),
        )

    def _on_scale(self, native: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scores of the base (B,) as the same shares of the user's scale."""
        shares = map(self.before.to_share, native.tolist())
        return np.array([self.after.from_share(share) for share in shares])


class _TunedParts:
    def __init__(self, base: Parts, engine: TunedEngine) -> None:
        self._base, self._engine = base, engine
        self.cell = base.cell

    def maps(self, views: NDArray[np.float32]) -> tuple[Predictions, list[NDArray[np.float32]]]:
        told, maps = self._base.maps(views)
        return self._engine.corrected(told), maps

    def from_pooled(self, pooled: NDArray[np.float32]) -> Predictions:
        return self._engine.corrected(self._base.from_pooled(pooled))
