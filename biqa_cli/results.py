"""The records that travel from scoring to the reports. Plain data, nothing heavy."""

import math
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "error"]
ComputedIn = Literal["float32", "bfloat16"]
"""What a network has computed in."""

IN_BFLOAT16 = "computed in bfloat16"
"""In the note of a score: no other column of CSV tells it from a score in float32."""

NATIVE_DIGITS = 6
"""Of a native score, behind the point, in every report."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a photo."""

    name: str
    strength: float
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a model says of one photo, on its own scales: all that a result is made of."""

    native: float
    """The score, not rounded."""
    whole: float | None = None
    """The score of the photo as a whole; None where it was not also judged at full size."""
    kept: float | None = None
    """What full size leaves of the whole, 0 to 1; None where the photo was not judged there."""
    flaws: tuple[float, ...] | None = None
    """How strong each of `biqa_cli.distortions.flaws.FLAWS` is, 0 to 1, rounded to 4 decimals;
    None where the model tells none."""

    def is_finite(self) -> bool:
        """Return whether every number of it is one."""
        told = (self.native, self.whole, self.kept, *(self.flaws or ()))
        return all(math.isfinite(number) for number in told if number is not None)


@dataclass(frozen=True, slots=True)
class ImageResult:
    """The outcome for one image. The fields are the columns of every report, in this order.

    The last three are columns only where it is asked why (`biqa score --why`).
    """

    path: str
    score: float | None
    """0 to 100, higher is better, for every model: the mean rating that people would give it.

    None if the image could not be scored.
    """
    low: float | None
    """About 90 % of people's ratings lie between `low` and `high`, measured on photos that the
    model was not trained on. None if the model is not calibrated or there is no score."""
    high: float | None
    native_score: float | None
    """On the scale of the labels that the model was trained on."""
    model: str
    width: int | None
    """In pixels, of the whole upright image. None if it could not be read."""
    height: int | None
    status: Status
    error: str = ""
    """Why there is no score, in one sentence; empty if there is a score."""
    note: str = ""
    """What to know about a score, such as that it is of the preview in a raw file."""
    flaws: tuple[Flaw, ...] | None = None
    """The flaws that are strong enough to be named, the strongest first, each with 2 decimals.

    None if the model tells no flaws, or there is no score.
    """
    whole: float | None = None
    """The score, 0 to 100, of the photo as a whole. None if it was not also judged at full size."""
    full_size: float | None = None
    """What full size leaves of the whole, 0 to 1: 1 if nothing shows there that lowers the score.
    None if the photo was not judged at full size."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a score depends on besides the image: the header of a report."""

    version: str
    model: str
    weights_sha256: str
    preprocessing: str
    native_scale: str
    engine: str
    device: str
    graph_sha256: str = ""
    """Of the ONNX graph that has scored; empty where PyTorch has."""
    precision: ComputedIn = "float32"
    """What the network has computed in."""


@dataclass(frozen=True, slots=True)
class RunCounts:
    """How a run went."""

    images: int
    scored: int
    failed: int
    seconds: float
    complete: bool = True
    """False where the run was stopped before its last image."""


def told_of(precision: ComputedIn) -> str:
    """Return what the note of a score says of the precision; empty for float32."""
    return IN_BFLOAT16 if precision == "bfloat16" else ""


def precision_told(note: str) -> ComputedIn:
    """Return the precision of a score, from its note."""
    return "bfloat16" if note.endswith(IN_BFLOAT16) else "float32"
