"""EfficientNet-Lite: EfficientNet without squeeze-and-excitation, with ReLU6.

Reference:
    Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
    ICML 2019, Table 1; the Lite variants keep the stem, the first and the last stage unscaled.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# TensorFlow's values, which the published weights were trained with.
_BN_EPS, _BN_MOMENTUM = 1e-3, 0.01


@dataclass(frozen=True, slots=True)
class StageSize:
    """One row of the architecture table: a run of inverted residuals."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


_BASE_STAGES = (
    StageSize(1, 3, 1, 1, 16),
    StageSize(2, 3, 2, 6, 24),
    StageSize(2, 5, 2, 6, 40),
    StageSize(3, 3, 2, 6, 80),
    StageSize(3, 5, 1, 6, 112),
    StageSize(4, 5, 2, 6, 192),
    StageSize(1, 3, 1, 6, 320),
)
_STEM_CHANNELS = 32
# The last stage before each halving of the resolution: C1 … C4 at strides 4, 8, 16, 32.
_PYRAMID_STAGES = (1, 2, 4, 6)


def scaled_stages(width: float, depth: float) -> tuple[StageSize, ...]:
    """Return the seven stages for a width and depth multiplier."""
    last = len(_BASE_STAGES) - 1
    return tuple(
        StageSize(
            repeats=size.repeats if index in (0, last) else math.ceil(size.repeats * depth),
            kernel=size.kernel,
            stride=size.stride,
            expansion=size.expansion,
            channels=_round_channels(size.channels * width),
        )
        for index, size in enumerate(_BASE_STAGES)
    )


def _round_channels(channels: float, *, divisor: int = 8) -> int:
    """Return the nearest multiple of the divisor, never more than 10 % below."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


class SamePadConv2d(nn.Conv2d):
    """A convolution that pads as TensorFlow's "SAME" does: the odd pixel goes right and below."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, *, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(channels_in, channels_out, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return ceil(size / stride) rows and columns."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        vertical, horizontal = (
            max((math.ceil(size / stride) - 1) * stride + kernel - size, 0) for size in x.shape[-2:]
        )
        if vertical % 2 == 0 and horizontal % 2 == 0:
            pad = (vertical // 2, horizontal // 2)
            return F.conv2d(x, self.weight, self.bias, self.stride, pad, 1, self.groups)
        sides = (horizontal // 2, (horizontal + 1) // 2, vertical // 2, (vertical + 1) // 2)
        return F.conv2d(F.pad(x, sides), self.weight, self.bias, self.stride, 0, 1, self.groups)


class InvertedResidual(nn.Module):
    """Expand 1×1, depthwise k×k, project 1×1; the input is added where the shape allows it."""

    def __init__(
        self, channels_in: int, channels_out: int, *, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        hidden = channels_in * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers += [SamePadConv2d(channels_in, hidden, 1), _norm(hidden), nn.ReLU6(inplace=True)]
        layers += [
            SamePadConv2d(hidden, hidden, kernel, stride=stride, groups=hidden),
            _norm(hidden),
            nn.ReLU6(inplace=True),
            SamePadConv2d(hidden, channels_out, 1),
            _norm(channels_out),
        ]
        self.layers = nn.Sequential(*layers)
        self.adds_input = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels_in, H, W) to (B, channels_out, H / stride, W / stride)."""
        y = cast("Tensor", self.layers(x))
        return x + y if self.adds_input else y


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_BN_EPS, momentum=_BN_MOMENTUM)


class EfficientNetLite(nn.Module):
    """EfficientNet-Lite as a backbone: four feature maps, no classifier.

    Args:
        width: Channel multiplier, 1.0 for Lite0, 1.1 for Lite2.
        depth: Repeat multiplier, 1.0 for Lite0, 1.2 for Lite2.
    """

    strides: tuple[int, ...] = (4, 8, 16, 32)
    stage_prefixes = (
        ("stem.", "stages.0.", "stages.1."),
        ("stages.2.",),
        ("stages.3.", "stages.4."),
        ("stages.5.", "stages.6."),
    )

    def __init__(self, *, width: float = 1.0, depth: float = 1.0) -> None:
        super().__init__()
        sizes = scaled_stages(width, depth)
        self.channels: tuple[int, ...] = tuple(sizes[index].channels for index in _PYRAMID_STAGES)
        self.stem = nn.Sequential(
            SamePadConv2d(3, _STEM_CHANNELS, 3, stride=2),
            _norm(_STEM_CHANNELS),
            nn.ReLU6(inplace=True),
        )
        stages, channels = [], _STEM_CHANNELS
        for size in sizes:
            blocks = []
            for repeat in range(size.repeats):
                blocks.append(
                    InvertedResidual(
                        channels,
                        size.channels,
                        kernel=size.kernel,
                        stride=size.stride if repeat == 0 else 1,
                        expansion=size.expansion,
                    )
                )
                channels = size.channels
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images (B, 3, H, W) to C1 … C4 at strides 4, 8, 16 and 32."""
        x = self.stem(x)
        maps = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in _PYRAMID_STAGES:
                maps.append(x)
        return tuple(maps)


def efficientnet_lite0() -> EfficientNetLite:
    """Build EfficientNet-Lite0 (2.96 M parameters as a backbone)."""
    return EfficientNetLite(width=1.0, depth=1.0)


def efficientnet_lite2() -> EfficientNetLite:
    """Build EfficientNet-Lite2."""
    return EfficientNetLite(width=1.1, depth=1.2)


def from_published_keys(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of the published Lite checkpoints to those of `EfficientNetLite`.

    Args:
        tensors: `_conv_stem.weight`, `_bn0.*`, `_blocks.N.*`; head and classifier are ignored.

    Returns:
        A state dict in float32, for a strict load.
    """
    lite2 = "_blocks.17._expand_conv.weight" in tensors
    sizes = scaled_stages(1.1, 1.2) if lite2 else scaled_stages(1.0, 1.0)
    state = {"stem.0.weight": tensors["_conv_stem.weight"]}
    renamed = {"_bn0": "stem.1"}
    number = 0
    for stage, size in enumerate(sizes):
        for repeat in range(size.repeats):
            names = ["_depthwise_conv", "_bn1", None, "_project_conv", "_bn2"]
            if size.expansion != 1:
                names = ["_expand_conv", "_bn0", None, *names]
            for position, name in enumerate(names):
                if name is not None:
                    ours = f"stages.{stage}.{repeat}.layers.{position}"
                    renamed[f"_blocks.{number}.{name}"] = ours
            number += 1
    for name, tensor in tensors.items():
        module, _, leaf = name.rpartition(".")
        if module in renamed:
            state[f"{renamed[module]}.{leaf}"] = tensor
    return {name: t.float() if torch.is_floating_point(t) else t for name, t in state.items()}
