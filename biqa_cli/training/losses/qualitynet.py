"""The loss of QualityNet: absolute error and correlation of the batch."""

import torch
from torch import Tensor

# Keeps the correlation of constant predictions, and its gradient, finite.
_DEVIATION_FLOOR = 1e-8


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

    Reference:
        QualityNet, eqs. 38 to 40.
    """
    predicted, mos = predicted.float(), mos.float()
    error = (predicted - mos).abs().mean()
    return mae_weight * error + plcc_weight * plcc_loss(predicted, mos)


def plcc_loss(predicted: Tensor, mos: Tensor) -> Tensor:
    """Return 1 - PLCC of a batch, from 0 (aligned) over 1 (unrelated) to 2 (reversed).

    Where all labels are equal there is no correlation to learn: the loss is 0. Where all
    predictions are equal it is 1.

    Args:
        predicted: Scores (B,).
        mos: Labels (B,).

    Reference:
        QualityNet, eq. 40.
    """
    p, q = predicted.float(), mos.float()
    p, q = p - p.mean(), q - q.mean()
    variances = (p * p).mean() * (q * q).mean()
    plcc = (p * q).mean() / variances.clamp_min(_DEVIATION_FLOOR**2).sqrt()
    return torch.where((mos == mos[:1]).all(), torch.zeros_like(plcc), 1 - plcc)
