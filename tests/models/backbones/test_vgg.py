import torch
from torchvision.models import vgg16

from biqa_cli.models.backbones.vgg import VGG16, from_published_keys


def test_published_tensors_make_the_trunk_torchvisions_features() -> None:
    torch.manual_seed(0)
    published = vgg16(weights=None)
    trunk = VGG16()
    trunk.load_state_dict(from_published_keys(published.state_dict()), strict=True)
    x = torch.randn(1, 3, 112, 112)
    maps = trunk(x)
    assert torch.equal(maps[-1], published.features(x))
    assert [tuple(m.shape[1:]) for m in maps] == [
        (64, 56, 56),
        (128, 28, 28),
        (256, 14, 14),
        (512, 7, 7),
        (512, 3, 3),
    ]
    assert trunk.channels == (64, 128, 256, 512, 512) and trunk.strides == (2, 4, 8, 16, 32)


def test_the_features_alone_may_be_published_too() -> None:
    trunk = VGG16()
    features = {f"{k}": v for k, v in vgg16(weights=None).features.state_dict().items()}
    trunk.load_state_dict(from_published_keys(features), strict=True)
    assert torch.equal(trunk.stages[4].state_dict()["28.weight"], features["28.weight"])
    assert sum(p.numel() for p in trunk.parameters()) == 14_714_688
