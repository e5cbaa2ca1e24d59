"""A backbone of a few thousand parameters: every path of a family at a small price."""

import torch
from torch import Tensor, nn


class TanhConv(nn.Conv2d):
    """A convolution and its activation."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(super().forward(x))


class TinyBackbone(nn.Module):
    """Four maps of few channels at the strides of the real backbones."""

    channels: tuple[int, ...] = (4, 6, 8, 10)
    strides: tuple[int, ...] = (4, 8, 16, 32)
    last_stage: tuple[str, ...] = ("layers.3.",)

    def __init__(self) -> None:
        super().__init__()
        widths = (3, *self.channels)
        self.layers = nn.ModuleList(
            TanhConv(a, b, 3, stride=stride, padding=1)
            for a, b, stride in zip(widths[:-1], widths[1:], (4, 2, 2, 2), strict=True)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        maps = []
        for layer in self.layers:
            x = layer(x)
            maps.append(x)
        return tuple(maps)
