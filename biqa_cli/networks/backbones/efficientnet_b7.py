"""EfficientNet-B7 as a backbone, from torchvision."""

from torch import Tensor, nn

from biqa_cli.networks.backbones.installed_torchvision import torchvision_models

# The last stage before each halving of the resolution; the fourth is the 1×1 convolution to 2560.
_PYRAMID_STAGES = (2, 3, 5, 8)


class EfficientNetB7(nn.Module):
    """torchvision's EfficientNet-B7 without pooling and classifier (63.8 M parameters).

    Its tensors keep torchvision's names (`features.0.0.weight` …). In training mode whole
    residual branches are dropped at random (stochastic depth), as torchvision defines it.
    """

    channels: tuple[int, ...] = (48, 80, 224, 2560)
    strides: tuple[int, ...] = (4, 8, 16, 32)
    stage_prefixes = (
        ("features.0.", "features.1.", "features.2."),
        ("features.3.",),
        ("features.4.", "features.5."),
        ("features.6.", "features.7.", "features.8."),
    )

    def __init__(self) -> None:
        super().__init__()
        self.features = torchvision_models().efficientnet_b7(weights=None).features

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images (B, 3, H, W) to four maps at strides 4, 8, 16 and 32, finest first."""
        maps = []
        for index, stage in enumerate(self.features):
            x = stage(x)
            if index in _PYRAMID_STAGES:
                maps.append(x)
        return tuple(maps)
