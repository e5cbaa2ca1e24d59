"""Starting weights: torchvision's own, a published file, a checkpoint of biqa, or chance."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from biqa_cli.errors import UsageError, WeightsError
from biqa_cli.models.backbones import efficientnet_lite, vgg, vit
from biqa_cli.models.backbones.installed_torchvision import torchvision_models
from biqa_cli.models.networks import build_trunk
from biqa_cli.models.reqa import REQA
from biqa_cli.models.spec import Family, TrunkName
from biqa_cli.models.torch_engine import load_tensors
from biqa_cli.models.trained import read_trained
from biqa_cli.training.trunks import TrunkSlot
from biqa_cli.weights.cache import locate
from biqa_cli.weights.checkpoint import read_checkpoint
from biqa_cli.weights.manifest import load_manifest

IMAGENET, NONE = "imagenet", "none"

# REQA's released code loads the first weights of ResNet-50, BlockIQA's the newest.
_TORCHVISION: dict[TrunkName, str] = {
    "resnet50": "ResNet50_Weights.IMAGENET1K_V2",
    "efficientnet-b7": "EfficientNet_B7_Weights.IMAGENET1K_V1",
    "vgg16": "VGG16_Weights.IMAGENET1K_V1",
}
_RESNET50_OF_REQA = "ResNet50_Weights.IMAGENET1K_V1"
# torchvision has none of these. The model learnt with frozen trunks: they are ImageNet's, as int8
# stores them.
_LITES_OF = "qualitynet-lite"
_LITES: tuple[TrunkName, ...] = ("efficientnet-lite0", "efficientnet-lite2")

_NAMES_IN: dict[TrunkName, str] = {
    "resnet50": "torchvision's resnet50",
    "efficientnet-b7": "torchvision's efficientnet_b7",
    "vgg16": "torchvision's vgg16",
    "vit-s16": "timm's vit_small_patch16_224 or deit3_small_patch16_224",
    "efficientnet-lite0": "efficientnet_lite_pytorch",
    "efficientnet-lite2": "efficientnet_lite_pytorch",
}

Tensors = Mapping[str, Tensor]


def set_starting_weights(
    network: nn.Module, slots: Sequence[TrunkSlot], starts: Sequence[str], *, family: Family
) -> tuple[bool, list[str]]:
    """Load the starting weights of a network; return whether it is whole, and a sentence on each.

    Args:
        network: Fresh; what no start covers stays random.
        slots: Where its trunks lie.
        starts: One for all trunks or one for each: "imagenet", "none", or a safetensors file: a
            published trunk, or a checkpoint of biqa, of which the trunk is taken where the
            network is another. One more than there are trunks: a checkpoint of the whole
            network, then what its trunks are replaced by.
        family: Of the network.

    Raises:
        UsageError: If there are more or fewer starts than that.
        WeightsError: If weights are missing, or of another network.
    """
    count = len(slots)
    if len(starts) not in (1, count, count + 1):
        msg = f"--init was given {len(starts)} times, the network has {count} trunks"
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
        *(_start_trunk(network, *one, family) for one in zip(slots, each, strict=True)),
    ]


def trained_trunk(path: Path) -> tuple[TrunkName, nn.Module]:
    """Return the first trunk of a checkpoint that `biqa train` has made, with its weights.

    Raises:
        WeightsError: If the file is missing or no such checkpoint.
    """
    tensors, told = _read(path), read_trained(path)
    if told is None:
        msg = f"{path} does not say which network it is: give a checkpoint that biqa train wrote"
        raise WeightsError(msg)
    name = told.trunks[0]
    trunk = cast("nn.Module", build_trunk(name))
    _fill_trunk(trunk, TrunkSlot("", name), tensors, str(path))
    return name, trunk


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


def _start_trunk(network: nn.Module, slot: TrunkSlot, start: str, family: Family) -> str:
    if start == NONE:
        return f"{slot.trunk} starts at random"
    trunk = network.get_submodule(slot.prefix.rstrip("."))
    if start == IMAGENET:
        tensors, origin = _imagenet(slot.trunk, family)
    else:
        tensors, origin = _read(Path(start)), start
    _fill_trunk(trunk, slot, tensors, start)
    return f"{slot.trunk} starts from {origin}"


def _fill_trunk(trunk: nn.Module, slot: TrunkSlot, tensors: Tensors, file: str) -> None:
    state = _state_for(trunk, slot, tensors)
    if state is None:
        msg = (
            f"{file} does not hold the weights of {slot.trunk}: expected the names of "
            f"{_NAMES_IN[slot.trunk]}, or a checkpoint of biqa with that trunk"
        )
        raise WeightsError(msg)
    try:
        trunk.load_state_dict(_with_counts(trunk, state))
    except RuntimeError as error:
        msg = f"{file} does not fit {slot.trunk}: {error}"
        raise WeightsError(msg) from error


def _imagenet(trunk: TrunkName, family: Family) -> tuple[Tensors, str]:
    if trunk in _LITES:
        checkpoint = load_manifest().find(_LITES_OF)
        file = None if checkpoint is None else locate(checkpoint.weights)
        if checkpoint is not None and file is not None:
            origin = f"the trunk of {_LITES_OF} ({checkpoint.trunk_origin})"
            return _read(file, sha256=checkpoint.sha256), origin
    if trunk not in _TORCHVISION:
        msg = (
            f"torchvision has no ImageNet weights of {trunk}: give a safetensors file with the "
            f"names of {_NAMES_IN[trunk]} with --init FILE, or --init none to start at random"
        )
        raise WeightsError(msg)
    is_reqa = family == "reqa" and trunk == "resnet50"
    name = _RESNET50_OF_REQA if is_reqa else _TORCHVISION[trunk]
    weights = torchvision_models().get_weight(name)
    try:
        state = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except OSError as error:
        msg = (
            f"cannot download {weights.url} ({error}): give a file with the names of "
            f"{_NAMES_IN[trunk]} with --init FILE.safetensors, or --init none to start at random"
        )
        raise WeightsError(msg) from error
    return cast("Tensors", state), f"torchvision's {name}"


def _read(path: Path, *, sha256: str | None = None) -> dict[str, Tensor]:
    return {name: torch.from_numpy(t) for name, t in read_checkpoint(path, sha256=sha256).items()}


def _is_whole(network: nn.Module, tensors: Tensors) -> bool:
    names = {n for n in network.state_dict() if not n.endswith("num_batches_tracked")}
    return names <= tensors.keys()


def _state_for(trunk: nn.Module, slot: TrunkSlot, tensors: Tensors) -> dict[str, Tensor] | None:
    """Return the tensors of a trunk under its own names, whatever the file calls them."""
    wanted = {
        n: t.shape for n, t in trunk.state_dict().items() if not n.endswith("num_batches_tracked")
    }
    for prefix in ("", slot.prefix, *_PREFIXES):
        found = {name: tensors[prefix + name] for name in wanted if prefix + name in tensors}
        # Lite2 has every name of Lite0, and more.
        if {name: tensor.shape for name, tensor in found.items()} == wanted:
            return found
    try:
        renamed = _RENAME[slot.trunk](tensors)
    except KeyError:
        return None
    return renamed if wanted.keys() <= renamed.keys() else None


_PREFIXES = (
    *("trunk.", "trunks.0.", "trunks.1.", "local_branch.trunk."),
    *("encoder.vit.", "encoder.vit.embedding.trunk."),
)
"""Of trunks in the networks of biqa."""


def _with_counts(trunk: nn.Module, state: Tensors) -> dict[str, Tensor]:
    """Return a state with the batch counts of batch norms, which files may leave out."""
    return {
        **{n: t for n, t in trunk.state_dict().items() if n.endswith("num_batches_tracked")},
        **{name: tensor for name, tensor in state.items() if name in trunk.state_dict()},
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


_RENAME: dict[TrunkName, Callable[[Tensors], dict[str, Tensor]]] = {
    "resnet50": _resnet50_from_published_keys,
    "efficientnet-b7": dict,
    "vgg16": vgg.from_published_keys,
    "vit-s16": vit.from_published_keys,
    "efficientnet-lite0": efficientnet_lite.from_published_keys,
    "efficientnet-lite2": efficientnet_lite.from_published_keys,
}
