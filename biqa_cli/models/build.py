"""From a specification to a network with random weights: each family on each backbone."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from biqa_cli.errors import UsageError
from biqa_cli.models.catalog import IMAGENET_MEAN, IMAGENET_STD, LITE_MEAN, LITE_STD
from biqa_cli.models.options import with_defaults
from biqa_cli.models.spec import BackboneName, Family, ModelSpec, OptionValue

if TYPE_CHECKING:
    from torch import nn

    from biqa_cli.networks.backbones import Backbone

Channels = tuple[float, float, float]
Normalisation = tuple[Channels, Channels]
"""Mean and standard deviation of the channels."""

# Checked against the table of options, so that a constructor gets what it declares.
_Options = Mapping[str, Any]


def renormalisation(
    ours: Normalisation, theirs: Normalisation
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return scale and shift of the channels from one normalisation to another."""
    (mean, std), (their_mean, their_std) = ours, theirs
    return (
        tuple(s / t for s, t in zip(std, their_std, strict=True)),
        tuple((m - t) / s for m, t, s in zip(mean, their_mean, their_std, strict=True)),
    )


def build_network(spec: ModelSpec) -> "nn.Module":
    """Return the network of a specification with random weights; opens no file."""
    return assemble_network(spec.family, spec.backbones, options=spec.options)


def assemble_network(
    family: Family,
    backbones: Sequence[BackboneName],
    *,
    options: Mapping[str, OptionValue] | None = None,
) -> "nn.Module":
    """Return a network of any backbones with random weights; opens no file.

    Args:
        family: Whose network.
        backbones: One, or one for each chain.
        options: Of the table `OPTIONS`; those left out have their defaults.

    Raises:
        UsageError: If the family has no such option, or needs another number of backbones.
    """
    chosen = with_defaults(family, options or {})
    wanted = backbone_count(family)
    if len(backbones) != wanted:
        msg = f"{family} needs {wanted} backbone{'s' * (wanted > 1)}, got {', '.join(backbones)}"
        raise UsageError(msg)
    return _FAMILIES[family](chosen, *(build_backbone(backbone) for backbone in backbones))


def build_backbone(name: BackboneName) -> "Backbone":
    """Return a backbone with random weights; opens no file."""
    return _BACKBONES[name]()


def backbone_count(family: Family) -> int:
    """Return how many backbones the network of a family has."""
    return 2 if family == "qualitynet" else 1


def _blockiqa(options: _Options, backbone: "Backbone") -> "nn.Module":
    from biqa_cli.networks.blockiqa import BlockIQA

    return BlockIQA(backbone, **options)


def _qualitynet(options: _Options, first: "Backbone", second: "Backbone") -> "nn.Module":
    from biqa_cli.networks.backbones.efficientnet_lite import EfficientNetLite
    from biqa_cli.networks.qualitynet import QualityNet

    # Two backbones share a view, which is normalised as ImageNet's unless both are Lite.
    lite = [isinstance(backbone, EfficientNetLite) for backbone in (first, second)]
    to_lite = renormalisation((IMAGENET_MEAN, IMAGENET_STD), (LITE_MEAN, LITE_STD))
    inputs = tuple(to_lite if it and not all(lite) else None for it in lite)
    return QualityNet(first, second, inputs=inputs, **options)


def _reqa(options: _Options, backbone: "Backbone") -> "nn.Module":
    from biqa_cli.networks.reqa import REQA

    return REQA(backbone, **options)


def _shdiqa(options: _Options, backbone: "Backbone") -> "nn.Module":
    from biqa_cli.networks.backbones.vit import PatchEmbedding
    from biqa_cli.networks.shdiqa import SHDIQA

    sizes, is_vit = dict(options), isinstance(backbone, PatchEmbedding)
    depth, width, heads = sizes.pop("depth"), sizes["width"], sizes["heads"]
    if width % heads:
        msg = f"a width of {width} cannot be shared by {heads} heads: make it a multiple"
        raise UsageError(msg)
    if sizes.pop("encoder") == "transformer":
        return SHDIQA(backbone, depth=depth or (12 if is_vit else 2), **sizes)
    if depth:
        raise UsageError("encoder=means has no transformer blocks: leave depth at 0")
    if is_vit:
        raise UsageError(
            "encoder=means leaves nothing of a ViT but its patches: take another backbone, "
            "such as efficientnet-lite0, or encoder=transformer"
        )
    return SHDIQA(backbone, depth=0, **sizes)


def _nlnet(options: _Options, backbone: "Backbone") -> "nn.Module":
    from biqa_cli.networks.backbones.efficientnet_lite import EfficientNetLite
    from biqa_cli.networks.nlnet import NLNet

    if isinstance(backbone, EfficientNetLite):
        return NLNet(backbone, mean=LITE_MEAN, std=LITE_STD, **options)
    return NLNet(backbone, **options)


def _resnet50() -> "Backbone":
    from biqa_cli.networks.backbones.resnet import ResNet50

    return ResNet50()


def _efficientnet_b7() -> "Backbone":
    from biqa_cli.networks.backbones.efficientnet_b7 import EfficientNetB7

    return EfficientNetB7()


def _efficientnet_lite0() -> "Backbone":
    from biqa_cli.networks.backbones.efficientnet_lite import efficientnet_lite0

    return efficientnet_lite0()


def _efficientnet_lite2() -> "Backbone":
    from biqa_cli.networks.backbones.efficientnet_lite import efficientnet_lite2

    return efficientnet_lite2()


def _vit_s16() -> "Backbone":
    from biqa_cli.networks.backbones.vit import PatchEmbedding

    return PatchEmbedding()


def _vgg16() -> "Backbone":
    from biqa_cli.networks.backbones.vgg import VGG16

    return VGG16()


_FAMILIES: dict[Family, Callable[..., "nn.Module"]] = {
    "blockiqa": _blockiqa,
    "qualitynet": _qualitynet,
    "reqa": _reqa,
    "shdiqa": _shdiqa,
    "nlnet": _nlnet,
}
_BACKBONES: dict[BackboneName, Callable[[], "Backbone"]] = {
    "resnet50": _resnet50,
    "efficientnet-b7": _efficientnet_b7,
    "efficientnet-lite0": _efficientnet_lite0,
    "efficientnet-lite2": _efficientnet_lite2,
    "vit-s16": _vit_s16,
    "vgg16": _vgg16,
}
