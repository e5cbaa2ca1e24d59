"""Where the backbones lie in the networks."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from biqa_cli.models.spec import BackboneName, Family, OptionValue


@dataclass(frozen=True, slots=True)
class BackboneSlot:
    """A backbone in a network."""

    prefix: str
    """Of the names of its tensors in the network, with the last dot."""
    backbone: BackboneName

    def of(self, network: nn.Module) -> nn.Module:
        """Return the backbone of a network."""
        return network.get_submodule(self.prefix.rstrip("."))


def backbone_slots(
    family: Family,
    backbones: tuple[BackboneName, ...],
    options: Mapping[str, OptionValue],
    *,
    prefix: str = "",
) -> tuple[BackboneSlot, ...]:
    """Return where the backbones of a network lie; none where its options leave them out.

    Args:
        family: Of the network.
        backbones: Their names.
        options: Of the network.
        prefix: Of the network's tensors, where it is part of something larger.
    """
    first = backbones[0]
    if family == "qualitynet":
        chains = options["chains"]
        used = backbones if chains == "both" else (backbones[int(chains) - 1],)
        return tuple(BackboneSlot(f"{prefix}backbones.{n}.", name) for n, name in enumerate(used))
    if family == "shdiqa":
        # Of the ViT the whole encoder is pretrained, of a hybrid the backbone below it.
        inner = "encoder.vit." if first == "vit-s16" else "encoder.vit.embedding.backbone."
        return (BackboneSlot(prefix + inner, first),)
    if family == "nlnet":
        has_one = options["branches"] != "nonlocal"
        return (BackboneSlot(f"{prefix}local_branch.backbone.", first),) if has_one else ()
    return (BackboneSlot(f"{prefix}backbone.", first),)
