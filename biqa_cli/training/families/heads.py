"""How a new head starts: the features of a backbone differ in size by orders of magnitude."""

from typing import cast

import torch
from torch import Tensor, nn

# A channel that hardly varies would get a huge weight, and rule on unusual photos.
_LEAST_SPREAD = 0.1


def reset(head: nn.Module) -> None:
    """Let a head forget what it has learnt."""
    for module in head.modules():
        if isinstance(module, nn.Linear | nn.BatchNorm1d):
            module.reset_parameters()


def project_at_random(layer: nn.Linear | nn.Conv2d, features: Tensor) -> None:
    """Let a layer project what it will see of photos (n, C) at random, in units of its spread."""
    mean, spread = features.mean(0), features.std(0)
    spread = spread.clamp_min(_LEAST_SPREAD * float(spread.median()) + torch.finfo().tiny)
    weight = torch.randn(len(layer.weight), len(mean)).to(mean) / len(mean) ** 0.5 / spread
    with torch.no_grad():
        layer.weight.copy_(weight.view_as(layer.weight))
        cast("Tensor", layer.bias).copy_(-weight @ mean)
