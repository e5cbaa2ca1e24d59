"""Hints: what a trained backbone makes of each place of a photo, for another backbone to imitate.

A label says one number of a photo, the maps of a backbone that has learnt to see quality say
thousands: a backbone that starts far from quality comes near it in fewer steps.

Reference:
    Romero et al., "FitNets: Hints for Thin Deep Nets", ICLR 2015: a regressor maps the student's
    layer to the teacher's, eq. 3. The correlation in place of the distance is our choice: the
    channels of a backbone differ in size by orders of magnitude.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from biqa_cli.models.build import renormalisation
from biqa_cli.models.spec import BackboneName
from biqa_cli.networks.backbones import Backbone, StagedBackbone
from biqa_cli.training.backbones import BackboneSlot, normalisation_of
from biqa_cli.training.families.base import Batch, Phase, Terms, seen_of

_COARSEST_STRIDES = (16, 32)
_LEAST_VARIANCE = 1e-12


class Hinted(nn.Module):
    """What learns in a phase, and the regressors from its backbone's maps to the teacher's.

    Args:
        learner: Of the phase.
        channels: Of each map, and of the teacher's beside it.
    """

    def __init__(self, learner: nn.Module, channels: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self.learner = learner
        self.regressors = nn.ModuleList(
            nn.Conv2d(ours, theirs, 1, bias=False) for ours, theirs in channels
        )


class Teacher(nn.Module):
    """A backbone that has learnt to see quality, and which of its maps are imitated.

    Args:
        backbone: Does not learn.
        between: Scale and shift of the channels, from what the imitator reads to what it reads.
        maps: Numbers of the maps.
    """

    def __init__(
        self, backbone: nn.Module, between: tuple[Sequence[float], ...], maps: Sequence[int]
    ) -> None:
        super().__init__()
        self.backbone = backbone.eval().requires_grad_(requires_grad=False)
        self.maps = tuple(maps)
        scale, shift = (torch.tensor(channels).view(3, 1, 1) for channels in between)
        self.scale: Tensor
        self.shift: Tensor
        self.register_buffer("scale", scale)
        self.register_buffer("shift", shift)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, 3, H, W) as the imitator reads them to the maps, flat (B, K)."""
        found = self.backbone(images * self.scale + self.shift)
        return torch.cat([found[number].flatten(1) for number in self.maps], dim=1)


def with_hints(
    phase: Phase,
    slot: BackboneSlot,
    teacher: nn.Module,
    name: BackboneName,
    *,
    weight: float,
    trainable: str,
) -> Phase:
    """Return a phase whose backbone imitates another one beside what its loss asks.

    Args:
        phase: What to train.
        slot: The backbone in its network.
        teacher: What is imitated; it does not learn.
        name: Of the teacher.
        weight: Of the hints in the loss.
        trainable: What of the backbone learns; maps that cannot are not compared.
    """
    backbone = phase.learner.get_submodule((phase.prefix + slot.prefix).rstrip("."))
    shown, taught = cast("Backbone", backbone), cast("Backbone", teacher)
    pairs = _pairs(shown, taught)[-1 if trainable == "last" else 0 :]
    channels = [(shown.channels[ours], taught.channels[theirs]) for ours, theirs in pairs]
    learner = Hinted(phase.learner, channels)
    between = renormalisation(normalisation_of(slot.backbone), normalisation_of(name))
    beside = Teacher(teacher, between, [theirs for _, theirs in pairs])

    def loss(batch: Batch) -> Terms:
        with _watched(backbone, is_pooled=batch.is_pooled) as seen:
            terms = phase.loss(batch)
        (images, maps), *_ = seen
        guesses = [
            regressor(maps[i]) for (i, _), regressor in zip(pairs, learner.regressors, strict=True)
        ]
        if batch.is_pooled:
            width = sum(guess[0].numel() for guess in guesses)
            flat = seen_of(batch).flatten(0, 1)[:, -width:]
        else:
            with torch.no_grad():
                flat = beside.to(images.device)(images)
        theirs = torch.split(flat, [guess[0].numel() for guess in guesses], dim=1)
        missed = [
            1 - channel_correlation(guess, their.reshape(guess.shape))
            for guess, their in zip(guesses, theirs, strict=True)
        ]
        hint = torch.stack(missed).mean()
        return terms | {"loss": terms["loss"] + weight * hint, "hint": hint}

    return replace(
        phase,
        learner=learner,
        prefix=f"learner.{phase.prefix}",
        loss=loss,
        beside=beside if phase.keeps_below_last else None,
    )


@contextmanager
def _watched(backbone: nn.Module, *, is_pooled: bool) -> Iterator[list[tuple[Tensor, Any]]]:
    """Collect what a backbone reads and its maps while it works, by their numbers.

    Where the work of all other stages is kept, only the last one works, and has the last map.
    """
    seen: list[tuple[Tensor, Any]] = []
    if is_pooled:
        last = len(cast("Backbone", backbone).channels) - 1
        handle = cast("StagedBackbone", backbone).last.register_forward_hook(
            lambda _, maps, made: seen.append((maps[0], {last: made}))
        )
    else:
        handle = backbone.register_forward_hook(
            lambda _, images, maps: seen.append((images[0], maps))
        )
    try:
        yield seen
    finally:
        handle.remove()


def channel_correlation(first: Tensor, second: Tensor) -> Tensor:
    """Return the mean over channels of Pearson's correlation over all images and places.

    Args:
        first: Maps (B, C, h, w).
        second: Maps (B, C, h, w).

    Returns:
        A scalar from -1 to 1; a constant channel counts as uncorrelated.
    """
    a, b = (_standardised(maps) for maps in (first, second))
    return (a * b).mean()


def _standardised(maps: Tensor) -> Tensor:
    x = maps.float().transpose(0, 1).flatten(1)
    x = x - x.mean(dim=1, keepdim=True)
    return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + _LEAST_VARIANCE)


def _pairs(backbone: Backbone, teacher: Backbone) -> list[tuple[int, int]]:
    """Return which map of one stands beside which of the other: the coarsest, from stride 16."""
    return [
        (backbone.strides.index(stride), teacher.strides.index(stride))
        for stride in _COARSEST_STRIDES
        if stride in backbone.strides and stride in teacher.strides
    ]
