"""VGG-16 as a backbone of five maps, from torchvision."""

from collections.abc import Mapping

from torch import Tensor, nn

from biqa_cli.networks.backbones.installed_torchvision import torchvision_models

# Each stage ends with its max pooling.
_STAGE_ENDS = (5, 10, 17, 24, 31)


class VGG16(nn.Module):
    """torchvision's VGG-16 without classifier: the five stages, each after its pooling.

    Reference:
        Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
        Recognition", ICLR 2015, configuration D.
    """

    channels: tuple[int, ...] = (64, 128, 256, 512, 512)
    strides: tuple[int, ...] = (2, 4, 8, 16, 32)
    stage_prefixes = tuple((f"stages.{n}.",) for n in range(5))

    def __init__(self) -> None:
        super().__init__()
        features = torchvision_models().vgg16(weights=None).features
        starts = (0, *_STAGE_ENDS[:-1])
        self.stages = nn.ModuleList(
            features[start:end] for start, end in zip(starts, _STAGE_ENDS, strict=True)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images (B, 3, H, W) to five maps at strides 2, 4, 8, 16 and 32."""
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return tuple(maps)


def from_published_keys(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of torchvision's VGG-16 to those of `VGG16`.

    Args:
        tensors: `features.N.*`, or `N.*` of the features alone; a classifier is ignored.

    Returns:
        A state dict in float32, for a strict load.
    """
    state = {}
    for name, tensor in tensors.items():
        layer = name.removeprefix("features.")
        number = layer.split(".")[0]
        if number.isdecimal():
            # A slice of a Sequential keeps the numbers of its layers.
            stage = sum(int(number) >= end for end in _STAGE_ENDS)
            state[f"stages.{stage}.{layer}"] = tensor.float()
    return state
