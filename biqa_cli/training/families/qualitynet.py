"""QualityNet: absolute error and correlation of the batch (eqs. 38 to 40)."""

from typing import cast

import torch
from torch import Tensor, nn

from biqa_cli.networks.qualitynet import QualityNet
from biqa_cli.training.families.base import Batch, Phase, Setting, Terms, output_of, with_order
from biqa_cli.training.families.start import project_at_random
from biqa_cli.training.losses.qualitynet import plcc_loss, quality_aware_loss

_NARROW = 1.0
_WEIGHT_OF_WIDE, _WEIGHT_OF_NARROW = 1.0, 10.0


def phases(setting: Setting) -> tuple[Phase, ...]:
    """Return the one phase of QualityNet."""
    recipe = setting.recipe
    network = cast("QualityNet", setting.build())
    mae_weight = mae_weight_of(recipe.loss["mae_weight"], label_span=setting.label_span)
    plcc_weight = recipe.loss_number("plcc_weight")

    def total(predicted: Tensor, labels: Tensor) -> Tensor:
        return quality_aware_loss(predicted, labels, mae_weight=mae_weight, plcc_weight=plcc_weight)

    def loss(batch: Batch) -> Terms:
        scores = output_of(network, batch).scores.float()
        rated = scores[: len(batch.labels)]
        terms = {
            "loss": total(rated, batch.labels),
            "mae": (rated - batch.labels).abs().mean(),
            "1-plcc": plcc_loss(rated, batch.labels),
        }
        return with_order(terms, scores, batch)

    def meet(pooled: Tensor) -> None:
        with torch.no_grad():
            features = network.eval().from_pooled(pooled).features
        project_at_random(cast("nn.Linear", network.head[0]), features)

    return (
        Phase(
            name="",
            epochs=recipe.schedule.epochs,
            learner=network,
            network=network,
            prefix="",
            loss=loss,
            val_loss=total,
            pooled_by=("chains", "levels") if recipe.network["order"] == "gap_first" else None,
            meet=meet if setting.head_is_new() else None,
        ),
    )


def mae_weight_of(value: float | str, *, label_span: float) -> float:
    """Return λ1: a number as it is, "auto" as the authors choose it for the labels.

    Example:
        >>> mae_weight_of("auto", label_span=100.0), mae_weight_of("auto", label_span=1.0)
        (1.0, 10.0)
    """
    if value != "auto":
        return float(value)
    return _WEIGHT_OF_NARROW if label_span <= _NARROW else _WEIGHT_OF_WIDE
