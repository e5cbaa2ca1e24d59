"""The terms of SHDIQA's loss against values worked by hand."""

import math

import numpy as np
import pytest
import torch
from fakes import photo
from tiny_backbone import TinyBackbone
from training_jobs import UNIT

from biqa_cli.errors import UsageError
from biqa_cli.models.spec import InputContract
from biqa_cli.networks.shdiqa import SHDIQA
from biqa_cli.recipes.files import load_recipe, with_settings
from biqa_cli.training.batch import Batch
from biqa_cli.training.families.base import Setting
from biqa_cli.training.families.shdiqa import (
    affinity_loss,
    contrastive_loss,
    quality_loss,
    shdiqa_phases,
    teacher_loss,
)

# Two blocks of one image whose tokens are orthogonal; lengths do not count.
_APART = torch.tensor([[[2.0, 0.0], [0.0, 3.0]]])
_ALIKE = torch.tensor([[[1.0, 0.0], [5.0, 0.0]]])


def test_the_quality_term_is_smooth_l1_with_beta_1() -> None:
    # (½ · 0.5² + (2 - ½)) / 2
    assert quality_loss(torch.tensor([0.5, 3.0]), torch.tensor([0.0, 1.0])).item() == 0.8125


def test_beta_says_which_errors_count_by_their_squares() -> None:
    of_hundred = quality_loss(torch.tensor([0.5, 30.0]), torch.tensor([0.0, 10.0]))
    of_one = quality_loss(torch.tensor([0.005, 0.3]), torch.tensor([0.0, 0.1]), beta=0.01)
    assert of_one.item() == pytest.approx(of_hundred.item() / 100, rel=1e-5)


def test_a_reversed_order_costs_twice_the_weight_of_plcc() -> None:
    predicted, mos = torch.tensor([2.0, 1.0]), torch.tensor([1.0, 2.0])
    assert quality_loss(predicted, mos, plcc_weight=0.25).item() == pytest.approx(0.5 + 0.25 * 2)


def test_an_undecided_teacher_loses_the_entropies_of_24_types_and_4_levels() -> None:
    labels = torch.tensor([[3, 1], [0, 2]])
    loss = teacher_loss(torch.zeros(2, 2, 24), torch.zeros(2, 2, 4), labels, labels)
    assert loss.item() == pytest.approx(math.log(24) + math.log(4), rel=1e-6)


def test_the_contrastive_term_follows_its_equation() -> None:
    # Cosines are 1 with itself, 0 with the other, so the shares are e/(e+1) and 1/(e+1).
    same, other = math.log(1 + math.exp(-1)), math.log(1 + math.e)
    apart = contrastive_loss(_APART, _APART, torch.tensor([[0, 1]]), temperature=1)
    assert apart.item() == pytest.approx(same, rel=1e-6)
    together = contrastive_loss(_APART, _APART, torch.tensor([[7, 7]]), temperature=1)
    assert together.item() == pytest.approx((same + other) / 2, rel=1e-6)
    sharp = contrastive_loss(_APART, _APART, torch.tensor([[0, 1]]))
    assert sharp.item() == pytest.approx(math.log(1 + math.exp(-10)), rel=1e-3)


def test_positives_are_found_across_the_images_of_a_batch() -> None:
    student = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
    crossed = contrastive_loss(student, student.flip(0), torch.tensor([[0], [0]]), temperature=1)
    straight = contrastive_loss(student, student, torch.tensor([[0], [0]]), temperature=1)
    assert crossed.item() == pytest.approx(straight.item(), rel=1e-6)


def test_the_affinity_term_is_the_mean_squared_difference_of_cosines() -> None:
    # Aˢ is all ones, Aᵗ the identity: two of four entries differ by 1.
    assert affinity_loss(_ALIKE, _APART).item() == pytest.approx(0.5, rel=1e-6)
    assert affinity_loss(_APART, 4 * _APART).item() == pytest.approx(0, abs=1e-7)


def test_the_teacher_receives_no_gradient() -> None:
    teacher, student = _APART.clone().requires_grad_(), _ALIKE.clone().requires_grad_()
    (contrastive_loss(student, teacher, torch.tensor([[0, 1]])) + affinity_loss(student, teacher)).backward()  # fmt: skip  # noqa: E501
    assert teacher.grad is None and student.grad is not None


def setting_of(*settings: str) -> Setting:
    recipe = with_settings(load_recipe("shdiqa", config="shdiqa-cpu"), settings)
    network = SHDIQA(TinyBackbone(), depth=0, input_size=64, patch=32, levels="all").eval()
    contract = InputContract(64, 64, (0.0,) * 3, (1.0,) * 3)
    return Setting(recipe, contract, scale=UNIT, network=network)


def test_the_student_learns_quality_and_the_teachers_tokens_by_their_weights() -> None:
    torch.manual_seed(0)
    weights = ("loss.contrastive_weight=2", "loss.affinity_weight=4", "loss.plcc_weight=0")
    teacher, student = shdiqa_phases(setting_of(*weights))
    assert (teacher.name, student.name) == ("teacher", "student")
    student.begin()
    assert student.extras is not None
    crops = [np.asarray(photo(64, 64, seed=seed)) for seed in range(4)]
    made = [student.extras(crop, np.random.default_rng(n)) for n, crop in enumerate(crops)]
    extras = {name: torch.from_numpy(np.stack([one[name] for one in made])) for name in made[0]}
    images, labels = torch.rand(4, 3, 64, 64), torch.tensor([0.1, 0.3, 0.5, 0.9])
    batch = Batch(images, labels, torch.full((4,), -1), 0, torch.Generator(), extras=extras)
    student.learner.eval()
    terms = student.loss(batch)
    scores = student.network(images).scores  # type: ignore[misc]
    assert terms["quality"].item() == pytest.approx(
        quality_loss(scores, labels, beta=0.01).item(), rel=1e-5
    )
    assert terms["contrastive"] > 0 and terms["affinity"] > 0
    expected = terms["quality"] + 2 * terms["contrastive"] + 4 * terms["affinity"]
    assert terms["loss"].item() == pytest.approx(expected.item(), rel=1e-6)
    terms["loss"].backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None for p in teacher.learner.parameters())


@pytest.mark.parametrize(
    "settings",
    [("network.use_baf=false",), ("loss.contrastive_weight=0", "loss.affinity_weight=0")],
)
def test_without_distillation_there_is_no_teacher(settings: tuple[str, ...]) -> None:
    (only,) = shdiqa_phases(setting_of(*settings))
    assert only.name == "" and only.blockwise is None and only.extras is None


def test_distillation_without_a_trained_teacher_is_refused() -> None:
    with pytest.raises(UsageError, match="there is nothing to distil"):
        shdiqa_phases(setting_of("loss.teacher_epochs=0"))
