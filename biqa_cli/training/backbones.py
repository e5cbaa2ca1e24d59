"""Where the backbones lie in a network, and what of them learns."""

from dataclasses import dataclass
from typing import cast

from torch import nn

from biqa_cli.models.spec import BackboneName
from biqa_cli.networks.backbones import Backbone
from biqa_cli.training.recipe import Recipe

# BlockIQA's filters read pixels as backbones do: they are frozen with the backbone.
_FROZEN_TOO = ("afel.conv.",)


@dataclass(frozen=True, slots=True)
class BackboneSlot:
    """A backbone in a network."""

    prefix: str
    """Of the names of its tensors in the network, with the last dot."""
    backbone: BackboneName

    def of(self, network: nn.Module) -> nn.Module:
        """Return the backbone of a network."""
        return network.get_submodule(self.prefix.rstrip("."))


def backbone_slots(recipe: Recipe, *, prefix: str = "") -> tuple[BackboneSlot, ...]:
    """Return the backbones of a recipe's network, none where its options leave them out.

    Args:
        recipe: Family, backbones and options.
        prefix: Of the network's tensors, where it is part of something larger.
    """
    first = recipe.backbones[0]
    if recipe.family == "qualitynet":
        chains = recipe.network["chains"]
        used = recipe.backbones if chains == "both" else (recipe.backbones[int(chains) - 1],)
        return tuple(BackboneSlot(f"{prefix}backbones.{n}.", name) for n, name in enumerate(used))
    if recipe.family == "shdiqa":
        # Of the ViT the whole encoder is pretrained, of a hybrid the backbone below it.
        inner = "encoder.vit." if first == "vit-s16" else "encoder.vit.embedding.backbone."
        return (BackboneSlot(prefix + inner, first),)
    if recipe.family == "nlnet":
        has_one = recipe.network["branches"] != "nonlocal"
        return (BackboneSlot(f"{prefix}local_branch.backbone.", first),) if has_one else ()
    return (BackboneSlot(f"{prefix}backbone.", first),)


def freeze(learner: nn.Module, slots: tuple[BackboneSlot, ...], *, trainable: str) -> None:
    """Take the gradients from the parameters that shall not learn."""
    for name, parameter in learner.named_parameters():
        learns = trainable == "all" or not name.startswith(_FROZEN_TOO)
        for slot in slots if trainable != "all" else ():
            if name.startswith(slot.prefix):
                last = _last_stage(slot.of(learner)) if trainable == "last" else ()
                learns = name.removeprefix(slot.prefix).startswith(last)
        parameter.requires_grad_(learns)


def set_training_mode(
    learner: nn.Module, slots: tuple[BackboneSlot, ...], *, trainable: str
) -> None:
    """Switch a network to training, but what is frozen of its backbones to evaluation.

    Frozen batch norms keep their statistics, and nothing is dropped out of frozen layers.
    """
    learner.train()
    if trainable == "all":
        return
    for slot in slots:
        backbone = slot.of(learner).eval()
        for part in _last_stage(backbone) if trainable == "last" else ():
            backbone.get_submodule(part.rstrip(".")).train()


def _last_stage(backbone: nn.Module) -> tuple[str, ...]:
    return cast("Backbone", backbone).last_stage
