"""From a specification to a network with random weights: each family on each trunk."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from biqa_cli.errors import UsageError
from biqa_cli.models.catalog import IMAGENET_MEAN, IMAGENET_STD, LITE_MEAN, LITE_STD
from biqa_cli.models.options import with_defaults
from biqa_cli.models.spec import Family, ModelSpec, OptionValue, TrunkName

if TYPE_CHECKING:
    from torch import nn

    from biqa_cli.models.backbones import Trunk

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
    return assemble_network(spec.family, spec.trunks, options=spec.options)


def assemble_network(
    family: Family,
    trunks: Sequence[TrunkName],
    *,
    options: Mapping[str, OptionValue] | None = None,
) -> "nn.Module":
    """Return a network of any trunks with random weights; opens no file.

    Args:
        family: Whose network.
        trunks: One, or one for each chain.
        options: Of the table `OPTIONS`; those left out have their defaults.

    Raises:
        UsageError: If the family has no such option, or needs another number of trunks.
    """
    chosen = with_defaults(family, options or {})
    wanted = trunk_count(family)
    if len(trunks) != wanted:
        msg = f"{family} needs {wanted} trunk{'s' * (wanted > 1)}, got {', '.join(trunks)}"
        raise UsageError(msg)
    return _FAMILIES[family](chosen, *(build_trunk(trunk) for trunk in trunks))


def build_trunk(name: TrunkName) -> "Trunk":
    """Return a trunk with random weights; opens no file."""
    return _TRUNKS[name]()


def trunk_count(family: Family) -> int:
    """Return how many trunks the network of a family has."""
    return 2 if family == "qualitynet" else 1


def _blockiqa(options: _Options, trunk: "Trunk") -> "nn.Module":
    from biqa_cli.models.blockiqa import BlockIQA

    return BlockIQA(trunk, **options)


def _qualitynet(options: _Options, first: "Trunk", second: "Trunk") -> "nn.Module":
    from biqa_cli.models.backbones.efficientnet_lite import EfficientNetLite
    from biqa_cli.models.qualitynet import QualityNet

    # Two trunks share a view, which is normalised as ImageNet's unless both are Lite.
    lite = [isinstance(trunk, EfficientNetLite) for trunk in (first, second)]
    to_lite = renormalisation((IMAGENET_MEAN, IMAGENET_STD), (LITE_MEAN, LITE_STD))
    inputs = tuple(to_lite if it and not all(lite) else None for it in lite)
    return QualityNet(first, second, inputs=inputs, **options)


def _reqa(options: _Options, trunk: "Trunk") -> "nn.Module":
    from biqa_cli.models.reqa import REQA

    return REQA(trunk, **options)


def _shdiqa(options: _Options, trunk: "Trunk") -> "nn.Module":
    from biqa_cli.models.backbones.vit import PatchEmbedding
    from biqa_cli.models.shdiqa import SHDIQA

    sizes, is_vit = dict(options), isinstance(trunk, PatchEmbedding)
    if sizes.pop("encoder") == "transformer":
        return SHDIQA(trunk, depth=12 if is_vit else 2, **sizes)
    if is_vit:
        raise UsageError(
            "encoder=means leaves nothing of a ViT but its patches: take another trunk, "
            "such as efficientnet-lite0, or encoder=transformer"
        )
    return SHDIQA(trunk, depth=0, **sizes)


def _nlnet(options: _Options, trunk: "Trunk") -> "nn.Module":
    from biqa_cli.models.backbones.efficientnet_lite import EfficientNetLite
    from biqa_cli.models.nlnet import NLNet

    if isinstance(trunk, EfficientNetLite):
        return NLNet(trunk, mean=LITE_MEAN, std=LITE_STD, **options)
    return NLNet(trunk, **options)


def _resnet50() -> "Trunk":
    from biqa_cli.models.backbones.resnet import ResNet50

    return ResNet50()


def _efficientnet_b7() -> "Trunk":
    from biqa_cli.models.backbones.efficientnet_b7 import EfficientNetB7

    return EfficientNetB7()


def _efficientnet_lite0() -> "Trunk":
    from biqa_cli.models.backbones.efficientnet_lite import efficientnet_lite0

    return efficientnet_lite0()


def _efficientnet_lite2() -> "Trunk":
    from biqa_cli.models.backbones.efficientnet_lite import efficientnet_lite2

    return efficientnet_lite2()


def _vit_s16() -> "Trunk":
    from biqa_cli.models.backbones.vit import PatchEmbedding

    return PatchEmbedding()


def _vgg16() -> "Trunk":
    from biqa_cli.models.backbones.vgg import VGG16

    return VGG16()


_FAMILIES: dict[Family, Callable[..., "nn.Module"]] = {
    "blockiqa": _blockiqa,
    "qualitynet": _qualitynet,
    "reqa": _reqa,
    "shdiqa": _shdiqa,
    "nlnet": _nlnet,
}
_TRUNKS: dict[TrunkName, Callable[[], "Trunk"]] = {
    "resnet50": _resnet50,
    "efficientnet-b7": _efficientnet_b7,
    "efficientnet-lite0": _efficientnet_lite0,
    "efficientnet-lite2": _efficientnet_lite2,
    "vit-s16": _vit_s16,
    "vgg16": _vgg16,
}
