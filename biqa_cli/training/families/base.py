"""What the families have in common: a setting that they are given, phases that they make."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from biqa_cli.models.spec import InputContract
from biqa_cli.training.data import Extras
from biqa_cli.training.recipe import Recipe

Terms = dict[str, Tensor]
"""The loss under "loss", and the terms that it was made of under their names; scalars."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What the phases of a family depend on."""

    recipe: Recipe
    contract: InputContract
    """What the finished network reads."""
    label_span: float
    """Highest less lowest label, on the recipe's scale."""
    build: Callable[[], nn.Module]
    """Makes the network with its starting weights."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a loss sees of B crops, on the device."""

    images: Tensor
    """(B, 3, h, w), normalised."""
    labels: Tensor
    """(B,), on the recipe's scale."""
    types: Tensor
    """(B,), of distortion; -1 where there is none."""
    extras: dict[str, Tensor]
    """What the family's `extras` has made of each crop, stacked."""
    epoch: int
    """Of the phase, counted from 0."""
    generator: torch.Generator
    """On the CPU, for draws of the loss; the same at the same step of every run."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A network, its loss, and how long it learns."""

    name: str
    """Empty where a family has one phase."""
    epochs: int
    learner: nn.Module
    """All that learns or was learnt: what a state must hold."""
    network: nn.Module | None
    """The part of the learner that scores photos; None where nothing is scored."""
    prefix: str
    """Of the network's tensors in the learner."""
    loss: Callable[[Batch], Terms]
    val_loss: Callable[[Tensor, Tensor], Tensor]
    """Of scores and labels (n,) of all validation photos."""
    extras: Extras | None = None
    before: Callable[[], None] = lambda: None
    """Called once when the phase begins or goes on: takes over what earlier phases have learnt."""
