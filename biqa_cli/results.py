"""The records that travel from scoring to the reports. Plain data, nothing heavy."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "error"]


@dataclass(frozen=True, slots=True)
class ImageResult:
    """The outcome for one image. The fields are the columns of every report, in this order."""

    path: str
    score: float | None
    """0 to 100, higher is better, for every model: what people are expected to say of the photo.

    None where the image could not be scored.
    """
    low: float | None
    """People's score lies between `low` and `high` for nine photos in ten, measured on photos that
    the model had not learnt. None where the model is not calibrated, or there is no score."""
    high: float | None
    native_score: float | None
    """On the scale of the labels that the model was trained on."""
    model: str
    width: int | None
    """In pixels, of the whole upright image. None where it could not be read."""
    height: int | None
    status: Status
    error: str = ""
    """Why there is no score, in one sentence; empty where there is one."""
    note: str = ""
    """What to know of a score: that it is of the preview in a camera's raw file, say."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a score depends on beside the image: the header of a report."""

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
