"""What a loss sees: one batch, wherever it comes from."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, cast

import torch
from torch import Tensor, nn

PartName = Literal["rated", "triples", "examples", "also"]
"""What is scored together, in this order; of the examples those that are rated."""


@dataclass(frozen=True, slots=True)
class Triples:
    """D photos, each with two degraded versions that nobody has rated."""

    inputs: Tensor
    """(D, 3, …): the photo, its milder and its stronger version, as the inputs of a batch."""
    levels: Tensor
    """(D, 2), of the versions."""


@dataclass(frozen=True, slots=True)
class Examples:
    """E photos that nobody has rated as they are; see `biqa_cli.distortions.examples`."""

    inputs: Tensor
    """(E, …), as the inputs of a batch."""
    labels: Tensor
    """(E,), on the recipe's scale."""
    are_rated: Tensor
    """(E,), whether they have a label that a rating could have: no flaw, and not parts alone."""
    have_known_flaws: Tensor
    """(E,), whether they have no other flaws than those that were made: not where a photo is turned
    or framed that was not rated good."""
    kept: Tensor
    """(E,), what flaws leave of the quality, 0 to 1."""
    flaws: Tensor
    """(E, 12), how strong each of `FLAWS` is, 0 to 1."""
    unflawed: Tensor
    """(U, …), rated photos worth enough to have no flaw, with as little noise as `inputs`."""


@dataclass(frozen=True, slots=True)
class Also:
    """Photos of another data set."""

    inputs: Tensor
    """(A, …), as the inputs of a batch."""
    labels: Tensor
    """(A,), on a scale of their own that rises where the recipe's does."""


@dataclass(frozen=True, slots=True)
class Batch:
    """B samples on the device."""

    inputs: Tensor
    """Normalised images (B, 3, h, w), or cached features of photos (B, …)."""
    labels: Tensor
    """(B,), on the recipe's scale."""
    types: Tensor
    """(B,), of distortion; -1 where there is none."""
    epoch: int
    """Of the phase, counted from 0."""
    generator: torch.Generator
    """On the CPU, for draws of the loss; the same at the same step of every run."""
    is_cached: bool = False
    """Whether `inputs` are cached features."""
    extras: dict[str, Tensor] = field(default_factory=dict)
    """What the phase's `extras` has made of each sample; with cached features, some photos that
    were degraded block by block."""
    triples: Triples | None = None
    examples: Examples | None = None
    also: Also | None = None

    def part(self, scores: Tensor, name: PartName) -> Tensor:
        """Return the scores of one part of the batch, out of those of all that `output_of` scores.

        Args:
            scores: (n,), in the order of `PartName`.
            name: Of the part; what the batch does not have is empty.
        """
        lengths: dict[PartName, int] = {
            "rated": len(self.labels),
            "triples": 0 if self.triples is None else 3 * len(self.triples.inputs),
            "examples": 0 if self.examples is None else int(self.examples.are_rated.sum()),
            "also": 0 if self.also is None else len(self.also.labels),
        }
        return dict(zip(lengths, torch.split(scores, [*lengths.values()]), strict=True))[name]


class Cacheable(Protocol):
    """A network whose backbone, if it is frozen, has to see each photo only once."""

    def pooled(self, images: Tensor) -> Tensor:
        """Return what the frozen layers make of images, (B, …)."""
        ...

    def from_pooled(self, pooled: Tensor) -> Any:  # noqa: ANN401  each family has its record
        """Return the output of the network for that."""
        ...


def with_pooled(network: Cacheable, batch: Batch) -> Batch:
    """Return a batch with what the backbone makes of all its images, in one pass.

    Batch norms that learn so see photos with and without flaws together.
    """
    examples, also = batch.examples, batch.also
    images = [batch.inputs]
    images += [] if examples is None else [examples.inputs, examples.unflawed]
    images += [] if also is None else [also.inputs]
    pooled = network.pooled(torch.cat(images))
    parts = iter(torch.split(pooled, [len(part) for part in images]))
    return replace(
        batch,
        is_cached=True,
        inputs=next(parts),
        examples=examples and replace(examples, inputs=next(parts), unflawed=next(parts)),
        also=also and replace(also, inputs=next(parts)),
    )


def output_of(network: nn.Module, batch: Batch) -> Any:  # noqa: ANN401  each family has its record
    """Return the output of a network for the samples of a batch, then for all else in it."""
    parts = [batch.inputs]
    if batch.triples is not None:
        parts.append(batch.triples.inputs.flatten(0, 1))
    if batch.examples is not None:
        parts.append(batch.examples.inputs[batch.examples.are_rated])
    if batch.also is not None:
        parts.append(batch.also.inputs)
    # Together, so that batch norms see in training what they will see.
    inputs = torch.cat(parts) if len(parts) > 1 else batch.inputs
    return cast("Cacheable", network).from_pooled(inputs) if batch.is_cached else network(inputs)
