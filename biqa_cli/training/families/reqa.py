"""REQA: micro-batches of five, and four stages that move from the first step to the last."""

from torch.nn import functional as F

from biqa_cli.training.families.base import Batch, Phase, Setting, Terms
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
    epochs = recipe.schedule.epochs

    def loss(batch: Batch) -> Terms:
        step_scores = network(batch.images).step_scores.float()
        total = coarse_to_fine_loss(
            step_scores,
            batch.labels,
            groups=micro_batches(batch.labels, generator=batch.generator),
            weights=stage_weights(stage_of(batch.epoch, epochs=epochs), steps=step_scores.shape[1]),
            coarse=bool(recipe.loss["coarse"]),
            fine=bool(recipe.loss["fine"]),
        )
        return {"loss": total, "mae": F.l1_loss(step_scores[:, -1], batch.labels)}

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


def stage_of(epoch: int, *, epochs: int) -> int:
    """Return the stage, 1 to 4, of an epoch counted from 0; stages are equally long.

    Example:
        >>> [stage_of(epoch, epochs=40) for epoch in (0, 9, 10, 39)]
        [1, 1, 2, 4]
    """
    return 1 + epoch * STAGES // epochs
