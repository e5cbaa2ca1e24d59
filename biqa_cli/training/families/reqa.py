"""REQA: order and distances at the first step, ever less tolerance at the others.

The four stages of the training are weights of the same loss (eq. 14).
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from biqa_cli.errors import UsageError
from biqa_cli.recipes.record import REQALoss
from biqa_cli.training.batch import Batch, output_of
from biqa_cli.training.families.base import Phase, Terms

_SIGMA = 1e-4
_MICRO_BATCH = 5
_FIRST_TOLERANCE = 5.0

# w_1 … w_4 as section IV-A(3) prints them; what it leaves out is 0.
_PRINTED_WEIGHTS = (
    (0.25, 0.5, 0.25 / 3, 0.25 / 3),
    (0.0, 0.5, 0.25, 0.25),
    (0.0, 0.25, 0.5, 0.25),
    (0.25, 0.25, 0.25, 0.5),
)
STAGES = len(_PRINTED_WEIGHTS)


class REQAPhase(Phase):
    """The one phase of REQA. Its backbone learns, so that nothing is cached."""

    loss_settings: REQALoss

    def loss(self, batch: Batch) -> Terms:
        """Return the loss of the stage that the epoch belongs to (eq. 14)."""
        step_scores = output_of(self.learner, batch).step_scores.float()
        stage = stage_of(batch.epoch, epochs=self.epochs, first=self.loss_settings.first_stage)
        total = coarse_to_fine_loss(
            step_scores,
            batch.labels,
            groups=micro_batches(batch.labels, generator=batch.generator),
            weights=stage_weights(stage, steps=step_scores.shape[1]),
            coarse=self.loss_settings.coarse,
            fine=self.loss_settings.fine,
        )
        return {"loss": total, "mae": F.l1_loss(step_scores[:, -1], batch.labels)}

    def val_loss(self, predicted: Tensor, labels: Tensor) -> Tensor:
        """Return the mean absolute error."""
        return F.l1_loss(predicted, labels)


def stage_of(epoch: int, *, epochs: int, first: int = 1) -> int:
    """Return the stage, from the first to 4, of an epoch counted from 0; stages are equally long.

    Example:
        >>> [stage_of(epoch, epochs=40) for epoch in (0, 9, 10, 39)]
        [1, 1, 2, 4]
        >>> [stage_of(epoch, epochs=2, first=3) for epoch in (0, 1)]
        [3, 4]
    """
    return first + epoch * (STAGES - first + 1) // epochs


def stage_weights(stage: int, *, steps: int = 4) -> tuple[float, ...]:
    """Return w_1 … w_T of one stage of the training; they sum to 1.

    For T = 4 the printed table, each row divided by its sum. For other T the paper has no
    table: a quarter for the first step and the rest in proportion 1 : 2 : … at every stage.

    Reference:
        REQA, eq. 14 and section IV-A(3).

    Example:
        >>> stage_weights(3)
        (0.0, 0.25, 0.5, 0.25)
        >>> stage_weights(1, steps=3)
        (0.25, 0.25, 0.5)
    """
    printed = _PRINTED_WEIGHTS[stage - 1]
    if steps == len(printed):
        return tuple(weight / sum(printed) for weight in printed)
    rising = range(1, steps)
    return (0.25, *(0.75 * t / sum(rising) for t in rising))


def tolerances(steps: int) -> tuple[float, ...]:
    """Return l_2 … l_T, falling from 5 to 0 in equal steps; 5, 2.5, 0 for the paper's T = 4.

    Reference:
        REQA, section III-C.2; T other than 4 is our reading.

    Example:
        >>> tolerances(4), tolerances(2)
        ((5.0, 2.5, 0.0), (0.0,))
    """
    return tuple(_FIRST_TOLERANCE * (steps - t) / max(steps - 2, 1) for t in range(2, steps + 1))


def micro_batches(mos: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    """Return the indices (M, 5) of micro-batches, each of five photos of different quality.

    The batch is sorted by MOS and cut into five ranks of equal size; each micro-batch has one
    photo of each rank, and no photo is drawn twice (REQA, section III-C.1).

    Args:
        mos: Labels of the batch (K,); M = ⌊K / 5⌋.
        generator: On the CPU; draws within the ranks.

    Raises:
        UsageError: If the batch has fewer than five photos.
    """
    count = len(mos) // _MICRO_BATCH
    if count < 1:
        msg = f"a micro-batch has {_MICRO_BATCH} photos, so a batch needs as many, got {len(mos)}"
        raise UsageError(msg)
    ranks = mos.argsort().tensor_split(_MICRO_BATCH)
    drawn = [
        rank[torch.randperm(len(rank), generator=generator)[:count].to(rank.device)]
        for rank in ranks
    ]
    return torch.stack(drawn, dim=1)


def rank_loss(mos_difference: Tensor, score_difference: Tensor) -> Tensor:
    """Return L_rank of s_i - s_j and F_i - F_j at the first step, 0 in the right order (eq. 9).

    Example:
        >>> rank_loss(torch.tensor(2.0), torch.tensor(-3.0))  # 6 / 2.0001 · 3
        tensor(8.9996)
    """
    distance = mos_difference.abs()
    wrong = -mos_difference * score_difference / (distance + _SIGMA)
    return wrong.clamp_min(0) * (distance + 1)


def gradient_loss(mos_difference: Tensor, score_difference: Tensor) -> Tensor:
    """Return L_gradient of the same, 0 where the distances agree (eq. 11)."""
    return (mos_difference.abs() - score_difference.abs()).abs()


def coarse_loss(predicted: Tensor, mos: Tensor) -> Tensor:
    """Return L_coarse as a mean over the ten pairs of each micro-batch (eq. 12).

    The paper sums over pairs; the mean is commensurate with the tolerance loss. Both F_1 and
    labels are (M, 5), 0 to 100.
    """
    i, j = torch.triu_indices(mos.shape[1], mos.shape[1], offset=1, device=mos.device)
    mos_difference = mos[:, i] - mos[:, j]
    score_difference = predicted[:, i] - predicted[:, j]
    pairs = rank_loss(mos_difference, score_difference) + gradient_loss(
        mos_difference, score_difference
    )
    return pairs.mean()


def tolerance_loss(predicted: Tensor, mos: Tensor, *, tolerance: float) -> Tensor:
    """Return L_fine, the mean of what |s - F_t| (B,) exceeds the tolerance l_t by (eq. 13)."""
    return ((predicted - mos).abs() - tolerance).clamp_min(0).mean()


def coarse_to_fine_loss(
    step_scores: Tensor,
    mos: Tensor,
    *,
    groups: Tensor,
    weights: Sequence[float],
    coarse: bool = True,
    fine: bool = True,
) -> Tensor:
    """Return w_1 · L_coarse + Σ w_t · L_fine,t (eq. 14), computed in float32.

    Args:
        step_scores: F_t (B, T), 0 to 100.
        mos: Labels (B,), 0 to 100.
        groups: Indices (M, 5) of the micro-batches, from `micro_batches`.
        weights: w_1 … w_T, from `stage_weights`.
        coarse: Whether the first step has its own loss, else the absolute error (Table VI).
        fine: Whether the other steps have a tolerance, else the absolute error (Table VI).
    """
    step_scores, mos = step_scores.float(), mos.float()
    first, *others = step_scores.unbind(1)
    allowed = tolerances(step_scores.shape[1]) if fine else (0.0,) * len(others)
    losses = [
        tolerance_loss(f, mos, tolerance=limit)
        for f, limit in zip((first, *others), (0.0, *allowed), strict=True)
    ]
    if coarse:
        losses[0] = coarse_loss(first[groups], mos[groups])
    return torch.stack([w * loss for w, loss in zip(weights, losses, strict=True)]).sum()
