"""How a new head meets the features of a pretrained trunk: each in units of its spread.

The channels of a trunk have means and spreads that differ by orders of magnitude, and a layer that
starts as usual sees little but the largest. From the usual initialisation a head of BlockIQA on a
frozen EfficientNet-Lite0 reached SRCC 0.79 on BIQ2021's `val`, from this one 0.84.
"""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from biqa_cli.training.families.base import Batch, Setting

# A channel that hardly varies would get a huge weight, and rule on unusual photos.
_LEAST_SPREAD = 0.1

Meeting = Callable[[Batch], None]


def meeting(setting: Setting, meet: Meeting) -> Meeting | None:
    """Return what a phase does before its first step; None where nothing is to be done.

    A head that was trained before stays as it is. Where the whole trunk learns, as in the papers,
    the head starts as in the papers too.
    """
    is_for_it = setting.head_is_new() and setting.recipe.optimiser.trainable != "all"
    return meet if is_for_it else None


def standardise(layer: nn.Linear | nn.Conv2d, features: Tensor) -> None:
    """Let a layer project features (n, C) at random, each in units of its spread.

    Args:
        layer: Linear, or a convolution of 1×1; changed in place.
        features: What it reads of some photos.
    """
    features = features.float()
    mean, spread = features.mean(0), features.std(0)
    spread = spread.clamp_min(_LEAST_SPREAD * float(spread.median()) + torch.finfo().tiny)
    weight = torch.randn(len(layer.weight), len(mean)).to(mean) / len(mean) ** 0.5 / spread
    with torch.no_grad():
        layer.weight.copy_(weight.view_as(layer.weight))
        cast("Tensor", layer.bias).copy_(-weight @ mean)


def places(maps: Tensor) -> Tensor:
    """Return maps (B, C, h, w) as features of places (B·h·w, C)."""
    return maps.permute(0, 2, 3, 1).flatten(0, 2)
