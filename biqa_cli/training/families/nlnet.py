"""NLNet: quality, ranking of pairs, and the type of distortion where the data set has types.

Reference:
    Jia et al., "No-reference Image Quality Assessment via Non-local Dependency Modeling",
    MMSP 2022; terms and weights as in the authors' released code.
"""

from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from biqa_cli.images.view_store import Pixels
from biqa_cli.networks.nlnet import NLNet
from biqa_cli.networks.superpixels import superpixel_nodes
from biqa_cli.recipes.record import NLNetLoss
from biqa_cli.training.augmentation import Arrays
from biqa_cli.training.batch import Batch, output_of
from biqa_cli.training.families.base import Phase, Setting, Terms
from biqa_cli.training.families.monotonicity import with_degraded
from biqa_cli.training.families.qualitynet import with_plcc

QUALITY_WEIGHT = 100.0


class NLNetPhase(Phase):
    """The one phase of NLNet."""

    loss_settings: NLNetLoss
    cached_by = ("branches", "patch", "nodes", "pixels")

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.noisy = self._nlnet.local_features
        # A whole photo is cut into its patches by the network, as when it is scored.
        self.is_whole = setting.recipe.input.crop == 0
        if setting.recipe.network["branches"] != "local" and not self.is_whole:
            self.extras = self._superpixels

    @property
    def _nlnet(self) -> NLNet:
        return cast("NLNet", self.learner)

    def loss(self, batch: Batch) -> Terms:
        """Return L = 100 · L_q + L_r + L_t, and QualityNet's second term if asked for."""
        if self.is_whole:
            output = output_of(self.learner, batch)
        else:
            output = self._nlnet.from_nodes(batch.inputs[:, None], batch.extras.get("nodes"))
        rated = len(batch.labels)
        scores, labels = output.scores[:rated], batch.labels
        quality, ranking = F.smooth_l1_loss(scores.float(), labels), ranking_loss(scores, labels)
        terms = {
            "loss": QUALITY_WEIGHT * quality + ranking,
            "quality": quality,
            "ranking": ranking,
        }
        terms["loss"] = with_plcc(
            terms["loss"], scores, labels, weight=self.loss_settings.plcc_weight
        )
        if output.type_logits is not None:
            terms["type"] = F.cross_entropy(output.type_logits[:rated].float(), batch.types)
            terms["loss"] = terms["loss"] + terms["type"]
        return with_degraded(terms, output.scores, batch, self.setting)

    def val_loss(self, predicted: Tensor, labels: Tensor) -> Tensor:
        """Return L_q, the smooth L1 distance."""
        return F.smooth_l1_loss(predicted, labels)

    def _superpixels(self, crop: Pixels, _rng: np.random.Generator) -> Arrays:
        network = self._nlnet
        found = superpixel_nodes(crop[None], nodes=network.nodes, pixels=network.pixels)
        return {"nodes": found.features}


def ranking_loss(predicted: Tensor, mos: Tensor) -> Tensor:
    """Return L_r, the smooth L1 distance of the differences of all pairs of scores (B,)."""
    i, j = torch.triu_indices(len(predicted), len(predicted), offset=1, device=predicted.device)
    predicted, mos = predicted.float(), mos.float()
    return F.smooth_l1_loss(predicted[i] - predicted[j], mos[i] - mos[j])
