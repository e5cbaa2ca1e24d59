"""Starting weights: torchvision's own, a published file, a checkpoint of biqa, or chance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import cast

import torch
from torch import Tensor, nn

from biqa_cli.errors import UsageError, WeightsError
from biqa_cli.models.backbone_slots import BackboneSlot
from biqa_cli.models.spec import BackboneName, Family
from biqa_cli.models.torch_engine import load_tensors
from biqa_cli.models.tuned import WEIGHTS as TUNED
from biqa_cli.networks.backbones import efficientnet_lite, resnet, vgg, vit
from biqa_cli.networks.backbones.installed_torchvision import torchvision_models
from biqa_cli.networks.reqa import REQA
from biqa_cli.weights.cache import locate
from biqa_cli.weights.checkpoint import read_checkpoint
from biqa_cli.weights.manifest import load_manifest

IMAGENET, NONE = "imagenet", "none"
# torchvision has no EfficientNet-Lite. The backbones of this checkpoint were frozen: they are
# ImageNet's, as int8 stores them.
_LITES_OF = "qualitynet-lite"
# REQA's released code loads the first weights of ResNet-50, BlockIQA's the newest.
_RESNET50_OF_REQA = "ResNet50_Weights.IMAGENET1K_V1"
_COUNTS = "num_batches_tracked"

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class _Published:
    """How the weights of a backbone are published."""

    names: str
    """Whose names of tensors a file may have, besides ours."""
    rename: Callable[[Tensors], dict[str, Tensor]]
    """From those to ours; KeyError where one is missing."""
    torchvision: str = ""
    """The ImageNet weights there; empty: there are none."""


_PUBLISHED: dict[BackboneName, _Published] = {
    "resnet50": _Published(
        "torchvision's resnet50", resnet.from_published_keys, "ResNet50_Weights.IMAGENET1K_V2"
    ),
    "efficientnet-b7": _Published(
        "torchvision's efficientnet_b7", dict, "EfficientNet_B7_Weights.IMAGENET1K_V1"
    ),
    "vgg16": _Published(
        "torchvision's vgg16", vgg.from_published_keys, "VGG16_Weights.IMAGENET1K_V1"
    ),
    "vit-s16": _Published(
        "timm's vit_small_patch16_224 or deit3_small_patch16_224", vit.from_published_keys
    ),
    "efficientnet-lite0": _Published(
        "efficientnet_lite_pytorch", efficientnet_lite.from_published_keys
    ),
    "efficientnet-lite2": _Published(
        "efficientnet_lite_pytorch", efficientnet_lite.from_published_keys
    ),
}
_PREFIXES = (
    *("", "backbone.", "backbones.0.", "backbones.1.", "local_branch.backbone."),
    *("encoder.vit.", "encoder.vit.embedding.backbone."),
)
"""Of backbones in the checkpoints of biqa."""


def set_starting_weights(
    network: nn.Module,
    slots: Sequence[BackboneSlot],
    starts: Sequence[str],
    *,
    family: Family,
    offline: bool = False,
) -> tuple[bool, list[str]]:
    """Load the starting weights of a network; return whether it is whole, and a sentence on each.

    Args:
        network: Fresh; what no start covers stays random.
        slots: Where its backbones lie.
        starts: One for all backbones or one for each: "imagenet", "none", or a safetensors file: a
            published backbone, or a checkpoint of biqa. A checkpoint of this very network gives
            all of its weights, another one its backbone.
        family: Of the network.
        offline: Whether torchvision's weights must be in its cache: nothing is downloaded.

    Raises:
        UsageError: If there are more or fewer starts than backbones.
        WeightsError: If weights are missing, or of another network.
    """
    if len(starts) == 1 and _start_whole(network, starts[0]):
        return True, [f"the whole network starts from {starts[0]}"]
    each = [*starts] * len(slots) if len(starts) == 1 else [*starts]
    if len(each) != len(slots):
        msg = f"--init was given {len(each)} times, the network has {len(slots)} backbones"
        raise UsageError(msg)
    return False, [
        _start_backbone(slot, slot.of(network), start, family, offline=offline)
        for slot, start in zip(slots, each, strict=True)
    ]


def _start_whole(network: nn.Module, start: str) -> bool:
    """Load a checkpoint if it is one of this very network; return whether it is."""
    if start in (IMAGENET, NONE):
        return False
    whole = _read(Path(start))
    wanted = {n: t.shape for n, t in network.state_dict().items() if not n.endswith(_COUNTS)}
    if wanted.keys() != whole.keys():
        return False
    if isinstance(network, REQA):
        whole = network.fitted(whole)
    if {name: tensor.shape for name, tensor in whole.items()} != wanted:
        return False
    load_tensors(network, {name: tensor.numpy() for name, tensor in whole.items()})
    return True


def _start_backbone(
    slot: BackboneSlot, backbone: nn.Module, start: str, family: Family, *, offline: bool
) -> str:
    if start == NONE:
        return f"{slot.backbone} starts at random"
    if start == IMAGENET:
        tensors, origin = _imagenet(slot.backbone, family, offline=offline)
    else:
        tensors, origin = _read(Path(start)), start
    state = _state_for(backbone, slot, tensors)
    if state is None and tensors.keys() == {TUNED}:
        msg = f"{start} holds the correction of a tuned model alone: start from its base"
        raise WeightsError(msg)
    if state is None:
        msg = (
            f"{start} does not hold the weights of {slot.backbone}: expected the names of "
            f"{_PUBLISHED[slot.backbone].names}, or a checkpoint of biqa with that backbone"
        )
        raise WeightsError(msg)
    known = backbone.state_dict()
    counts = {name: tensor for name, tensor in known.items() if name.endswith(_COUNTS)}
    try:
        # Files may leave the counts of batch norms out, and have a classifier.
        backbone.load_state_dict(counts | {n: t for n, t in state.items() if n in known})
    except RuntimeError as error:
        msg = f"{start} does not fit {slot.backbone}: {error}"
        raise WeightsError(msg) from error
    return f"{slot.backbone} starts from {origin}"


def _imagenet(backbone: BackboneName, family: Family, *, offline: bool) -> tuple[Tensors, str]:
    published = _PUBLISHED[backbone]
    if backbone.startswith("efficientnet-lite"):
        checkpoint = load_manifest().find(_LITES_OF)
        file = None if checkpoint is None else locate(checkpoint.weights)
        if checkpoint is not None and file is not None:
            origin = f"the backbone of {_LITES_OF} ({checkpoint.backbone_origin})"
            return _read(file, sha256=checkpoint.sha256), origin
    otherwise = (
        f"give a file with the names of {published.names} with --init FILE.safetensors, "
        "or --init none to start at random"
    )
    if not published.torchvision:
        msg = f"torchvision has no ImageNet weights of {backbone}: {otherwise}"
        raise WeightsError(msg)
    is_reqa = family == "reqa" and backbone == "resnet50"
    name = _RESNET50_OF_REQA if is_reqa else published.torchvision
    weights = torchvision_models().get_weight(name)
    if offline and not _kept_by_torch(weights.url).is_file():
        msg = (
            f"{backbone} needs {weights.url}, and --offline forbids downloading: run once without "
            f"it, {otherwise}"
        )
        raise WeightsError(msg)
    try:
        state = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except OSError as error:
        msg = f"cannot download {weights.url} ({error}): {otherwise}"
        raise WeightsError(msg) from error
    return cast("Tensors", state), f"torchvision's {name}"


def _kept_by_torch(url: str) -> Path:
    """Return where `torch.hub` keeps what it has downloaded."""
    return Path(torch.hub.get_dir()) / "checkpoints" / PurePosixPath(url).name


def _read(path: Path, *, sha256: str | None = None) -> dict[str, Tensor]:
    return {name: torch.from_numpy(t) for name, t in read_checkpoint(path, sha256=sha256).items()}


def _state_for(
    backbone: nn.Module, slot: BackboneSlot, tensors: Tensors
) -> dict[str, Tensor] | None:
    """Return the tensors of a backbone under its own names, whatever the file calls them."""
    state = backbone.state_dict()
    wanted = {name: t.shape for name, t in state.items() if not name.endswith(_COUNTS)}
    for prefix in (slot.prefix, *_PREFIXES):
        found = {name: tensors[prefix + name] for name in wanted if prefix + name in tensors}
        # Lite2 has every name of Lite0, and more.
        if {name: tensor.shape for name, tensor in found.items()} == wanted:
            return found
    try:
        renamed = _PUBLISHED[slot.backbone].rename(tensors)
    except KeyError:
        return None
    return renamed if wanted.keys() <= renamed.keys() else None
