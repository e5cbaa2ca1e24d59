"""SHDIQA: first a teacher that names distortions block by block, then a student of it."""

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from biqa_cli.errors import UsageError
from biqa_cli.models.networks import build_trunk
from biqa_cli.models.shdiqa import SHDIQA, Partition, SHDIQATeacher
from biqa_cli.training.data import Arrays, Extras, normalised
from biqa_cli.training.degradation import degrade_blocks
from biqa_cli.training.families.base import Batch, Phase, Setting, Terms
from biqa_cli.training.losses.shdiqa import quality_loss, shdiqa_loss, teacher_loss
from biqa_cli.training.photos import Pixels
from biqa_cli.training.trunks import trunk_slots


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
    def loss(batch: Batch) -> Terms:
        return {"loss": quality_loss(network(batch.images).scores, batch.labels)}

    return Phase(
        name="",
        epochs=setting.recipe.schedule.epochs,
        learner=network,
        network=network,
        prefix="",
        loss=loss,
        val_loss=F.smooth_l1_loss,
    )


def _teaching(setting: Setting, teacher: SHDIQATeacher) -> Phase:
    def loss(batch: Batch) -> Terms:
        found = teacher(normalised(batch.extras["degraded"], setting.contract))
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
    )


def _learning(
    setting: Setting, network: SHDIQA, teacher: SHDIQATeacher, weights: list[float]
) -> Phase:
    width = network.decoder.panels.shape[1]
    student = Student(network, width=width)

    def freeze_teacher() -> None:
        teacher.eval().requires_grad_(requires_grad=False)

    def loss(batch: Batch) -> Terms:
        degraded = normalised(batch.extras["degraded"], setting.contract)
        scores = network(batch.images).scores
        with torch.no_grad():
            taught = cast("Tensor", teacher(degraded).block_tokens)
        terms = shdiqa_loss(
            scores,
            batch.labels,
            student=student.projector(network.block_tokens(degraded)),
            teacher=taught,
            types=batch.extras["types"],
            contrastive_weight=weights[0],
            affinity_weight=weights[1],
        )
        return {
            "loss": terms.total,
            "quality": terms.quality,
            "contrastive": terms.contrastive,
            "affinity": terms.affinity,
        }

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
    )


def _teacher(setting: Setting, network: SHDIQA) -> SHDIQATeacher:
    """Return a teacher of the student's sizes that starts from the same trunk."""
    vit = network.encoder.vit
    teacher = SHDIQATeacher(
        build_trunk(setting.recipe.trunks[0]),
        partition=_partition(setting),
        depth=len(vit.blocks),
        input_size=vit.input_size,
    )
    for slot in trunk_slots(setting.recipe):
        name = slot.prefix.rstrip(".")
        teacher.get_submodule(name).load_state_dict(network.get_submodule(name).state_dict())
    return teacher


def _partition(setting: Setting) -> Partition:
    return cast("Partition", setting.recipe.network["partition"])


def _degrading(setting: Setting) -> Extras:
    """Return what degrades each block of a crop in its own way."""
    partition = _partition(setting)

    def degrade(crop: Pixels, rng: np.random.Generator) -> Arrays:
        image = crop.transpose(2, 0, 1).astype(np.float32, order="C") / np.float32(255)
        made = degrade_blocks(image, seed=rng, partition=partition)
        pixels = np.rint(made.image * 255).astype(np.uint8).transpose(1, 2, 0)
        return {"degraded": pixels, "types": made.types, "levels": made.levels}

    return degrade
