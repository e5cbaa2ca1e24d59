"""What of a network learns."""

from typing import cast

from torch import nn

from biqa_cli.models.backbone_slots import BackboneSlot, backbone_slots
from biqa_cli.networks.backbones import Backbone
from biqa_cli.recipes.record import ONE_HEAD, Recipe

# BlockIQA's filters read pixels as backbones do: they are frozen with the backbone.
FROZEN_WITH_BACKBONES = ("afel.conv.",)
_FLAWS = "flaw_head"
_FILTERS = 4


def slots_of(recipe: Recipe, *, prefix: str = "") -> tuple[BackboneSlot, ...]:
    """Return where the backbones of a recipe's network lie."""
    return backbone_slots(recipe.family, recipe.backbones, recipe.network, prefix=prefix)


def freeze(learner: nn.Module, slots: tuple[BackboneSlot, ...], *, trainable: str) -> None:
    """Take the gradients from the parameters that shall not learn."""
    for name, parameter in learner.named_parameters():
        learns = trainable == "all" or not name.startswith(FROZEN_WITH_BACKBONES)
        if trainable in ONE_HEAD:
            learns &= name.startswith(_FLAWS) == (trainable == "flaws")
        for slot in slots if trainable != "all" else ():
            if name.startswith(slot.prefix):
                learning = _learning(slot.of(learner), trainable)
                learns = name.removeprefix(slot.prefix).startswith(learning)
                # Few weights, but on a CPU their gradients take as long as all others together.
                learns &= not (trainable == "upper" and _is_depthwise(parameter))
        parameter.requires_grad_(learns)


def set_training_mode(
    learner: nn.Module, slots: tuple[BackboneSlot, ...], *, trainable: str
) -> None:
    """Switch a network to training, but what is frozen of it to evaluation.

    Frozen batch norms keep their statistics, and nothing is dropped out of frozen layers.
    """
    learner.train()
    if trainable == "all":
        return
    if trainable in ONE_HEAD:
        for name, child in learner.named_children():
            child.train((name == _FLAWS) == (trainable == "flaws"))
    for slot in slots:
        backbone = slot.of(learner).eval()
        for part in _learning(backbone, trainable):
            backbone.get_submodule(part.rstrip(".")).train()


def _learning(backbone: nn.Module, trainable: str) -> tuple[str, ...]:
    """Return the prefixes of the tensors of a backbone that learn, if not all of them do."""
    stages = cast("Backbone", backbone).stage_prefixes
    chosen = {"last": stages[-1:], "upper": stages[-2:]}.get(trainable, ())
    return tuple(prefix for stage in chosen for prefix in stage)


def _is_depthwise(parameter: nn.Parameter) -> bool:
    """Return whether these are filters (C, 1, k, k) that see one channel each."""
    return parameter.ndim == _FILTERS and parameter.shape[1] == 1
