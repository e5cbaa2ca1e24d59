"""The loss of NLNet: quality, order of pairs, and the type of distortion.

Reference:
    Jia et al., "No-reference Image Quality Assessment via Non-local Dependency Modeling",
    MMSP 2022; terms and weights as in the authors' released code.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from biqa_cli.errors import UsageError
from biqa_cli.training.losses.qualitynet import plcc_loss

QUALITY_WEIGHT = 100.0
_SMALLEST_BATCH = 2


@dataclass(frozen=True, slots=True)
class NLNetLoss:
    """The loss and its terms, scalars before their weights."""

    total: Tensor
    """L = 100 · L_q + L_r + L_t, and what QualityNet's second term adds."""
    quality: Tensor
    ranking: Tensor
    type: Tensor | None
    """None without types."""


def quality_loss(predicted: Tensor, mos: Tensor) -> Tensor:
    """Return L_q, the smooth L1 distance with β = 1 of scores and labels (B,)."""
    return F.smooth_l1_loss(predicted.float(), mos.float())


def ranking_loss(predicted: Tensor, mos: Tensor) -> Tensor:
    """Return L_r, the smooth L1 distance of the differences of all pairs of images.

    Args:
        predicted: Scores (B,).
        mos: Labels (B,).

    Raises:
        UsageError: If there are fewer than two images, hence no pair.
    """
    if len(predicted) < _SMALLEST_BATCH:
        msg = f"a batch of {len(predicted)} has no pair to rank: use 2 or more, drop the last"
        raise UsageError(msg)
    i, j = torch.triu_indices(len(predicted), len(predicted), offset=1, device=predicted.device)
    predicted, mos = predicted.float(), mos.float()
    return F.smooth_l1_loss(predicted[i] - predicted[j], mos[i] - mos[j])


def nlnet_loss(
    predicted: Tensor,
    mos: Tensor,
    *,
    type_logits: Tensor | None = None,
    types: Tensor | None = None,
    plcc_weight: float = 0.0,
) -> NLNetLoss:
    """Return the loss of a batch, with the type term where types are given.

    Args:
        predicted: Scores (B,).
        mos: Labels (B,) on their native scale.
        type_logits: (B, D), from the type head.
        types: (B,), 0 to D - 1; None for photos whose distortion has no name.
        plcc_weight: Of 1 - PLCC, QualityNet's second term; 0 in the paper.

    Raises:
        UsageError: If there are fewer than two images, or types without logits.
    """
    quality, ranking = quality_loss(predicted, mos), ranking_loss(predicted, mos)
    total = QUALITY_WEIGHT * quality + ranking
    if plcc_weight:
        total = total + plcc_weight * plcc_loss(predicted, mos)
    if types is None:
        return NLNetLoss(total=total, quality=quality, ranking=ranking, type=None)
    if type_logits is None:
        raise UsageError("types need the type head: build NLNet with types=D")
    of_type = F.cross_entropy(type_logits.float(), types)
    return NLNetLoss(total=total + of_type, quality=quality, ranking=ranking, type=of_type)
