"""From views to what a network says of them, and from one or two of a photo to one judgement."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from biqa_cli.blocks.extraction import block_views
from biqa_cli.blocks.grid import covering_grid
from biqa_cli.models.base import Predictions
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.spec import ScoreScale
from biqa_cli.results import Judgement

LEAST_KEPT = 0.02
"""Smaller values of what flaws leave are taken for this one before two are compared."""
_DECIMALS = 4
"""Of strengths: the store keeps them as text."""


def predict_views(views: NDArray[np.float32], model: LoadedModel) -> Predictions:
    """Return what a model says of views (B, 3, H, W), of the whole or the mean of crops."""
    crops = model.spec.input.crops
    if crops is None:
        return model.engine.predict(views)
    grid = covering_grid(*views.shape[-2:], size=crops.size, stride=crops.stride)
    found = model.engine.predict(np.concatenate(block_views(views, grid)))

    def averaged(values: NDArray[np.float64]) -> NDArray[np.float64]:
        mean: NDArray[np.float64] = values.reshape(len(grid), len(views), *values.shape[1:]).mean(
            axis=0
        )
        return mean

    return Predictions(
        averaged(found.scores),
        None if found.kept is None else averaged(found.kept),
        None if found.flaws is None else averaged(found.flaws),
    )


def judge(
    found: Predictions, *, has_full_size: Sequence[bool], scale: ScoreScale
) -> list[Judgement]:
    """Return one judgement for each photo of a batch.

    Args:
        found: What the network says of the views: first of all photos as a whole, then of those
            that have a view at full size, in the same order.
        has_full_size: Which of the photos have one.
        scale: Of the scores.
    """
    second = iter(range(len(has_full_size), len(found.scores)))
    return [
        _judge(found, index, next(second) if has else None, scale)
        for index, has in enumerate(has_full_size)
    ]


def left_at_full_size(whole: float, full: float) -> float:
    """Return the share of the whole's quality that full size leaves, 0 to 1.

    Args:
        whole: What flaws leave of the quality, as the whole shows it.
        full: The same, as full size shows it.
    """
    kept = np.clip([whole, full], LEAST_KEPT, 1.0)
    return float(min(kept[1] / kept[0], 1.0))


def lowered(native: float, *, left: float, scale: ScoreScale) -> float:
    """Return a native score of which only a share is left, counted from the worst end of the scale.

    A score beyond that end stays as it is.
    """
    if left >= 1 or scale.to_share(native) <= 0:
        return native
    worst = scale.lowest if scale.higher_is_better else scale.highest
    return worst + (native - worst) * left


def _judge(found: Predictions, index: int, full: int | None, scale: ScoreScale) -> Judgement:
    # 0 in place of -0, which a database does not keep.
    native, flaws = float(found.scores[index]) + 0.0, found.flaws
    if full is None:
        strengths = None if flaws is None else flaws[index]
        return Judgement(native, flaws=_rounded(strengths))
    assert found.kept is not None, "full_size needs flaws=true"  # noqa: S101
    assert flaws is not None, "they come with kept"  # noqa: S101
    left = left_at_full_size(float(found.kept[index]), float(found.kept[full]))
    return Judgement(
        lowered(native, left=left, scale=scale),
        whole=native,
        kept=left,
        flaws=_rounded(np.maximum(flaws[index], flaws[full])),
    )


def _rounded(strengths: Sequence[float] | np.ndarray | None) -> tuple[float, ...] | None:
    if strengths is None:
        return None
    return tuple(round(float(strength), _DECIMALS) for strength in strengths)
