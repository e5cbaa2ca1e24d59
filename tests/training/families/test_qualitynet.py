import math
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import scipy.stats
import torch
from torch import Tensor, nn
from training_jobs import flawed_job

from biqa_cli.training.batch import Also
from biqa_cli.training.families import make_phases
from biqa_cli.training.families.qualitynet import plcc_loss, quality_aware_loss
from biqa_cli.training.sources import open_source

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


def test_flaws_are_learnt_in_float32_by_a_backbone_that_learns_in_bfloat16(tmp_path: Path) -> None:
    job = flawed_job(tmp_path, "optimiser.trainable=upper", "input.noise=0")
    (phase,), _ = make_phases(job.recipe, job.trained, ())
    network = cast("Any", phase.network)
    seen = {}

    def note(layer: nn.Module, _inputs: object, output: Tensor) -> None:
        seen[layer] = output.dtype

    layers = (network.backbones[0].layers[-1], network.head, network.flaw_head)
    for layer in layers:
        layer.register_forward_hook(note)
    batch = next(open_source(job, phase).batches(epoch=0, before=0, start=0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = phase.loss(batch)["loss"]
    assert [seen[layer] for layer in layers] == [torch.bfloat16, torch.float32, torch.float32]
    assert loss.isfinite()


@pytest.mark.parametrize(
    ("has_examples", "has_others", "is_pooled"),
    [(False, False, False), (True, False, True), (False, True, True), (True, True, True)],
)
def test_what_goes_beside_the_samples_is_read_with_them_in_one_pass(
    tmp_path: Path, *, has_examples: bool, has_others: bool, is_pooled: bool
) -> None:
    job = flawed_job(tmp_path, "optimiser.trainable=upper", "input.noise=0")
    (phase,), _ = make_phases(job.recipe, job.trained, ())
    batch = next(open_source(job, phase).batches(epoch=0, before=0, start=0))
    others = Also(batch.inputs[:2], torch.tensor([1.0, 3.0])) if has_others else None
    batch = replace(batch, examples=batch.examples if has_examples else None, also=others)
    passes: list[int] = []
    backbone = cast("Any", phase.network).backbones[0]
    backbone.register_forward_hook(lambda _, inputs, __: passes.append(len(inputs[0])))
    dtypes: list[torch.dtype] = []
    cast("Any", phase.network).head.register_forward_hook(
        lambda *both: dtypes.append(both[2].dtype)
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert phase.loss(batch)["loss"].isfinite()
    wanted = len(batch.inputs) + 2 * has_others
    if batch.examples is not None:
        wanted += len(batch.examples.inputs) + len(batch.examples.unflawed)
    assert passes == [wanted]
    assert dtypes[0] == (torch.float32 if is_pooled else torch.bfloat16)
