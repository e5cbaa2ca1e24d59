"""The records that travel from scoring to the reports. Plain data, nothing heavy."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "error"]

NATIVE_DIGITS = 6
"""Of a native score, behind the point, in every report."""


@dataclass(frozen=True, slots=True)
class ImageResult:
    """The outcome for one image. The fields are the columns of every report, in this order."""

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


@dataclass(frozen=True, slots=True)
class RunCounts:
    """How a run went."""

    images: int
    scored: int
    failed: int
    seconds: float
    complete: bool = True
    """False where the run was stopped before its last image."""
