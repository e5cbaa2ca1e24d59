"""SHDIQA: first a teacher that names distortions block by block, then a student of it.

Reference:
    Li et al., "Distilling Spatially-Heterogeneous Distortion Perception for Blind Image Quality
    Assessment", CVPR 2025. The abstract names the terms; their equations are our reading.
"""

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from biqa_cli.distortions.blockwise import degrade_blocks
from biqa_cli.distortions.named_blocks import Partition
from biqa_cli.errors import UsageError
from biqa_cli.images.view_store import Pixels
from biqa_cli.models.build import build_backbone
from biqa_cli.networks.shdiqa import SHDIQA, BlockEncoder, SHDIQATeacher
from biqa_cli.recipes.record import SHDIQALoss
from biqa_cli.training.augmentation import Arrays, normalised
from biqa_cli.training.batch import Batch, output_of
from biqa_cli.training.families.base import Blockwise, Phase, Setting, Terms
from biqa_cli.training.families.heads import project_at_random
from biqa_cli.training.families.monotonicity import with_degraded
from biqa_cli.training.families.qualitynet import with_plcc
from biqa_cli.training.freezing import slots_of

TEMPERATURE = 0.1


def shdiqa_phases(setting: Setting) -> tuple[Phase, ...]:
    """Return the teacher's phase and the student's; without distillation the student's alone."""
    loss = cast("SHDIQALoss", setting.recipe.loss)
    if not (
        setting.recipe.network["use_baf"] and (loss.contrastive_weight or loss.affinity_weight)
    ):
        return (QualityPhase(setting),)
    if loss.teacher_epochs < 1:
        msg = (
            "without a trained teacher there is nothing to distil: set loss.teacher_epochs to 1 or "
            "more, or loss.contrastive_weight and loss.affinity_weight to 0"
        )
        raise UsageError(msg)
    teacher = TeacherPhase(setting)
    return (teacher, StudentPhase(setting, teacher.teacher))


class QualityPhase(Phase):
    """The network on its own: DEIQT's loss of quality."""

    loss_settings: SHDIQALoss
    cached_by = ("patch", "levels")

    def loss(self, batch: Batch) -> Terms:
        """Return L_q."""
        scores = output_of(cast("nn.Module", self.network), batch).scores
        return with_degraded({"loss": self._quality(scores, batch)}, scores, batch, self.setting)

    def val_loss(self, predicted: Tensor, labels: Tensor) -> Tensor:
        """Return the smooth L1 distance."""
        return F.smooth_l1_loss(predicted, labels)

    def init_head(self, features: Tensor) -> None:
        """Start the projection to tokens as a random one of standardised features."""
        _init_tokens(cast("SHDIQA", self.network).encoder, features)

    def _quality(self, scores: Tensor, batch: Batch) -> Tensor:
        rated = batch.part(scores, "rated")
        beta, plcc_weight = self.loss_settings.beta, self.loss_settings.plcc_weight
        return quality_loss(rated, batch.labels, beta=beta, plcc_weight=plcc_weight)


class TeacherPhase(Phase):
    """The teacher learns to tell type and level of the distortion of each block."""

    loss_settings: SHDIQALoss
    name = "teacher"
    cached_by = ("patch", "levels")

    def __init__(self, setting: Setting) -> None:
        self.teacher = _teacher_like(setting)
        super().__init__(setting, self.teacher)
        self.network = None
        self.epochs = self.loss_settings.teacher_epochs
        _learn_from_degraded(self)

    def loss(self, batch: Batch) -> Terms:
        """Return L_T, and the share of blocks whose type is right."""
        found = self.teacher.from_pooled(_pooled_of_degraded(batch, self.setting, self.teacher))
        types, levels = batch.extras["types"], batch.extras["levels"]
        right = (found.type_logits.argmax(dim=-1) == types).float().mean()
        total = teacher_loss(found.type_logits, found.level_logits, types, levels)
        return {"loss": total, "types right": right}

    def val_loss(self, predicted: Tensor, labels: Tensor) -> Tensor:
        """Raise: a teacher scores nothing."""
        raise NotImplementedError

    def init_head(self, features: Tensor) -> None:
        """See `QualityPhase`."""
        _init_tokens(self.teacher.encoder, features)


class Student(nn.Module):
    """The network that scores, and the projector φ that only distillation needs."""

    def __init__(self, network: SHDIQA, *, width: int) -> None:
        super().__init__()
        self.network = network
        self.projector = nn.Linear(width, width)


class StudentPhase(QualityPhase):
    """The network learns quality, and the teacher's block tokens."""

    name = "student"
    prefix = "network."

    def __init__(self, setting: Setting, teacher: SHDIQATeacher) -> None:
        network = cast("SHDIQA", setting.network)
        self.student = Student(network, width=network.decoder.panels.shape[1])
        super().__init__(setting, self.student)
        self.network, self.teacher = network, teacher
        _learn_from_degraded(self)

    def begin(self) -> None:
        """Freeze the teacher, which has learnt."""
        self.teacher.eval().requires_grad_(requires_grad=False)

    def loss(self, batch: Batch) -> Terms:
        """Return L = L_q + λ_c · L_CKD + λ_a · L_AKD."""
        network = self.student.network
        scores = output_of(network, batch).scores
        degraded = _pooled_of_degraded(batch, self.setting, network)
        with torch.no_grad():
            pooled = _pooled_of_degraded(batch, self.setting, self.teacher)
            taught = self.teacher.from_pooled(pooled).block_tokens
        learnt = self.student.projector(network.block_tokens_of(degraded))
        quality = self._quality(scores, batch)
        contrastive = contrastive_loss(learnt, taught, batch.extras["types"])
        affinity = affinity_loss(learnt, taught)
        c, a = self.loss_settings.contrastive_weight, self.loss_settings.affinity_weight
        terms = {
            "loss": quality + c * contrastive + a * affinity,
            "quality": quality,
            "contrastive": contrastive,
            "affinity": affinity,
        }
        return with_degraded(terms, scores, batch, self.setting)


