"""A trunk of a few thousand parameters: every path of a family at a small price."""

import torch
from torch import Tensor, nn


class TinyTrunk(nn.Module):
    """Four maps of few channels at the strides of the real trunks."""

    channels: tuple[int, ...] = (4, 6, 8, 10)
    strides: tuple[int, ...] = (4, 8, 16, 32)

    def __init__(self) -> None:
        super().__init__()
        widths = (3, *self.channels)
        self.layers = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=stride, padding=1)
            for a, b, stride in zip(widths[:-1], widths[1:], (4, 2, 2, 2), strict=True)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        maps = []
        for layer in self.layers:
            x = torch.tanh(layer(x))
            maps.append(x)
        return tuple(maps)
