"""Backbones: networks that turn images into feature maps of several resolutions."""

from typing import Protocol, runtime_checkable

from torch import Tensor, nn


class Backbone(Protocol):
    """A network whose forward pass returns feature maps, finest first."""

    channels: tuple[int, ...]
    strides: tuple[int, ...]

    def __call__(self, images: Tensor, /) -> tuple[Tensor, ...]:
        """Map normalised images (B, 3, H, W) to maps (B, C_i, H / stride_i, W / stride_i)."""
        ...


@runtime_checkable
class StagedBackbone(Backbone, Protocol):
    """A backbone whose coarsest map is what one last stage makes of the map before it."""

    @property
    def last(self) -> nn.Module:
        """Maps the last but one map to the last one."""
        ...

    def below_last(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map images to all maps but the last one."""
        ...
