"""REQA: micro-batches of five, and four stages that move from the first step to the last."""

from torch.nn import functional as F

from biqa_cli.training.families.base import Batch, Phase, Setting, Terms, output_of, with_order
from biqa_cli.training.losses.reqa import (
    STAGES,
    coarse_to_fine_loss,
    micro_batches,
    stage_weights,
)


def phases(setting: Setting) -> tuple[Phase, ...]:
    """Return the one phase of REQA; its stages are weights of the same loss (eq. 14)."""
    recipe = setting.recipe
    network = setting.build()
    epochs, first = recipe.schedule.epochs, int(recipe.loss_number("first_stage"))
    # Stages that do not exist are told at once.
    stage_weights(first)

    def loss(batch: Batch) -> Terms:
        found = output_of(network, batch).step_scores.float()
        step_scores = found[: len(batch.labels)]
        total = coarse_to_fine_loss(
            step_scores,
            batch.labels,
            groups=micro_batches(batch.labels, generator=batch.generator),
            weights=stage_weights(
                stage_of(batch.epoch, epochs=epochs, first=first), steps=step_scores.shape[1]
            ),
            coarse=bool(recipe.loss["coarse"]),
            fine=bool(recipe.loss["fine"]),
        )
        terms = {"loss": total, "mae": F.l1_loss(step_scores[:, -1], batch.labels)}
        return with_order(terms, found[:, -1], batch)

    return (
        Phase(
            name="",
            epochs=epochs,
            learner=network,
            network=network,
            prefix="",
            loss=loss,
            val_loss=F.l1_loss,
        ),
    )


def stage_of(epoch: int, *, epochs: int, first: int = 1) -> int:
    """Return the stage, from the first to 4, of an epoch counted from 0; stages are equally long.

    Example:
        >>> [stage_of(epoch, epochs=40) for epoch in (0, 9, 10, 39)]
        [1, 1, 2, 4]
        >>> [stage_of(epoch, epochs=2, first=3) for epoch in (0, 1)]
        [3, 4]
    """
    return first + epoch * (STAGES - first + 1) // epochs
