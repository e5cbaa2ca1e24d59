"""Degraded photos teach what quality is where nobody has rated anything.

Some training photos are degraded at two levels of one kind. Nobody has rated these versions, but
the photo should score above the milder one, and that above the stronger.
"""

import torch
from torch import Tensor

from biqa_cli.models.spec import ScoreScale
from biqa_cli.training.batch import Batch
from biqa_cli.training.families.base import Setting

LEVEL_MARGIN = 0.03
"""By how much each level must be worse than the one before, as a share of the scale."""


def with_degraded(
    terms: dict[str, Tensor], scores: Tensor, batch: Batch, setting: Setting
) -> dict[str, Tensor]:
    """Return the terms of a loss, with those of the triples of the batch if it has some.

    `scores` are of all that `output_of` has scored: rated samples, then triples.
    """
    if batch.triples is None:
        return terms
    shares = shares_of(batch.part(scores, "triples").float().reshape(-1, 3), setting.scale)
    loss = monotonicity_loss(shares, batch.triples.levels)
    weight = setting.recipe.monotonicity.weight
    return terms | {"monotonicity": loss, "loss": terms["loss"] + weight * loss}


def shares_of(scores: Tensor, scale: ScoreScale) -> Tensor:
    """Return scores of any shape as shares of their scale: 0 is its worst end, 1 its best."""
    ends = (scale.lowest, scale.highest)
    worst, best = ends if scale.higher_is_better else ends[::-1]
    return (scores - worst) / (best - worst)


def monotonicity_loss(shares: Tensor, levels: Tensor) -> Tensor:
    """Return by how much scores fail to fall from a photo to its degraded versions, on average.

    Args:
        shares: Scores (D, 3) of photos, of their milder and their stronger versions, as shares of
            the scale; higher is better.
        levels: (D, 2), the levels of the two versions.

    Example:
        >>> levels = torch.tensor([[1, 3]])
        >>> [round(float(monotonicity_loss(torch.tensor([s]), levels)), 3) for s in
        ...  ([0.8, 0.7, 0.5], [0.8, 0.8, 0.8])]
        [0.0, 0.045]
    """
    falls = shares[:, :-1] - shares[:, 1:]
    steps = torch.diff(levels, dim=1, prepend=torch.zeros_like(levels[:, :1]))
    missing = torch.relu(LEVEL_MARGIN * steps - falls)
    return missing.mean()
