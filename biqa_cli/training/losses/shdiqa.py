"""The losses of SHDIQA: teacher, quality, and the two kinds of distillation.

Reference:
    Li et al., "Distilling Spatially-Heterogeneous Distortion Perception for Blind Image Quality
    Assessment", CVPR 2025. The abstract names the terms; their equations are our reading.
"""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from biqa_cli.training.losses.qualitynet import plcc_loss

TEMPERATURE = 0.1


@dataclass(frozen=True, slots=True)
class SHDIQALoss:
    """The student's loss and its terms, scalars before their weights."""

    total: Tensor
    """L = L_q + λ_c · L_CKD + λ_a · L_AKD."""
    quality: Tensor
    contrastive: Tensor
    affinity: Tensor


def teacher_loss(
    type_logits: Tensor, level_logits: Tensor, types: Tensor, levels: Tensor
) -> Tensor:
    """Return L_T, the cross-entropies of type and of level, each the mean over all blocks.

    Args:
        type_logits: (B, K, 24).
        level_logits: (B, K, 4).
        types: (B, K), 0 to 23.
        levels: (B, K), 0 to 3.
    """
    of_type = F.cross_entropy(type_logits.float().flatten(0, 1), types.flatten())
    of_level = F.cross_entropy(level_logits.float().flatten(0, 1), levels.flatten())
    return of_type + of_level


def quality_loss(
    predicted: Tensor, mos: Tensor, *, beta: float = 1.0, plcc_weight: float = 0.0
) -> Tensor:
    """Return L_q, the smooth L1 distance (DEIQT) of scores and labels (B,).

    Args:
        predicted: Scores.
        mos: Labels.
        beta: β, up to which errors count by their squares: 1 for labels of tens. Labels of 0 to 1
            never leave it; there 0.01 is what 1 is for labels of 0 to 100.
        plcc_weight: Of 1 - PLCC, QualityNet's second term (our extension).
    """
    distance = F.smooth_l1_loss(predicted.float(), mos.float(), beta=beta)
    return distance + plcc_weight * plcc_loss(predicted, mos) if plcc_weight else distance


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

    Args:
        student: φ(t̂) of the student (B, K, D).
        teacher: t̂ of the teacher (B, K, D); no gradient flows into it.
    """
    z_student, z_teacher = _directions(student), _directions(teacher.detach())
    return (z_student @ z_student.mT - z_teacher @ z_teacher.mT).square().mean()


def shdiqa_loss(
    predicted: Tensor,
    mos: Tensor,
    *,
    student: Tensor,
    teacher: Tensor,
    types: Tensor,
    contrastive_weight: float = 1.0,
    affinity_weight: float = 1.0,
    beta: float = 1.0,
    plcc_weight: float = 0.0,
) -> SHDIQALoss:
    """Return the student's loss; a weight of 0 switches a distillation off.

    Args:
        predicted: Scores of the crops (B,).
        mos: Their labels (B,).
        student: φ(t̂) of the student on the degraded crops (B, K, D).
        teacher: t̂ of the teacher on the same crops (B, K, D).
        types: Which distortion each block has (B, K).
        contrastive_weight: λ_c.
        affinity_weight: λ_a.
        beta: Of `quality_loss`.
        plcc_weight: The same.
    """
    quality = quality_loss(predicted, mos, beta=beta, plcc_weight=plcc_weight)
    contrastive = contrastive_loss(student, teacher, types)
    affinity = affinity_loss(student, teacher)
    total = quality + contrastive_weight * contrastive + affinity_weight * affinity
    return SHDIQALoss(total=total, quality=quality, contrastive=contrastive, affinity=affinity)


def _directions(tokens: Tensor) -> Tensor:
    """Return block tokens (B, K, D) as rows of length 1 (B·K, D)."""
    return F.normalize(tokens.float().flatten(0, 1), dim=1)
