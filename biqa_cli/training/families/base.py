"""What the families have in common: a setting that they are given, phases that they make."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from biqa_cli.models.spec import InputContract
from biqa_cli.networks.shdiqa import Partition
from biqa_cli.training.data import Cut, Extras
from biqa_cli.training.order import order_loss
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
    head_is_new: Callable[[], bool] = lambda: True
    """Whether the head starts at random; known once the network is built."""


@dataclass(frozen=True, slots=True)
class OrderBatch:
    """D photos and their degraded versions, which nobody has rated."""

    images: Tensor
    """(D, 3, …): the photo, its milder and its stronger version, as the images of a batch are."""
    levels: Tensor
    """(D, 2), of the versions."""
    weight: float
    """Of their order in the loss."""
    span: float
    """From the worst to the best label, negative where lower is better."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a loss sees of B crops, on the device."""

    images: Tensor
    """(B, 3, h, w), normalised; what `pooled` makes of them where that is cached."""
    labels: Tensor
    """(B,), on the recipe's scale."""
    types: Tensor
    """(B,), of distortion; -1 where there is none."""
    extras: dict[str, Tensor]
    """What the family's `extras` has made of each crop, stacked; in a phase that learns from kept
    features, of a quarter as many block-wise degraded photos."""
    epoch: int
    """Of the phase, counted from 0."""
    generator: torch.Generator
    """On the CPU, for draws of the loss; the same at the same step of every run."""
    is_pooled: bool = False
    """Whether `images` are what frozen layers have made of them before."""
    order: OrderBatch | None = None
    """Seen together with the images, so that batch norms see in training what they saw."""


class Poolable(Protocol):
    """A network whose backbone's work, if the backbone is frozen, can be done once for all epochs."""

    def pooled(self, images: Tensor) -> Tensor:
        """Return what the frozen layers make of images, (B, …)."""
        ...

    def from_pooled(self, pooled: Tensor) -> Any:  # noqa: ANN401  each family has its record
        """Return what the network makes of that."""
        ...


def output_of(network: nn.Module, batch: Batch) -> Any:  # noqa: ANN401  each family has its record
    """Return what a network makes of a batch, of photos or of what is cached of them.

    Degraded photos come last.
    """
    seen = seen_of(batch)
    return cast("Poolable", network).from_pooled(seen) if batch.is_pooled else network(seen)


def seen_of(batch: Batch) -> Tensor:
    """Return the images of a batch, or what is cached of them, then the degraded ones."""
    if batch.order is None:
        return batch.images
    return torch.cat([batch.images, batch.order.images.flatten(0, 1)])


def with_order(terms: Terms, scores: Tensor, batch: Batch) -> Terms:
    """Return the terms of a loss, and with them the order of degraded photos, if there are such.

    Args:
        terms: Of the rated photos.
        scores: Of all that `output_of` has seen.
        batch: That batch.
    """
    order = batch.order
    if order is None:
        return terms
    shares = scores[len(batch.labels) :].float().reshape(-1, 3) / order.span
    missed = order_loss(shares, order.levels)
    return terms | {"loss": terms["loss"] + order.weight * missed, "order": missed}


@dataclass(frozen=True, slots=True)
class Blockwise:
    """Photos of which each block is degraded in its own way."""

    partition: Partition
    photos: int
    """How many of the training photos; 0 is all."""


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
    meet: Callable[[Tensor], None] | None = None
    """Called before the first step with what the backbone makes of some photos, or crops of them."""
    blockwise: Blockwise | None = None
    """Where a phase learns from such photos, and what frozen layers make of photos is kept."""
    noisy: int | None = None
    """How many of the kept features may be noisy, the first ones; None: all."""
    pooled_by: tuple[str, ...] | None = None
    """The options that change what `Poolable.pooled` returns; None where pooling would lose some of
    what the head sees."""
    keeps_below_last: bool = False
    """Whether `pooled` stops below the last stage of a backbone where that learns."""
    beside: nn.Module | None = None
    """A frozen network, and what it makes of images (B, K) is kept behind what `pooled` returns."""
    cut: Cut | None = None
    """For what is kept of photos that train, not of those that validate."""
    before: Callable[[], None] = lambda: None
    """Called once when the phase begins or goes on: takes over what earlier phases have learnt."""
