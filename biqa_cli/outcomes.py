"""What became of a photo: a native score, or the reason why there is none, as an ImageResult."""

import math

from biqa_cli.models.loading import LoadedModel
from biqa_cli.results import NATIVE_DIGITS, ImageResult


def result_of(
    outcome: float | str,
    model: LoadedModel,
    *,
    path: str,
    width: int | None,
    height: int | None,
    note: str,
) -> ImageResult:
    """Return the result of a photo.

    Args:
        outcome: The native score, or why there is none. One that is not finite is an error too.
        model: What has scored the photo.
        path: Of the photo; empty where it has none.
        width: Of the whole upright photo in pixels; None where it could not be read.
        height: As the width.
        note: What to know of the score.
    """
    if isinstance(outcome, str):
        return _failed(outcome, model, path=path, width=width, height=height)
    scale = model.spec.scale
    score = round(scale.to_percent(outcome), 4) if math.isfinite(outcome) else outcome
    if not math.isfinite(score):
        error = f"the model gives no finite score ({outcome})"
        return _failed(error, model, path=path, width=width, height=height)
    interval = scale.interval(score)
    return ImageResult(
        path=path,
        score=score,
        low=None if interval is None else round(interval[0], 2),
        high=None if interval is None else round(interval[1], 2),
        native_score=round(outcome, NATIVE_DIGITS),
        model=model.spec.name,
        width=width,
        height=height,
        status="ok",
        note=note,
    )


def _failed(
    error: str, model: LoadedModel, *, path: str, width: int | None, height: int | None
) -> ImageResult:
    return ImageResult(
        path=path,
        score=None,
        low=None,
        high=None,
        native_score=None,
        model=model.spec.name,
        width=width,
        height=height,
        status="error",
        error=error,
    )
