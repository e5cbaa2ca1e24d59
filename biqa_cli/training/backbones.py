"""What training knows of the backbones: where they lie in a network, and which parts learn."""

from dataclasses import dataclass

from torch import nn

from biqa_cli.models.build import Normalisation
from biqa_cli.models.catalog import IMAGENET_MEAN, IMAGENET_STD, LITE_MEAN, LITE_STD
from biqa_cli.models.spec import BackboneName
from biqa_cli.training.recipe import Recipe

_LAST: dict[BackboneName, tuple[str, ...]] = {
    "resnet50": ("layers.3.",),
    "efficientnet-b7": ("features.7.", "features.8."),
    "vgg16": ("stages.4.",),
    "vit-s16": ("blocks.10.", "blocks.11.", "norm."),
    "efficientnet-lite0": ("stages.5.", "stages.6."),
    "efficientnet-lite2": ("stages.5.", "stages.6."),
}
_BEFORE_LAST: dict[BackboneName, tuple[str, ...]] = {
    "resnet50": ("layers.2.",),
    "efficientnet-b7": ("features.4.", "features.5.", "features.6."),
    "vgg16": ("stages.3.",),
    "vit-s16": tuple(f"blocks.{n}." for n in range(6, 10)),
    "efficientnet-lite0": ("stages.3.", "stages.4."),
    "efficientnet-lite2": ("stages.3.", "stages.4."),
}
_LEARNS: dict[str, dict[BackboneName, tuple[str, ...]]] = {
    "head": dict.fromkeys(_LAST, ()),
    "last": _LAST,
    "half": {backbone: _BEFORE_LAST[backbone] + _LAST[backbone] for backbone in _LAST},
}
"""What of each backbone learns under each word of `trainable` but "all"."""


@dataclass(frozen=True, slots=True)
class BackboneSlot:
    """A backbone in a network."""

    prefix: str
    """Of the names of its tensors in the network, with the last dot."""
    backbone: BackboneName

    def learns(self, name: str, trainable: str) -> bool:
        """Return whether a tensor of the network learns, which is true of all but backbones."""
        if trainable == "all" or not name.startswith(self.prefix):
            return True
        return name.removeprefix(self.prefix).startswith(_LEARNS[trainable][self.backbone])


def normalisation_of(backbone: BackboneName) -> Normalisation:
    """Return how a backbone's published weights expect the pixels."""
    is_lite = backbone.startswith("efficientnet-lite")
    return (LITE_MEAN, LITE_STD) if is_lite else (IMAGENET_MEAN, IMAGENET_STD)


def backbone_slots(recipe: Recipe) -> tuple[BackboneSlot, ...]:
    """Return the backbones of a recipe's network, none where its options leave them out."""
    first = recipe.backbones[0]
    if recipe.family == "qualitynet":
        chains = recipe.network["chains"]
        used = recipe.backbones if chains == "both" else (recipe.backbones[int(chains) - 1],)
        return tuple(BackboneSlot(f"backbones.{n}.", backbone) for n, backbone in enumerate(used))
    if recipe.family == "shdiqa":
        # Of the ViT the whole encoder was trained before, of a hybrid the backbone below it.
        whole = first == "vit-s16"
        return (
            BackboneSlot("encoder.vit." if whole else "encoder.vit.embedding.backbone.", first),
        )
    if recipe.family == "nlnet":
        local = recipe.network["branches"] != "nonlocal"
        return (BackboneSlot("local_branch.backbone.", first),) if local else ()
    return (BackboneSlot("backbone.", first),)


_FROZEN_WITH_THE_BACKBONE = ("afel.conv.",)
"""BlockIQA's filters read pixels as backbones do: what they make of a photo stays with it."""


def freeze(learner: nn.Module, slots: tuple[BackboneSlot, ...], *, trainable: str) -> None:
    """Take the gradients from the parameters that shall not learn."""
    for name, parameter in learner.named_parameters():
        learns = all(slot.learns(name, trainable) for slot in slots)
        if trainable in ("head", "last") and name.startswith(_FROZEN_WITH_THE_BACKBONE):
            learns = False
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
        learner.get_submodule(slot.prefix.rstrip(".")).eval()
        for part in _LEARNS[trainable][slot.backbone]:
            learner.get_submodule(f"{slot.prefix}{part}".rstrip(".")).train()
