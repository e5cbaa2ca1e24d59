"""What became of a photo: a judgement, or the reason why there is none, as an ImageResult."""

import logging
import math

from biqa_cli.distortions.flaws import FLAWS
from biqa_cli.models.loading import LoadedModel
from biqa_cli.results import NATIVE_DIGITS, Flaw, ImageResult, Judgement, told_of

NAMED = 0.35
"""A flaw that is at least so strong is named."""

logger = logging.getLogger(__name__)


def result_of(
    outcome: Judgement | str,
    model: LoadedModel,
    *,
    path: str,
    width: int | None,
    height: int | None,
    note: str,
) -> ImageResult:
    """Return the result of a photo.

    Args:
        outcome: What the model says, or why it says nothing. A number that is not finite is an
            error too.
        model: What has scored the photo.
        path: Of the photo; empty where it has none.
        width: Of the whole upright photo in pixels; None where it could not be read.
        height: As the width.
        note: What to know of the pixels.
    """
    if isinstance(outcome, str):
        return _failed(outcome, model, path=path, width=width, height=height)
    scale = model.spec.scale
    native = outcome.native
    score = round(scale.to_percent(native), 4) if outcome.is_finite() else math.nan
    if not math.isfinite(score):
        error = f"the model gives no finite score ({native})"
        return _failed(error, model, path=path, width=width, height=height)
    interval = scale.interval(score)
    whole, kept = outcome.whole, outcome.kept
    if whole is not None and kept is not None:
        whole, kept = round(scale.to_percent(whole), 4), round(kept, 4)
        logger.info("%s: %.1f as a whole, full size leaves %.0f %%", path, whole, 100 * kept)
    return ImageResult(
        path=path,
        score=score,
        low=None if interval is None else round(interval[0], 2),
        high=None if interval is None else round(interval[1], 2),
        native_score=round(native, NATIVE_DIGITS),
        model=model.spec.name,
        width=width,
        height=height,
        status="ok",
        note="; ".join(filter(None, (note, told_of(model.precision)))),
        flaws=None if outcome.flaws is None else _named(outcome.flaws),
        whole=whole,
        full_size=kept,
    )


def _named(strengths: tuple[float, ...]) -> tuple[Flaw, ...]:
    """Return the flaws that are strong enough, the strongest first."""
    found = [
        Flaw(name, round(strength, 2))
        for name, strength in zip(FLAWS, strengths, strict=True)
        if strength >= NAMED
    ]
    return tuple(sorted(found, key=lambda flaw: -flaw.strength))


def _failed(
    error: str, model: LoadedModel, *, path: str, width: int | None, height: int | None
) -> ImageResult:
    return failed_result(error, model.spec.name, path=path, width=width, height=height)


def failed_result(
    error: str, model: str, *, path: str, width: int | None = None, height: int | None = None
) -> ImageResult:
    """Return the result of a photo that has no score.

    Args:
        error: Why, in one sentence.
        model: The name of the model.
        path: Of the photo.
        width: Of the whole upright photo in pixels, where it is known.
        height: As the width.
    """
    return ImageResult(
        path=path,
        score=None,
        low=None,
        high=None,
        native_score=None,
        model=model,
        width=width,
        height=height,
        status="error",
        error=error,
    )
