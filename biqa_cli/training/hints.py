"""Hints: what a trained trunk makes of each place of a photo, for another trunk to imitate.

A label says one number of a photo, the maps of a trunk that has learnt to see quality say
thousands: a trunk that starts far from quality comes near it in fewer steps.

Reference:
    Romero et al., "FitNets: Hints for Thin Deep Nets", ICLR 2015: a regressor maps the student's
    layer to the teacher's, eq. 3. The correlation in place of the distance is our choice: the
    channels of a trunk differ in size by orders of magnitude.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn

from biqa_cli.models.backbones import Trunk
from biqa_cli.models.networks import renormalisation
from biqa_cli.models.spec import TrunkName
from biqa_cli.training.families.base import Batch, Phase, Terms
from biqa_cli.training.trunks import TrunkSlot, normalisation_of

_COARSEST_STRIDES = (16, 32)
_LEAST_VARIANCE = 1e-12


class Hinted(nn.Module):
    """What learns in a phase, and the regressors from its trunk's maps to the teacher's.

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


def with_hints(
    phase: Phase, slot: TrunkSlot, teacher: nn.Module, name: TrunkName, *, weight: float
) -> Phase:
    """Return a phase whose trunk imitates another one beside what its loss asks.

    Args:
        phase: What to train.
        slot: The trunk in its network.
        teacher: What is imitated; it does not learn.
        name: Of the teacher.
        weight: Of the hints in the loss.
    """
    trunk = phase.learner.get_submodule((phase.prefix + slot.prefix).rstrip("."))
    shown, taught = cast("Trunk", trunk), cast("Trunk", teacher)
    pairs = _pairs(shown, taught)
    channels = [(shown.channels[ours], taught.channels[theirs]) for ours, theirs in pairs]
    learner = Hinted(phase.learner, channels)
    between = renormalisation(normalisation_of(slot.trunk), normalisation_of(name))
    scale, shift = (torch.tensor(channels).view(3, 1, 1) for channels in between)
    teacher.eval().requires_grad_(requires_grad=False)

    def loss(batch: Batch) -> Terms:
        seen: list[tuple[Tensor, tuple[Tensor, ...]]] = []
        handle = trunk.register_forward_hook(lambda _, images, maps: seen.append((images[0], maps)))
        try:
            terms = phase.loss(batch)
        finally:
            handle.remove()
        images, ours = seen[0]
        with torch.no_grad():
            theirs = taught(images * scale.to(images) + shift.to(images))
        missed = [
            1 - channel_correlation(regressor(ours[i]), theirs[j])
            for (i, j), regressor in zip(pairs, learner.regressors, strict=True)
        ]
        hint = torch.stack(missed).mean()
        return terms | {"loss": terms["loss"] + weight * hint, "hint": hint}

    return replace(phase, learner=learner, prefix=f"learner.{phase.prefix}", loss=loss)


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


def _pairs(trunk: Trunk, teacher: Trunk) -> list[tuple[int, int]]:
    """Return which map of one stands beside which of the other: the coarsest, from stride 16."""
    return [
        (trunk.strides.index(stride), teacher.strides.index(stride))
        for stride in _COARSEST_STRIDES
        if stride in trunk.strides and stride in teacher.strides
    ]
