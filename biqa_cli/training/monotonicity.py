"""Degraded photos teach what quality is where nobody has rated anything.

Some training photos are degraded at two levels of one kind. Nobody has rated these versions, but
the photo should score above the milder one, and that above the stronger (monotonicity). And by how
much is known: people have rated the same flaws of other photos (`distortions/opinions.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from biqa_cli.distortions.catalog import DISTORTIONS, LEVELS, SHDIQA_DISTORTIONS
from biqa_cli.distortions.distort import distort
from biqa_cli.distortions.eight_bits import from_bytes, to_bytes
from biqa_cli.images.view_store import Pixels
from biqa_cli.training.batch import Batch
from biqa_cli.training.streams import numbers_of_choice

Kinds = Literal["ordered", "all"]

# Kinds whose levels go up and down in turn.
_UNORDERED = {"mean-shift", "contrast"}
LEVEL_MARGIN = 0.03
"""By how much each level must be worse than the one before, as a share of the scale."""


@dataclass(frozen=True, slots=True)
class Degraded:
    """A photo, and two levels of one kind to degrade it with."""

    index: int
    """Of the photo in its data set."""
    kind: str
    levels: tuple[int, int]
    """The milder first."""


def draw_degraded(
    indices: Sequence[int], *, count: int, seed: int, kinds: Kinds = "ordered"
) -> tuple[Degraded, ...]:
    """Return which photos are degraded, and how; all of them where there are fewer than `count`.

    Args:
        indices: Of the photos that may be drawn.
        count: How many are wanted.
        seed: Of the draw.
        kinds: "ordered": those of SHDIQA whose levels are ordered. "all": every kind there is.

    Example:
        >>> [d.index for d in draw_degraded(range(3), count=5, seed=0)]
        [2, 0, 1]
    """
    rng = numbers_of_choice(seed)
    if kinds == "ordered":
        names = [d.name for d in SHDIQA_DISTORTIONS if d.name not in _UNORDERED]
    else:
        names = [d.name for d in DISTORTIONS]
    return tuple(
        Degraded(
            index=indices[place],
            kind=names[rng.integers(len(names))],
            levels=_two_levels(rng),
        )
        for place in rng.permutation(len(indices))[:count]
    )


def _two_levels(rng: np.random.Generator) -> tuple[int, int]:
    milder, stronger = sorted(rng.choice(LEVELS, 2, replace=False).tolist())
    return milder, stronger


def ordered_levels(degraded: Degraded) -> tuple[int, int]:
    """Return the levels for `monotonicity_loss`: 0 where those of the kind are not ordered."""
    return (0, 0) if degraded.kind in _UNORDERED else degraded.levels


def degraded_view(view: Pixels, degraded: Degraded, level: int) -> Pixels:
    """Return a view (h, w, 3) at a level of its degradation; its levels share their noise."""
    worse = distort(from_bytes(view), kind=degraded.kind, level=level, seed=degraded.index)
    return to_bytes(worse)


def with_degraded(terms: dict[str, Tensor], scores: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Return the terms of a loss, with those of the triples of the batch if it has some.

    `scores` are of all that `output_of` has scored: rated samples, then triples.
    """
    triples = batch.triples
    if triples is None:
        return terms
    shares = triples.share_of(scores[len(batch.labels) :].float().reshape(-1, 3))
    total, terms = terms["loss"], dict(terms)
    if triples.weight:
        terms["monotonicity"] = monotonicity_loss(shares, triples.levels)
        total = total + triples.weight * terms["monotonicity"]
    if triples.opinion_weight:
        terms["opinions"] = (shares[:, 1:] - triples.opinions).square().mean()
        total = total + triples.opinion_weight * terms["opinions"]
    return terms | {"loss": total}


def monotonicity_loss(shares: Tensor, levels: Tensor) -> Tensor:
    """Return by how much scores fail to fall from a photo to its degraded versions, on average.

    Args:
        shares: Scores (D, 3) of photos, of their milder and their stronger versions, as shares of
            the scale; higher is better.
        levels: (D, 2), the levels of the two versions; 0 where levels are not ordered, which
            counts as no fall that is missing.

    Example:
        >>> levels = torch.tensor([[1, 3]])
        >>> [round(float(monotonicity_loss(torch.tensor([s]), levels)), 3) for s in
        ...  ([0.8, 0.7, 0.5], [0.8, 0.8, 0.8])]
        [0.0, 0.045]
    """
    falls = shares[:, :-1] - shares[:, 1:]
    steps = torch.diff(levels, dim=1, prepend=torch.zeros_like(levels[:, :1]))
    missing = torch.relu(LEVEL_MARGIN * steps - falls)
    return (missing * (levels > 0)).mean()
