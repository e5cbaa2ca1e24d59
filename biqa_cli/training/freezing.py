"""What of the backbones learns."""

from typing import cast

from torch import nn

from biqa_cli.models.backbone_slots import BackboneSlot, backbone_slots
from biqa_cli.networks.backbones import Backbone
from biqa_cli.training.recipe import Recipe

# BlockIQA's filters read pixels as backbones do: they are frozen with the backbone.
_FROZEN_TOO = ("afel.conv.",)


def slots_of(recipe: Recipe, *, prefix: str = "") -> tuple[BackboneSlot, ...]:
    """Return where the backbones of a recipe's network lie."""
    return backbone_slots(recipe.family, recipe.backbones, recipe.network, prefix=prefix)


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
