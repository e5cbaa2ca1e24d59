"""BlockIQA: squared error on labels of 0 to 1 (eq. 12)."""

import math
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from biqa_cli.errors import UsageError
from biqa_cli.networks.backbones import StagedBackbone
from biqa_cli.networks.blockiqa import BlockIQA
from biqa_cli.training.data import Cut
from biqa_cli.training.families.base import Batch, Phase, Setting, Terms, output_of, with_order
from biqa_cli.training.families.start import project_at_random
from biqa_cli.training.losses.qualitynet import plcc_loss

_SMOOTHING_GAIN = 0.3


def phases(setting: Setting) -> tuple[Phase, ...]:
    """Return the one phase of BlockIQA."""
    network = cast("BlockIQA", setting.build())
    starts_anew = setting.head_is_new()
    plcc_weight = setting.recipe.loss_number("plcc_weight")
    trainable = setting.recipe.optimiser.trainable
    if starts_anew and trainable in ("head", "last"):
        _take_filters_of_the_stem(network)
    view = setting.recipe.input
    stops = trainable == "last" and view.is_whole and isinstance(network.backbone, StagedBackbone)
    if stops:
        network.learns_above = (view.height // network.blocks, view.width // network.blocks)
        network.window = view.window

    def loss(batch: Batch) -> Terms:
        scores = output_of(network, batch).scores.float()
        rated = scores[: len(batch.labels)]
        terms = {"loss": F.mse_loss(rated, batch.labels)}
        if plcc_weight:
            terms["loss"] = terms["loss"] + plcc_weight * plcc_loss(rated, batch.labels)
        return with_order(terms, scores, batch)

    def meet(pooled: Tensor) -> None:
        standardise(network, pooled)

    return (
        Phase(
            name="",
            epochs=setting.recipe.schedule.epochs,
            learner=network,
            network=network,
            prefix="",
            loss=loss,
            val_loss=F.mse_loss,
            pooled_by=("blocks", "use_afel"),
            keeps_below_last=stops,
            noisy=network.kept_means if stops else None,
            cut=_random_windows(network) if stops and view.window else None,
            meet=meet if starts_anew else None,
        ),
    )


def _random_windows(network: BlockIQA) -> Cut:
    """Return what cuts a window of C3, and of the teacher's last map if it is kept behind it.

    Raises:
        UsageError: If there is no such window.
    """
    fine, coarse = network.backbone.strides[-2:]
    (height, width, channels), side = network.kept_map, network.window
    count, times = side // coarse, coarse // fine
    last_y, last_x = height // times - count, width // times - count
    if side % coarse or min(last_y, last_x) < 0:
        msg = f"window must be a multiple of {coarse} that fits the view of a block, got {side}"
        raise UsageError(msg)
    rows, columns = math.ceil(height / times), math.ceil(width / times)

    def cut(kept: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
        y, x = rng.integers(last_y + 1), rng.integers(last_x + 1)
        means, c3, beside = np.split(
            kept, [network.kept_means, network.kept_means + height * width * channels], axis=1
        )
        c3 = c3.reshape(len(kept), height, width, channels)
        c3 = c3[:, y * times : (y + count) * times, x * times : (x + count) * times]
        beside = beside.reshape(len(kept), beside.shape[1] // (rows * columns), rows, columns)
        beside = beside[:, :, y : y + count, x : x + count]
        return np.concatenate([part.reshape(len(kept), -1) for part in (means, c3, beside)], axis=1)

    return cut


def standardise(network: BlockIQA, pooled: Tensor) -> None:
    """Start pyramid and AFEL as random projections of standardised features.

    The maps of a backbone have means and spreads that differ by orders of magnitude: from the
    usual initialisation a head on EfficientNet-Lite0 reached SRCC 0.79 on BIQ2021's `val`, from
    this one 0.84.

    Args:
        network: Changed in place.
        pooled: What `BlockIQA.pooled` returns for some photos (B, N, K).
    """
    levels, responses = network.parts_of(pooled)
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


def _take_filters_of_the_stem(network: BlockIQA) -> None:
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
