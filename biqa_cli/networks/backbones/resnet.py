"""ResNet-50 as a backbone, from torchvision."""

from collections.abc import Mapping

from torch import Tensor, nn

from biqa_cli.networks.backbones.installed_torchvision import torchvision_models


class ResNet50(nn.Module):
    """torchvision's ResNet-50 without pooling and classifier: C1 … C4 are layer1 … layer4."""

    channels: tuple[int, ...] = (256, 512, 1024, 2048)
    strides: tuple[int, ...] = (4, 8, 16, 32)
    stage_prefixes = (("stem.", "layers.0."), ("layers.1.",), ("layers.2.",), ("layers.3.",))

    def __init__(self) -> None:
        super().__init__()
        network = torchvision_models().resnet50(weights=None)
        self.stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
        self.layers = nn.ModuleList(
            [network.layer1, network.layer2, network.layer3, network.layer4]
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images (B, 3, H, W) to C1 … C4 at strides 4, 8, 16 and 32."""
        x = self.stem(x)
        maps = []
        for layer in self.layers:
            x = layer(x)
            maps.append(x)
        return tuple(maps)


def from_published_keys(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return torchvision's tensors under the names of `ResNet50`, without the classifier."""
    stem = {"conv1": "stem.0", "bn1": "stem.1"}
    state = {}
    for name, tensor in tensors.items():
        first, _, rest = name.partition(".")
        if first in stem:
            state[f"{stem[first]}.{rest}"] = tensor
        elif first.startswith("layer"):
            state[f"layers.{int(first[5:]) - 1}.{rest}"] = tensor
    return state
