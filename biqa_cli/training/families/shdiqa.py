"""SHDIQA: first a teacher that names distortions block by block, then a student of it."""

from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from biqa_cli.errors import UsageError
from biqa_cli.models.build import build_backbone
from biqa_cli.networks.shdiqa import SHDIQA, BlockEncoder, Partition, SHDIQATeacher
from biqa_cli.training.backbones import backbone_slots
from biqa_cli.training.data import Arrays, Extras, normalised
from biqa_cli.training.degradation import degrade_pixels
from biqa_cli.training.families.base import (
    Batch,
    Blockwise,
    Phase,
    Setting,
    Terms,
    output_of,
    with_order,
)
from biqa_cli.training.families.start import project_at_random
from biqa_cli.training.losses.shdiqa import quality_loss, shdiqa_loss, teacher_loss
from biqa_cli.training.photos import Pixels

_POOLED_BY = ("patch", "levels")


class Student(nn.Module):
    """The network that scores, and the projector φ that only distillation needs."""

    def __init__(self, network: SHDIQA, *, width: int) -> None:
        super().__init__()
        self.network = network
        self.projector = nn.Linear(width, width)


def phases(setting: Setting) -> tuple[Phase, ...]:
    """Return the teacher's phase and the student's; without distillation the student's alone."""
    recipe = setting.recipe
    network = cast("SHDIQA", setting.build())
    weights = [recipe.loss_number(key) for key in ("contrastive_weight", "affinity_weight")]
    if not (recipe.network["use_baf"] and any(weights)):
        return (_alone(setting, network),)
    if recipe.loss_number("teacher_epochs") < 1:
        msg = (
            "without a trained teacher there is nothing to distil: set teacher_epochs to 1 or "
            "more, or contrastive_weight and affinity_weight to 0"
        )
        raise UsageError(msg)
    teacher = _teacher(setting, network)
    return (_teaching(setting, teacher), _learning(setting, network, teacher, weights))


def _alone(setting: Setting, network: SHDIQA) -> Phase:
    beta, plcc_weight = (setting.recipe.loss_number(key) for key in ("beta", "plcc_weight"))

    def loss(batch: Batch) -> Terms:
        scores = output_of(network, batch).scores
        rated = scores[: len(batch.labels)]
        terms = {"loss": quality_loss(rated, batch.labels, beta=beta, plcc_weight=plcc_weight)}
        return with_order(terms, scores, batch)

    return Phase(
        name="",
        epochs=setting.recipe.schedule.epochs,
        learner=network,
        network=network,
        prefix="",
        loss=loss,
        val_loss=F.smooth_l1_loss,
        meet=_meet(network.encoder) if setting.head_is_new() else None,
        pooled_by=_POOLED_BY,
    )


def _meet(encoder: BlockEncoder) -> Callable[[Tensor], None] | None:
    """Return what starts the projection to tokens from standardised features."""
    project = encoder.vit.embedding.project
    if not isinstance(project, nn.Conv2d):
        return None

    def meet(pooled: Tensor) -> None:
        places = pooled.flatten(2).transpose(1, 2).flatten(0, 1)
        with torch.no_grad():
            project_at_random(project, places)

    return meet


def _teaching(setting: Setting, teacher: SHDIQATeacher) -> Phase:
    def loss(batch: Batch) -> Terms:
        found = teacher.from_pooled(_pooled_of_degraded(batch, setting, teacher))
        types, levels = batch.extras["types"], batch.extras["levels"]
        right = (found.type_logits.argmax(dim=-1) == types).float().mean()
        total = teacher_loss(found.type_logits, found.level_logits, types, levels)
        return {"loss": total, "types right": right}

    return Phase(
        name="teacher",
        epochs=int(setting.recipe.loss_number("teacher_epochs")),
        learner=teacher,
        network=None,
        prefix="",
        loss=loss,
        val_loss=F.smooth_l1_loss,
        extras=_degrading(setting),
        meet=_meet(teacher.encoder),
        blockwise=_blockwise(setting),
        pooled_by=_POOLED_BY,
    )


def _learning(
    setting: Setting, network: SHDIQA, teacher: SHDIQATeacher, weights: list[float]
) -> Phase:
    width = network.decoder.panels.shape[1]
    student = Student(network, width=width)

    def freeze_teacher() -> None:
        teacher.eval().requires_grad_(requires_grad=False)

    def loss(batch: Batch) -> Terms:
        scores = output_of(network, batch).scores
        degraded = _pooled_of_degraded(batch, setting, network)
        with torch.no_grad():
            pooled = _pooled_of_degraded(batch, setting, teacher)
            taught = teacher.from_pooled(pooled).block_tokens
        terms = shdiqa_loss(
            scores[: len(batch.labels)],
            batch.labels,
            student=student.projector(network.block_tokens_of(degraded)),
            teacher=taught,
            types=batch.extras["types"],
            contrastive_weight=weights[0],
            affinity_weight=weights[1],
            beta=setting.recipe.loss_number("beta"),
            plcc_weight=setting.recipe.loss_number("plcc_weight"),
        )
        found = {
            "loss": terms.total,
            "quality": terms.quality,
            "contrastive": terms.contrastive,
            "affinity": terms.affinity,
        }
        return with_order(found, scores, batch)

    return Phase(
        name="student",
        epochs=setting.recipe.schedule.epochs,
        learner=student,
        network=network,
        prefix="network.",
        loss=loss,
        val_loss=F.smooth_l1_loss,
        extras=_degrading(setting),
        before=freeze_teacher,
        meet=_meet(network.encoder) if setting.head_is_new() else None,
        blockwise=_blockwise(setting),
        pooled_by=_POOLED_BY,
    )


def _teacher(setting: Setting, network: SHDIQA) -> SHDIQATeacher:
    """Return a teacher of the student's sizes that starts from the same backbone."""
    vit = network.encoder.vit
    teacher = SHDIQATeacher(
        build_backbone(setting.recipe.backbones[0]),
        partition=_partition(setting),
        **vit.sizes,
    )
    for slot in backbone_slots(setting.recipe):
        name = slot.prefix.rstrip(".")
        teacher.get_submodule(name).load_state_dict(network.get_submodule(name).state_dict())
    return teacher


def _partition(setting: Setting) -> Partition:
    return cast("Partition", setting.recipe.network["partition"])


def _blockwise(setting: Setting) -> Blockwise:
    photos = int(setting.recipe.loss_number("degraded_photos"))
    return Blockwise(_partition(setting), photos)


def _degrading(setting: Setting) -> Extras:
    """Return what degrades each block of a crop in its own way."""
    partition = _partition(setting)

    def degrade(crop: Pixels, rng: np.random.Generator) -> Arrays:
        degraded, types, levels = degrade_pixels(crop, rng, partition=partition)
        return {"degraded": degraded, "types": types, "levels": levels}

    return degrade


def _pooled_of_degraded(batch: Batch, setting: Setting, network: SHDIQA | SHDIQATeacher) -> Tensor:
    """Return what a network reads of degraded crops, from the backbone or from what is kept."""
    degraded = batch.extras["degraded"]
    if batch.is_pooled:
        return degraded.float()
    return network.pooled(normalised(degraded, setting.contract))
