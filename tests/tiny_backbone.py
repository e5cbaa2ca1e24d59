"""A backbone of a few thousand parameters: every path of a family at a small price."""

from itertools import pairwise

import torch
from torch import Tensor, nn


class TanhConv(nn.Conv2d):
    """A convolution and its activation."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(super().forward(x))


class TinyBackbone(nn.Module):
    """Maps of few channels at the strides of the real backbones."""

    channels: tuple[int, ...] = (4, 6, 8, 10)
    strides: tuple[int, ...] = (4, 8, 16, 32)
    stage_prefixes = tuple((f"layers.{n}.",) for n in range(4))

    def __init__(self) -> None:
        super().__init__()
        widths, reached = (3, *self.channels), (1, *self.strides)
        self.layers = nn.ModuleList(
            TanhConv(a, b, 3, stride=after // before, padding=1)
            for (a, b), (before, after) in zip(pairwise(widths), pairwise(reached), strict=True)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        maps = []
        for layer in self.layers:
            x = layer(x)
            maps.append(x)
        return tuple(maps)
