import pytest
import torch
from torch import Tensor, nn

from biqa_cli.networks.backbones.vgg import VGG16, from_published_keys


def _published(prefix: str) -> tuple[nn.Module, dict[str, Tensor]]:
    """Return torchvision's features, and their tensors under a prefix beside a classifier's."""
    # Here, not above: it takes a second to import, in each process that collects this file.
    from torchvision.models.vgg import cfgs, make_layers

    features = make_layers(cfgs["D"])
    tensors = {f"{prefix}{name}": tensor for name, tensor in features.state_dict().items()}
    return features, {**tensors, "classifier.0.weight": torch.zeros(2, 2)}


@pytest.mark.slow
def test_published_tensors_make_the_backbone_torchvisions_features() -> None:
    features, published = _published("features.")
    backbone = VGG16()
    backbone.load_state_dict(from_published_keys(published), strict=True)
    x = torch.randn(1, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    maps = backbone(x)
    assert torch.equal(maps[-1], features(x))
    sides = (56, 28, 14, 7, 3)
    assert [tuple(m.shape) for m in maps] == [
        (1, channels, side, side) for channels, side in zip(backbone.channels, sides, strict=True)
    ]


@pytest.mark.slow
def test_the_features_alone_may_be_published_too() -> None:
    with torch.device("meta"):
        backbone = VGG16()
        _, published = _published("")
    backbone.load_state_dict(from_published_keys(published), strict=True)
    assert sum(p.numel() for p in backbone.parameters()) == 14_714_688
