"""BlockIQA: squared error on labels of 0 to 1 (eq. 12)."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from biqa_cli.networks.blockiqa import BlockIQA
from biqa_cli.recipes.record import BlockIQALoss
from biqa_cli.training.batch import Batch, output_of
from biqa_cli.training.families.base import Phase, Setting, Terms
from biqa_cli.training.families.heads import project_at_random
from biqa_cli.training.families.monotonicity import with_degraded
from biqa_cli.training.families.qualitynet import with_plcc

_SMOOTHING_GAIN = 0.3


class BlockIQAPhase(Phase):
    """The one phase of BlockIQA."""

    loss_settings: BlockIQALoss
    cached_by = ("blocks", "use_afel")

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        if setting.head_is_new and setting.recipe.optimiser.trainable != "all":
            take_filters_of_the_stem(cast("BlockIQA", self.learner))

    def loss(self, batch: Batch) -> Terms:
        """Return the mean squared error (eq. 12), and QualityNet's second term if asked for."""
        scores = output_of(self.learner, batch).scores.float()
        rated = batch.part(scores, "rated")
        squared = self.val_loss(rated, batch.labels)
        total = with_plcc(squared, rated, batch.labels, weight=self.loss_settings.plcc_weight)
        return with_degraded({"loss": total}, scores, batch, self.setting)

    def val_loss(self, predicted: Tensor, labels: Tensor) -> Tensor:
        """Return the mean squared error."""
        return F.mse_loss(predicted, labels)

    def init_head(self, features: Tensor) -> None:
        """Start pyramid and AFEL as random projections of standardised features.

        The maps of a backbone have means and spreads that differ by orders of magnitude: from the
        usual initialisation a head on EfficientNet-Lite0 reached SRCC 0.79 on BIQ2021's `val`,
        from this one 0.84.
        """
        network = cast("BlockIQA", self.learner)
        levels, responses = network.parts_of(features)
        with torch.no_grad():
            for lateral, level in zip(network.fpn.lateral, levels, strict=True):
                # The middle one of the nine windows is the whole map; the last channel is of ones.
                project_at_random(cast("nn.Conv2d", lateral), level[0][:, 4, :-1])
            for first, smooth in enumerate(network.fpn.smooth):
                kernel = cast("nn.Conv2d", smooth)
                kernel.weight.zero_()
                cast("Tensor", kernel.bias).zero_()
                rotation, _ = torch.linalg.qr(torch.randn(kernel.weight.shape[:2]))
                # The map of a level is the sum of all coarser ones.
                gain = _SMOOTHING_GAIN / (len(levels) - first) ** 0.5
                kernel.weight[:, :, 1, 1] = gain * rotation.to(kernel.weight)
            if network.afel is not None:
                project_at_random(network.afel.project, responses)


def take_filters_of_the_stem(network: BlockIQA) -> None:
    """Take AFEL's frozen filters from the backbone, where its stem has 3×3 filters.

    32 filters and their negatives are AFEL's 64: rectified, they measure both signs of each
    filter's response. Filters that stay random would tell less.
    """
    stem = getattr(network.backbone, "stem", None)
    if network.afel is None or not isinstance(stem, nn.Sequential):
        return
    ours, conv, norm = network.afel.conv, stem[0], stem[1]
    if not (isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)):
        return
    folded = fuse_conv_bn_eval(conv.eval(), norm.eval())
    weight, bias = folded.weight, cast("Tensor", folded.bias)
    if (2 * len(weight), *weight.shape[1:]) == ours.weight.shape:
        with torch.no_grad():
            ours.weight.copy_(torch.cat([weight, -weight]))
            cast("Tensor", ours.bias).copy_(torch.cat([bias, -bias]))
