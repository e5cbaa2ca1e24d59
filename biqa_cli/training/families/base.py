"""What the families have in common: a phase of a training."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from biqa_cli.distortions.named_blocks import Partition
from biqa_cli.models.spec import InputContract, ScoreScale
from biqa_cli.recipes.record import Recipe
from biqa_cli.training.augmentation import Extras
from biqa_cli.training.batch import Batch

Terms = dict[str, Tensor]
"""The loss under "loss", and the terms that it was made of under their names; scalars."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What the phases of a family depend on."""

    recipe: Recipe
    contract: InputContract
    """Of the finished network."""
    scale: ScoreScale
    """Of the labels, as the recipe has them."""
    network: nn.Module
    """With its starting weights."""
    head_is_new: bool = True
    """Whether the head starts at random."""

    @property
    def has_new_head(self) -> bool:
        """Whether a head starts at random: all of them, or the one for flaws."""
        return self.head_is_new or self.recipe.optimiser.trainable == "flaws"

    @property
    def label_span(self) -> float:
        """Highest less lowest label."""
        return self.scale.highest - self.scale.lowest


@dataclass(frozen=True, slots=True)
class Blockwise:
    """Photos of which each block is degraded in its own way."""

    partition: Partition
    photos: int
    """How many of the training photos; 0 is all."""


class Phase(ABC):
    """A network, its loss, and how long it learns. A family has one, or several in turn.

    A family's class says what differs from this one.
    """

    name: str = ""
    """Empty where a family has one phase."""
    network: nn.Module | None
    """The part of the learner that scores photos; None where nothing is scored."""
    prefix: str = ""
    """Of the network's tensors in the learner."""
    cached_by: tuple[str, ...] = ()
    """The options of the network that change its cached features."""
    noisy: int | None = None
    """How many of the cached features may be noisy, the first ones; None: all."""
    blockwise: Blockwise | None = None
    """Where a phase also learns from such photos."""
    extras: Extras | None = None
    """What a phase needs of each sample besides the sample, made in the threads that read."""

    def __init__(self, setting: Setting, learner: nn.Module | None = None) -> None:
        self.setting = setting
        self.loss_settings: Any = setting.recipe.loss
        """A record of `LOSSES`; a family's class says which."""
        self.learner = setting.network if learner is None else learner
        """All that learns or has learnt: what a state must hold."""
        self.network = self.learner
        self.epochs: int = setting.recipe.schedule.epochs

    @abstractmethod
    def loss(self, batch: Batch) -> Terms:
        """Return the loss of a batch."""

    @abstractmethod
    def val_loss(self, predicted: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of scores and labels (n,) of all validation photos."""

    def begin(self) -> None:  # noqa: B027  nothing, for most
        """Take over what earlier phases have learnt; called when the phase begins or resumes."""

    def init_head(self, features: Tensor) -> None:  # noqa: B027  likewise
        """Initialise a new head by the cached features of some photos, before the first step."""
