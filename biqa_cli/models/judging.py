"""From views to what a network says of them, and from one or two of a photo to one judgement."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from biqa_cli.blocks.extraction import block_views
from biqa_cli.blocks.grid import covering_grid
from biqa_cli.distortions.flaws import SHOWN_AT_FULL_SIZE
from biqa_cli.models.base import Predictions, joined
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.spec import ScoreScale
from biqa_cli.results import Judgement

_DECIMALS = 4
"""Of strengths: the store keeps them as text."""


def predict_views(
    views: NDArray[np.float32] | Sequence[NDArray[np.float32]], model: LoadedModel
) -> Predictions:
    """Return what a model says of views, of the whole or the mean of crops.

    Args:
        views: (B, 3, H, W), or views (3, H, W) of several sizes. Those of one size are read
            together, in the order in which the sizes first come.
        model: Any.
    """
    if isinstance(views, np.ndarray):
        return _predicted(views, model)
    places: dict[tuple[int, ...], list[int]] = {}
    for place, view in enumerate(views):
        places.setdefault(view.shape, []).append(place)
    found = [_predicted(np.stack([views[n] for n in each]), model) for each in places.values()]
    return joined(found, [*chain.from_iterable(places.values())])


def _predicted(views: NDArray[np.float32], model: LoadedModel) -> Predictions:
    """Return what a model says of views of one size (B, 3, H, W)."""
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
        None if found.ceilings is None else averaged(found.ceilings),
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


def _judge(found: Predictions, index: int, full: int | None, scale: ScoreScale) -> Judgement:
    # 0 in place of -0, which a database does not keep.
    whole, flaws = float(found.scores[index]) + 0.0, found.flaws
    if full is None:
        strengths = None if flaws is None else flaws[index]
        return Judgement(whole, flaws=_rounded(strengths))
    assert found.ceilings is not None, "full_size needs flaws=true"  # noqa: S101
    assert flaws is not None, "they come with ceilings"  # noqa: S101
    # A tuned model may have a scale of which lower is better.
    up = 1 if scale.higher_is_better else -1
    ceiling = up * float(found.ceilings[full])
    # A product, in which NaN stays.
    shown = flaws[full] * np.array(SHOWN_AT_FULL_SIZE)
    native = up * lowered(up * whole, ceiling=ceiling, flaws=shown) + 0.0
    return Judgement(
        native,
        whole=whole,
        kept=_share_left(scale.to_share(whole), scale.to_share(native)),
        flaws=_rounded(np.maximum(flaws[index], shown)),
    )


def lowered(score: float, *, ceiling: float, flaws: NDArray[np.float64]) -> float:
    """Return a score that flaws at full size lower towards their ceiling.

    What shows at full size has no score of its own, for it is no picture; but it has flaws. They
    have to be half as strong again as those of the whole (`networks.qualitynet.lowered`): other
    squares are seen where a photo is cut or has moved, and slight flaws are found in some alone.
    """
    # Not max and min, which let NaN pass.
    return float(score - np.minimum(flaws.sum(), 1) * np.maximum(score - ceiling, 0)) + 0.0


def _share_left(whole: float, native: float) -> float:
    """Return what full size leaves of the whole, 0 to 1; both are shares of the scale."""
    return min(max(native / whole, 0.0), 1.0) if whole > 0 else 1.0


def _rounded(strengths: Sequence[float] | np.ndarray | None) -> tuple[float, ...] | None:
    if strengths is None:
        return None
    return tuple(round(float(strength), _DECIMALS) for strength in strengths)
