"""Backbones: networks that turn images into feature maps of several resolutions."""

from typing import Protocol

from torch import Tensor


class Backbone(Protocol):
    """A network whose forward pass returns feature maps, finest first."""

    channels: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def stage_prefixes(self) -> tuple[tuple[str, ...], ...]:
        """Prefixes of the tensors of each stage, in order; fine-tuning begins with the last."""
        ...

    def __call__(self, images: Tensor, /) -> tuple[Tensor, ...]:
        """Map normalised images (B, 3, H, W) to maps (B, C_i, H / stride_i, W / stride_i)."""
        ...
