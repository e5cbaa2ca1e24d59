import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_backbone import TinyBackbone
from training_jobs import UNIT

from biqa_cli.errors import UsageError
from biqa_cli.models.spec import InputContract
from biqa_cli.networks.reqa import REQA
from biqa_cli.recipes.files import load_recipe, with_settings
from biqa_cli.training.batch import Batch
from biqa_cli.training.families.base import Setting
from biqa_cli.training.families.reqa import (
    STAGES,
    REQAPhase,
    coarse_loss,
    coarse_to_fine_loss,
    gradient_loss,
    micro_batches,
    rank_loss,
    stage_weights,
    tolerance_loss,
    tolerances,
)

FIVE = torch.tensor([[10.0, 30.0, 50.0, 70.0, 90.0]])


def test_the_rank_loss_is_that_of_equation_9() -> None:
    assert rank_loss(torch.tensor(2.0), torch.tensor(3.0)).item() == 0
    assert rank_loss(torch.tensor(-2.0), torch.tensor(-3.0)).item() == 0
    wrong = rank_loss(torch.tensor(2.0), torch.tensor(-3.0)).item()
    assert wrong == pytest.approx(6 / 2.0001 * 3) == pytest.approx(8.9996, abs=1e-4)


@given(st.floats(-100, 100, width=32), st.floats(-100, 100, width=32))
def test_the_losses_of_a_pair_do_not_depend_on_its_order(mos: float, score: float) -> None:
    s, f = torch.tensor(mos), torch.tensor(score)
    for loss in (rank_loss, gradient_loss):
        assert loss(s, f) == loss(-s, -f) >= 0


def test_the_gradient_loss_compares_distances_not_directions() -> None:
    assert gradient_loss(torch.tensor(2.0), torch.tensor(-3.0)).item() == 1
    assert gradient_loss(torch.tensor(-3.0), torch.tensor(3.0)).item() == 0


def test_the_coarse_loss_is_the_mean_over_ten_pairs() -> None:
    assert coarse_loss(FIVE, FIVE).item() == 0
    assert coarse_loss(FIVE + 7, FIVE).item() == 0
    # Halved distances are in order, so each of the ten pairs pays half its distance.
    distances = [20] * 4 + [40] * 3 + [60] * 2 + [80]
    assert coarse_loss(FIVE / 2, FIVE).item() == pytest.approx(sum(distances) / 2 / 10)
    # Reversed, the distances are right and each pair pays eq. 9.
    expected = sum(d * d / (d + 1e-4) * (d + 1) for d in distances) / 10
    assert coarse_loss(FIVE.flip(1), FIVE).item() == pytest.approx(expected, rel=1e-6)


def test_within_the_tolerance_a_prediction_costs_nothing() -> None:
    mos = torch.tensor([50.0, 60.0])
    predicted = torch.tensor([54.0, 67.0])
    assert tolerance_loss(predicted, mos, tolerance=7).item() == 0
    assert tolerance_loss(predicted, mos, tolerance=5).item() == 1
    assert tolerance_loss(predicted, mos, tolerance=0).item() == 5.5


@pytest.mark.parametrize(
    ("steps", "expected"), [(2, (0,)), (3, (5, 0)), (4, (5, 2.5, 0)), (5, (5, 10 / 3, 5 / 3, 0))]
)
def test_the_tolerance_falls_to_zero(steps: int, expected: tuple[float, ...]) -> None:
    assert tolerances(steps) == pytest.approx(expected)


@pytest.mark.parametrize("stage", range(1, STAGES + 1))
@pytest.mark.parametrize("steps", [2, 3, 4, 5])
def test_the_weights_of_every_stage_sum_to_one(stage: int, steps: int) -> None:
    weights = stage_weights(stage, steps=steps)
    assert len(weights) == steps
    assert sum(weights) == pytest.approx(1)


def test_the_weights_are_the_printed_ones_normalised() -> None:
    assert stage_weights(1) == pytest.approx((3 / 11, 6 / 11, 1 / 11, 1 / 11))
    assert stage_weights(2) == (0, 0.5, 0.25, 0.25)
    assert stage_weights(3) == (0, 0.25, 0.5, 0.25)
    assert stage_weights(4) == (0.2, 0.2, 0.2, 0.4)
    assert stage_weights(1, steps=5) == pytest.approx((0.25, 0.075, 0.15, 0.225, 0.3))


