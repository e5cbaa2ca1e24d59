"""Starting weights: torchvision's own, a published file, a checkpoint of biqa, or chance."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from biqa_cli.errors import UsageError, WeightsError
from biqa_cli.models.build import build_backbone
from biqa_cli.models.spec import BackboneName, Family
from biqa_cli.models.torch_engine import load_tensors
from biqa_cli.models.trained import read_trained
from biqa_cli.networks.backbones import efficientnet_lite, vgg, vit
from biqa_cli.networks.backbones.installed_torchvision import torchvision_models
from biqa_cli.networks.reqa import REQA
from biqa_cli.training.backbones import BackboneSlot
from biqa_cli.weights.cache import locate
from biqa_cli.weights.checkpoint import read_checkpoint
from biqa_cli.weights.manifest import load_manifest

IMAGENET, NONE = "imagenet", "none"

# REQA's released code loads the first weights of ResNet-50, BlockIQA's the newest.
_TORCHVISION: dict[BackboneName, str] = {
    "resnet50": "ResNet50_Weights.IMAGENET1K_V2",
    "efficientnet-b7": "EfficientNet_B7_Weights.IMAGENET1K_V1",
    "vgg16": "VGG16_Weights.IMAGENET1K_V1",
}
_RESNET50_OF_REQA = "ResNet50_Weights.IMAGENET1K_V1"
# torchvision has none of these. The model learnt with frozen backbones: they are ImageNet's, as int8
# stores them.
_LITES_OF = "qualitynet-lite"
_LITES: tuple[BackboneName, ...] = ("efficientnet-lite0", "efficientnet-lite2")

_NAMES_IN: dict[BackboneName, str] = {
    "resnet50": "torchvision's resnet50",
    "efficientnet-b7": "torchvision's efficientnet_b7",
    "vgg16": "torchvision's vgg16",
    "vit-s16": "timm's vit_small_patch16_224 or deit3_small_patch16_224",
    "efficientnet-lite0": "efficientnet_lite_pytorch",
    "efficientnet-lite2": "efficientnet_lite_pytorch",
}

Tensors = Mapping[str, Tensor]


def set_starting_weights(
    network: nn.Module, slots: Sequence[BackboneSlot], starts: Sequence[str], *, family: Family
) -> tuple[bool, list[str]]:
    """Load the starting weights of a network; return whether it is whole, and a sentence on each.

    Args:
        network: Fresh; what no start covers stays random.
        slots: Where its backbones lie.
        starts: One for all backbones or one for each: "imagenet", "none", or a safetensors file: a
            published backbone, or a checkpoint of biqa, of which the backbone is taken where the
            network is another. One more than there are backbones: a checkpoint of the whole
            network, then what its backbones are replaced by.
        family: Of the network.

    Raises:
        UsageError: If there are more or fewer starts than that.
        WeightsError: If weights are missing, or of another network.
    """
    count = len(slots)
    if len(starts) not in (1, count, count + 1):
        msg = f"--init was given {len(starts)} times, the network has {count} backbones"
        raise UsageError(msg)
    whole = f"the whole network starts from {starts[0]}"
    if len(starts) == 1 and _start_whole(network, starts[0]):
        return True, [whole]
    notes: list[str] = []
    if len(starts) > max(count, 1):
        if not _start_whole(network, starts[0]):
            msg = (
                f"{starts[0]} is not this network as a whole, which the first --init must be if "
                f"it is given {len(starts)} times"
            )
            raise WeightsError(msg)
        notes, starts = [whole], starts[1:]
    each = list(starts) * count if len(starts) == 1 else starts
    return bool(notes), [
        *notes,
        *(_start_backbone(network, *one, family) for one in zip(slots, each, strict=True)),
    ]


def trained_backbone(path: Path) -> tuple[BackboneName, nn.Module]:
    """Return the first backbone of a checkpoint that `biqa train` has made, with its weights.

    Raises:
        WeightsError: If the file is missing or no such checkpoint.
    """
    tensors, told = _read(path), read_trained(path)
    if told is None:
        msg = f"{path} does not say which network it is: give a checkpoint that biqa train wrote"
        raise WeightsError(msg)
    name = told.backbones[0]
    backbone = cast("nn.Module", build_backbone(name))
    _fill_backbone(backbone, BackboneSlot("", name), tensors, str(path))
    return name, backbone


def _start_whole(network: nn.Module, start: str) -> bool:
    """Load a checkpoint if it is one of this very network; return whether it is."""
    if start in (IMAGENET, NONE):
        return False
    whole = _read(Path(start))
    if not _is_whole(network, whole):
        return False
    if isinstance(network, REQA):
        whole = network.fitted(whole)
    load_tensors(network, {name: tensor.numpy() for name, tensor in whole.items()})
    return True


def _start_backbone(network: nn.Module, slot: BackboneSlot, start: str, family: Family) -> str:
    if start == NONE:
        return f"{slot.backbone} starts at random"
    backbone = network.get_submodule(slot.prefix.rstrip("."))
    if start == IMAGENET:
        tensors, origin = _imagenet(slot.backbone, family)
    else:
        tensors, origin = _read(Path(start)), start
    _fill_backbone(backbone, slot, tensors, start)
    return f"{slot.backbone} starts from {origin}"


def _fill_backbone(backbone: nn.Module, slot: BackboneSlot, tensors: Tensors, file: str) -> None:
    state = _state_for(backbone, slot, tensors)
    if state is None:
        msg = (
            f"{file} does not hold the weights of {slot.backbone}: expected the names of "
            f"{_NAMES_IN[slot.backbone]}, or a checkpoint of biqa with that backbone"
        )
        raise WeightsError(msg)
    try:
        backbone.load_state_dict(_with_counts(backbone, state))
    except RuntimeError as error:
        msg = f"{file} does not fit {slot.backbone}: {error}"
        raise WeightsError(msg) from error


def _imagenet(backbone: BackboneName, family: Family) -> tuple[Tensors, str]:
    if backbone in _LITES:
        checkpoint = load_manifest().find(_LITES_OF)
        file = None if checkpoint is None else locate(checkpoint.weights)
        if checkpoint is not None and file is not None:
            origin = f"the backbone of {_LITES_OF} ({checkpoint.backbone_origin})"
            return _read(file, sha256=checkpoint.sha256), origin
    if backbone not in _TORCHVISION:
        msg = (
            f"torchvision has no ImageNet weights of {backbone}: give a safetensors file with the "
            f"names of {_NAMES_IN[backbone]} with --init FILE, or --init none to start at random"
        )
        raise WeightsError(msg)
    is_reqa = family == "reqa" and backbone == "resnet50"
    name = _RESNET50_OF_REQA if is_reqa else _TORCHVISION[backbone]
    weights = torchvision_models().get_weight(name)
    try:
        state = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except OSError as error:
        msg = (
            f"cannot download {weights.url} ({error}): give a file with the names of "
            f"{_NAMES_IN[backbone]} with --init FILE.safetensors, or --init none to start at random"
        )
        raise WeightsError(msg) from error
    return cast("Tensors", state), f"torchvision's {name}"


def _read(path: Path, *, sha256: str | None = None) -> dict[str, Tensor]:
    return {name: torch.from_numpy(t) for name, t in read_checkpoint(path, sha256=sha256).items()}


def _is_whole(network: nn.Module, tensors: Tensors) -> bool:
    names = {n for n in network.state_dict() if not n.endswith("num_batches_tracked")}
    return names <= tensors.keys()


def _state_for(
    backbone: nn.Module, slot: BackboneSlot, tensors: Tensors
) -> dict[str, Tensor] | None:
    """Return the tensors of a backbone under its own names, whatever the file calls them."""
    wanted = {
        n: t.shape
        for n, t in backbone.state_dict().items()
        if not n.endswith("num_batches_tracked")
    }
    for prefix in ("", slot.prefix, *_PREFIXES):
        found = {name: tensors[prefix + name] for name in wanted if prefix + name in tensors}
        # Lite2 has every name of Lite0, and more.
        if {name: tensor.shape for name, tensor in found.items()} == wanted:
            return found
    try:
        renamed = _RENAME[slot.backbone](tensors)
    except KeyError:
        return None
    return renamed if wanted.keys() <= renamed.keys() else None


_PREFIXES = (
    *("backbone.", "backbones.0.", "backbones.1.", "local_branch.backbone."),
    *("encoder.vit.", "encoder.vit.embedding.backbone."),
)
"""Of backbones in the networks of biqa."""


def _with_counts(backbone: nn.Module, state: Tensors) -> dict[str, Tensor]:
    """Return a state with the batch counts of batch norms, which files may leave out."""
    return {
        **{n: t for n, t in backbone.state_dict().items() if n.endswith("num_batches_tracked")},
        **{name: tensor for name, tensor in state.items() if name in backbone.state_dict()},
    }


def _resnet50_from_published_keys(tensors: Tensors) -> dict[str, Tensor]:
    stem = {"conv1": "stem.0", "bn1": "stem.1"}
    state = {}
    for name, tensor in tensors.items():
        first, _, rest = name.partition(".")
        if first in stem:
            state[f"{stem[first]}.{rest}"] = tensor
        elif first.startswith("layer"):
            state[f"layers.{int(first[5:]) - 1}.{rest}"] = tensor
    return state


_RENAME: dict[BackboneName, Callable[[Tensors], dict[str, Tensor]]] = {
    "resnet50": _resnet50_from_published_keys,
    "efficientnet-b7": dict,
    "vgg16": vgg.from_published_keys,
    "vit-s16": vit.from_published_keys,
    "efficientnet-lite0": efficientnet_lite.from_published_keys,
    "efficientnet-lite2": efficientnet_lite.from_published_keys,
}
