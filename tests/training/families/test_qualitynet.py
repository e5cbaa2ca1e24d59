import math

import pytest
import scipy.stats
import torch
from torch import Tensor

from biqa_cli.training.families.qualitynet import plcc_loss, quality_aware_loss

MOS = torch.tensor([0.2, 0.4, 0.5, 0.9, 0.1])


def test_perfect_predictions_have_no_loss() -> None:
    assert quality_aware_loss(MOS, MOS).item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("plcc_weight", [1.0, 10.0])
def test_reversed_predictions_cost_twice_the_weight_of_the_correlation(plcc_weight: float) -> None:
    loss = quality_aware_loss(-MOS, MOS, mae_weight=0, plcc_weight=plcc_weight)
    assert loss.item() == pytest.approx(2 * plcc_weight, rel=1e-6)


def test_the_weights_are_those_of_the_paper() -> None:
    predicted = torch.tensor([0.1, 0.5, 0.3, 0.7, 0.3])
    mae = (predicted - MOS).abs().mean().item()
    plcc = scipy.stats.pearsonr(predicted.numpy(), MOS.numpy()).statistic
    assert quality_aware_loss(predicted, MOS).item() == pytest.approx(mae + 10 * (1 - plcc))


def test_the_correlation_ignores_scale_and_offset_of_the_predictions() -> None:
    predicted = torch.tensor([0.1, 0.5, 0.3, 0.7, 0.3])
    scaled = plcc_loss(30 * predicted - 7, MOS).item()
    assert scaled == pytest.approx(plcc_loss(predicted, MOS).item(), abs=1e-5)


@pytest.mark.parametrize("constant", [0.0, 0.3, 50.0])
def test_constant_predictions_have_a_finite_loss_and_gradient(constant: float) -> None:
    predicted = torch.full((5,), constant, requires_grad=True)
    loss = quality_aware_loss(predicted, MOS)
    loss.backward()
    assert loss.item() == pytest.approx(abs(constant - MOS).mean().item() + 10, abs=1e-3)
    assert predicted.grad is not None and torch.isfinite(predicted.grad).all()


@pytest.mark.parametrize("mos", [torch.full((7,), 0.3), torch.tensor([0.4])])
def test_a_batch_of_equal_labels_learns_from_the_error_alone(mos: Tensor) -> None:
    predicted = torch.linspace(0, 1, len(mos), requires_grad=True)
    loss = quality_aware_loss(predicted, mos)
    loss.backward()
    assert loss.item() == pytest.approx((predicted - mos).abs().mean().item())
    assert predicted.grad is not None and torch.isfinite(predicted.grad).all()


def test_half_precision_scores_are_judged_in_float32() -> None:
    loss = quality_aware_loss(MOS.bfloat16(), MOS)
    assert loss.dtype == torch.float32
    assert math.isfinite(loss.item())
