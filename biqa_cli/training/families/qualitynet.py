"""QualityNet: absolute error and correlation of the batch (eqs. 38 to 40)."""

from typing import cast

import torch
from torch import Tensor, nn

from biqa_cli.networks.qualitynet import QualityNet
from biqa_cli.recipes.record import QualityNetLoss
from biqa_cli.training.batch import Batch, Cacheable, output_of, with_pooled
from biqa_cli.training.families.base import Phase, Setting, Terms
from biqa_cli.training.families.flaw_terms import with_examples
from biqa_cli.training.families.heads import project_at_random, reset
from biqa_cli.training.families.monotonicity import with_degraded

_NARROW = 1.0
_WEIGHT_OF_WIDE, _WEIGHT_OF_NARROW = 1.0, 10.0
# Keeps the correlation of constant predictions, and its gradient, finite.
_DEVIATION_FLOOR = 1e-8


class QualityNetPhase(Phase):
    """The one phase of QualityNet."""

    loss_settings: QualityNetLoss
    cached_by = ("chains", "levels", "pooling")

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.mae_weight = mae_weight_of(
            self.loss_settings.mae_weight, label_span=setting.label_span
        )

    def loss(self, batch: Batch) -> Terms:
        """Return L_total (eq. 38)."""
        if batch.is_cached or (batch.examples is None and batch.also is None):
            return self._loss(batch)
        batch = with_pooled(cast("Cacheable", self.learner), batch)
        # In bfloat16 a strength that is nearly 1 would be 1, and its cross entropy jump.
        with torch.autocast(batch.inputs.device.type, enabled=False):
            return self._loss(batch)

    def _loss(self, batch: Batch) -> Terms:
        output = output_of(self.learner, batch)
        scores = output.rated.float()
        rated = batch.part(scores, "rated")
        terms = {
            "loss": self.val_loss(rated, batch.labels),
            "mae": (rated - batch.labels).abs().mean(),
            "1-plcc": plcc_loss(rated, batch.labels),
        }
        if batch.also is not None:
            # Scales are never mixed: of another data set, only what goes with its labels counts.
            terms["also"] = plcc_loss(batch.part(scores, "also"), batch.also.labels)
            terms["loss"] = terms["loss"] + self.setting.recipe.also.weight * terms["also"]
        return with_examples(
            with_degraded(terms, scores, batch, self.setting),
            cast("QualityNet", self.learner),
            scores,
            batch,
            weights=self.setting.recipe.examples,
            label_span=self.setting.label_span,
        )

    def val_loss(self, predicted: Tensor, labels: Tensor) -> Tensor:
        """Return the same of all validation photos."""
        weights = {"mae_weight": self.mae_weight, "plcc_weight": self.loss_settings.plcc_weight}
        return quality_aware_loss(predicted, labels, **weights)

    def init_head(self, features: Tensor) -> None:
        """Start the heads that are new as random projections of standardised features."""
        network = cast("QualityNet", self.learner)
        if self.setting.head_is_new:
            with torch.no_grad():
                found = network.eval().from_pooled(features).features
            project_at_random(cast("nn.Linear", network.head[0]), found)
        if network.flaw_head is not None:
            if self.setting.recipe.optimiser.trainable == "flaws":
                reset(network.flaw_head)
            project_at_random(cast("nn.Linear", network.flaw_head[0]), features)


def mae_weight_of(value: float | str, *, label_span: float) -> float:
    """Return λ1: a number as it is, "auto" as the authors choose it for the labels.

    Example:
        >>> mae_weight_of("auto", label_span=100.0), mae_weight_of("auto", label_span=1.0)
        (1.0, 10.0)
    """
    if value != "auto":
        return float(value)
    return _WEIGHT_OF_NARROW if label_span <= _NARROW else _WEIGHT_OF_WIDE


def quality_aware_loss(
    predicted: Tensor, mos: Tensor, *, mae_weight: float = 1.0, plcc_weight: float = 10.0
) -> Tensor:
    """Return λ1 · MAE + λ2 · (1 - PLCC) of a batch, at least 0, 0 if predicted equals mos.

    The two terms balance for labels of 0 to 9 or 0 to 100; for labels of 0 to 1 the authors
    train with (10, 10).

    Args:
        predicted: Scores (B,). The loss is computed in float32.
        mos: Labels (B,), B at least 2 for the second term to count.
        mae_weight: λ1.
        plcc_weight: λ2.
    """
    predicted, mos = predicted.float(), mos.float()
    error = (predicted - mos).abs().mean()
    return mae_weight * error + plcc_weight * plcc_loss(predicted, mos)


def with_plcc(loss: Tensor, predicted: Tensor, mos: Tensor, *, weight: float) -> Tensor:
    """Return another family's loss with λ2 · (1 - PLCC) added, the loss itself if λ2 is 0."""
    return loss + weight * plcc_loss(predicted, mos) if weight else loss


def plcc_loss(predicted: Tensor, mos: Tensor) -> Tensor:
    """Return 1 - PLCC (eq. 40) of a batch, from 0 (aligned) over 1 (unrelated) to 2 (reversed).

    Where all labels are equal there is no correlation to learn: the loss is 0. Where all
    predictions are equal it is 1.
    """
    p, q = predicted.float(), mos.float()
    p, q = p - p.mean(), q - q.mean()
    variances = (p * p).mean() * (q * q).mean()
    plcc = (p * q).mean() / variances.clamp_min(_DEVIATION_FLOOR**2).sqrt()
    return torch.where((mos == mos[:1]).all(), torch.zeros_like(plcc), 1 - plcc)