@given(st.integers(5, 40), st.integers(0, 1000))
def test_each_micro_batch_has_one_photo_of_each_fifth_of_the_batch(size: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    mos = torch.rand(size, generator=generator)
    groups = micro_batches(mos, generator=generator)
    assert groups.shape == (size // 5, 5)
    assert len(groups.unique()) == groups.numel()
    grouped = mos[groups]
    assert (grouped[:, :-1].amax(dim=0) < grouped[:, 1:].amin(dim=0)).all()


def test_micro_batches_repeat_with_their_generator() -> None:
    mos = torch.linspace(0, 100, 16)
    first, again = (
        micro_batches(mos, generator=torch.Generator().manual_seed(3)) for _ in range(2)
    )
    assert torch.equal(first, again)


def test_a_batch_of_four_has_no_micro_batch() -> None:
    with pytest.raises(UsageError, match="a micro-batch has 5 photos, .* got 4"):
        micro_batches(torch.rand(4))


def test_the_loss_is_the_weighted_sum_of_equation_14() -> None:
    mos = FIVE[0]
    groups = torch.arange(5)[None]
    # Step t is off by 7 + t: no loss of order or distance, then 9 - 5, 10 - 2.5 and 11.
    step_scores = mos[:, None] + 7 + torch.arange(1, 5)
    weights = (0.4, 0.3, 0.2, 0.1)
    loss = coarse_to_fine_loss(step_scores, mos, groups=groups, weights=weights)
    assert loss.item() == pytest.approx(0.3 * 4 + 0.2 * 7.5 + 0.1 * 11)
    without_fine = coarse_to_fine_loss(step_scores, mos, groups=groups, weights=weights, fine=False)
    assert without_fine.item() == pytest.approx(0.3 * 9 + 0.2 * 10 + 0.1 * 11)
    without_coarse = coarse_to_fine_loss(
        step_scores, mos, groups=groups, weights=weights, coarse=False
    )
    assert without_coarse.item() == pytest.approx(0.4 * 8 + loss.item())


def test_half_precision_scores_are_judged_in_float32() -> None:
    step_scores = FIVE.T.expand(5, 4).bfloat16()
    loss = coarse_to_fine_loss(
        step_scores, FIVE[0], groups=torch.arange(5)[None], weights=stage_weights(1)
    )
    assert loss.dtype == torch.float32
    assert loss.item() == 0


@pytest.mark.parametrize(
    ("settings", "stages"),
    [
        (("schedule.epochs=8",), {0: 1, 1: 1, 2: 2, 5: 3, 7: 4}),
        (("schedule.epochs=2", "loss.first_stage=4"), {0: 4, 1: 4}),
        (("schedule.epochs=4", "loss.first_stage=3"), {0: 3, 1: 3, 2: 4, 3: 4}),
    ],
)
def test_the_stages_of_a_training_are_equally_long(
    settings: tuple[str, ...], stages: dict[int, int]
) -> None:
    torch.manual_seed(0)
    network = REQA(TinyBackbone(), input_size=112).eval()
    recipe = with_settings(load_recipe("reqa"), settings)
    contract = InputContract(112, 112, (0.0,) * 3, (1.0,) * 3)
    phase = REQAPhase(Setting(recipe, contract, scale=UNIT, network=network))
    images, labels = torch.rand(10, 3, 112, 112), torch.linspace(0, 90, 10)
    types = torch.full((10,), -1)
    with torch.no_grad():
        step_scores = network(images).step_scores
        for epoch, stage in stages.items():
            generator = torch.Generator().manual_seed(epoch)
            found = phase.loss(Batch(images, labels, types, epoch, generator))
            groups = micro_batches(labels, generator=torch.Generator().manual_seed(epoch))
            weights = stage_weights(stage)
            expected = coarse_to_fine_loss(step_scores, labels, groups=groups, weights=weights)
            assert torch.equal(found["loss"], expected)
            assert torch.equal(found["mae"], (step_scores[:, -1] - labels).abs().mean())