def teacher_loss(
    type_logits: Tensor, level_logits: Tensor, types: Tensor, levels: Tensor
) -> Tensor:
    """Return L_T, the cross-entropies of type and of level, each the mean over all blocks.

    Logits are (B, K, 24) and (B, K, 4), types and levels (B, K).
    """
    of_type = F.cross_entropy(type_logits.float().flatten(0, 1), types.flatten())
    of_level = F.cross_entropy(level_logits.float().flatten(0, 1), levels.flatten())
    return of_type + of_level


def quality_loss(
    predicted: Tensor, mos: Tensor, *, beta: float = 1.0, plcc_weight: float = 0.0
) -> Tensor:
    """Return L_q, the smooth L1 distance (DEIQT) of scores and labels (B,), and perhaps 1 - PLCC.

    Errors up to β count by their squares: 1 is for labels of tens. Labels of 0 to 1 never leave
    it; there 0.01 is what 1 is for labels of 0 to 100.
    """
    distance = F.smooth_l1_loss(predicted.float(), mos.float(), beta=beta)
    return with_plcc(distance, predicted, mos, weight=plcc_weight)


def contrastive_loss(
    student: Tensor, teacher: Tensor, types: Tensor, *, temperature: float = TEMPERATURE
) -> Tensor:
    """Return L_CKD: a student's block is near all teacher's blocks of the same distortion.

    -1/BK Σ_a 1/|P(a)| Σ_{p in P(a)} log softmax_b(ẑˢ_a · ẑᵗ_b / τ)[p], P(a) the blocks of a's type.

    Args:
        student: φ(t̂) of the student (B, K, D), where φ is a linear layer that the training owns.
        teacher: t̂ of the teacher (B, K, D); no gradient flows into it.
        types: (B, K), the distortion of each block.
        temperature: τ.
    """
    z_student, z_teacher = _directions(student), _directions(teacher.detach())
    log_shares = (z_student @ z_teacher.mT / temperature).log_softmax(dim=1)
    labels = types.flatten()
    positive = (labels[:, None] == labels).float()
    return -((log_shares * positive).sum(dim=1) / positive.sum(dim=1)).mean()


def affinity_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Return L_AKD = ‖Aˢ - Aᵗ‖² / (BK)², A = Ẑ Ẑᵀ the cosines of all blocks of the batch.

    Arguments as of `contrastive_loss`.
    """
    z_student, z_teacher = _directions(student), _directions(teacher.detach())
    return (z_student @ z_student.mT - z_teacher @ z_teacher.mT).square().mean()


def _directions(tokens: Tensor) -> Tensor:
    """Return block tokens (B, K, D) as rows of length 1 (B·K, D)."""
    return F.normalize(tokens.float().flatten(0, 1), dim=1)


def _init_tokens(encoder: BlockEncoder, features: Tensor) -> None:
    project = encoder.vit.embedding.project
    if isinstance(project, nn.Conv2d):
        places = features.flatten(2).transpose(1, 2).flatten(0, 1)
        with torch.no_grad():
            project_at_random(project, places)


def _teacher_like(setting: Setting) -> SHDIQATeacher:
    """Return a teacher of the student's sizes that starts from the same backbone."""
    network = cast("SHDIQA", setting.network)
    teacher = SHDIQATeacher(
        build_backbone(setting.recipe.backbones[0]),
        partition=_partition(setting),
        **network.encoder.vit.sizes,
    )
    for slot in slots_of(setting.recipe):
        name = slot.prefix.rstrip(".")
        teacher.get_submodule(name).load_state_dict(network.get_submodule(name).state_dict())
    return teacher


def _partition(setting: Setting) -> Partition:
    return cast("Partition", setting.recipe.network["partition"])


def _learn_from_degraded(phase: Phase) -> None:
    """Let a phase also see each crop, or some photos, with each block degraded in its own way."""
    partition = _partition(phase.setting)

    def degrade(crop: Pixels, rng: np.random.Generator) -> Arrays:
        names = ("degraded", "types", "levels")
        return dict(zip(names, degrade_blocks(crop, rng, partition=partition), strict=True))

    phase.blockwise = Blockwise(partition, phase.loss_settings.degraded_photos)
    phase.extras = degrade


def _pooled_of_degraded(batch: Batch, setting: Setting, network: SHDIQA | SHDIQATeacher) -> Tensor:
    """Return the features of degraded crops, from the backbone or from the cache."""
    degraded = batch.extras["degraded"]
    if batch.is_cached:
        return degraded.float()
    return network.pooled(normalised(degraded, setting.contract))
