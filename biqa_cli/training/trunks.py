"""What training knows of the trunks: where they lie in a network, and which parts learn."""

from dataclasses import dataclass

from torch import nn

from biqa_cli.models.spec import TrunkName
from biqa_cli.training.recipe import Recipe

_LAST: dict[TrunkName, tuple[str, ...]] = {
    "resnet50": ("layers.3.",),
    "efficientnet-b7": ("features.7.", "features.8."),
    "vgg16": ("stages.4.",),
    "vit-s16": ("blocks.10.", "blocks.11.", "norm."),
    "efficientnet-lite0": ("stages.5.", "stages.6."),
    "efficientnet-lite2": ("stages.5.", "stages.6."),
}
"""What `trainable = "last"` lets learn of each trunk."""


@dataclass(frozen=True, slots=True)
class TrunkSlot:
    """A trunk in a network."""

    prefix: str
    """Of the names of its tensors in the network, with the last dot."""
    trunk: TrunkName

    def learns(self, name: str, trainable: str) -> bool:
        """Return whether a tensor of the network learns, which is true of all but trunks."""
        if trainable == "all" or not name.startswith(self.prefix):
            return True
        inner = name.removeprefix(self.prefix)
        return trainable == "last" and inner.startswith(_LAST[self.trunk])


def trunk_slots(recipe: Recipe) -> tuple[TrunkSlot, ...]:
    """Return the trunks of a recipe's network, none where its options leave them out."""
    first = recipe.trunks[0]
    if recipe.family == "qualitynet":
        chains = recipe.network["chains"]
        used = recipe.trunks if chains == "both" else (recipe.trunks[int(chains) - 1],)
        return tuple(TrunkSlot(f"trunks.{n}.", trunk) for n, trunk in enumerate(used))
    if recipe.family == "shdiqa":
        # Of the ViT the whole encoder was trained before, of a hybrid the trunk below it.
        whole = first == "vit-s16"
        return (TrunkSlot("encoder.vit." if whole else "encoder.vit.embedding.trunk.", first),)
    if recipe.family == "nlnet":
        local = recipe.network["branches"] != "nonlocal"
        return (TrunkSlot("local_branch.trunk.", first),) if local else ()
    return (TrunkSlot("trunk.", first),)


def freeze(learner: nn.Module, slots: tuple[TrunkSlot, ...], *, trainable: str) -> None:
    """Take the gradients from the parameters that shall not learn."""
    for name, parameter in learner.named_parameters():
        parameter.requires_grad_(all(slot.learns(name, trainable) for slot in slots))


def set_training_mode(learner: nn.Module, slots: tuple[TrunkSlot, ...], *, trainable: str) -> None:
    """Switch a network to training, but what is frozen of its trunks to evaluation.

    Frozen batch norms keep their statistics, and nothing is dropped out of frozen layers.
    """
    learner.train()
    if trainable == "all":
        return
    for slot in slots:
        learner.get_submodule(slot.prefix.rstrip(".")).eval()
        if trainable == "last":
            for part in _LAST[slot.trunk]:
                learner.get_submodule(f"{slot.prefix}{part}".rstrip(".")).train()
