"""ResNet-50 as a backbone, from torchvision."""

from torch import Tensor, nn

from biqa_cli.networks.backbones.installed_torchvision import torchvision_models


class ResNet50(nn.Module):
    """torchvision's ResNet-50 without pooling and classifier: C1 … C4 are layer1 … layer4."""

    channels: tuple[int, ...] = (256, 512, 1024, 2048)
    strides: tuple[int, ...] = (4, 8, 16, 32)

    def __init__(self) -> None:
        super().__init__()
        network = torchvision_models().resnet50(weights=None)
        self.stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
        self.layers = nn.ModuleList(
            [network.layer1, network.layer2, network.layer3, network.layer4]
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images (B, 3, H, W) to C1 … C4 at strides 4, 8, 16 and 32."""
        maps = self.below_last(x)
        return (*maps, self.last(maps[-1]))

    @property
    def last(self) -> nn.Module:
        """Maps C3 to C4."""
        return self.layers[-1]

    def below_last(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map images (B, 3, H, W) to C1 … C3."""
        x = self.stem(images)
        maps = []
        for layer in self.layers[:-1]:
            x = layer(x)
            maps.append(x)
        return tuple(maps)
