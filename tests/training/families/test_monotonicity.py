import pytest
import torch
from tiny_training import tiny_recipe
from training_jobs import CONTRACT

from biqa_cli.models.spec import ScoreScale
from biqa_cli.training.batch import Batch, Triples
from biqa_cli.training.families.base import Setting
from biqa_cli.training.families.monotonicity import (
    LEVEL_MARGIN,
    monotonicity_loss,
    shares_of,
    with_degraded,
)


def test_the_loss_is_what_is_missing_of_the_fall_for_each_level() -> None:
    levels = torch.tensor([[1, 4], [2, 3]])
    falls = torch.tensor([[0.9, 0.9 - LEVEL_MARGIN, 0.2], [0.5, 0.6, 0.6 - LEVEL_MARGIN]])
    # Only the second photo's milder version is above it, by 0.1, and should be 2 levels below.
    expected = (0.1 + 2 * LEVEL_MARGIN) / 4
    assert torch.isclose(monotonicity_loss(falls, levels), torch.tensor(expected))


def test_the_loss_pulls_the_photo_up_and_its_versions_down() -> None:
    shares = torch.tensor([[0.5, 0.5, 0.5]], requires_grad=True)
    monotonicity_loss(shares, torch.tensor([[1, 2]])).backward()  # type: ignore[no-untyped-call]
    assert shares.grad is not None
    assert shares.grad[0, 0] < 0 < shares.grad[0, 2]


@pytest.mark.parametrize("better", [True, False])
def test_scores_become_shares_of_their_scale_whichever_end_is_best(*, better: bool) -> None:
    scores = torch.tensor([[10.0, 35.0, 60.0]])
    scale = ScoreScale(10.0, 60.0, higher_is_better=better, meaning="MOS")
    assert shares_of(scores, scale).tolist() == [[0.0, 0.5, 1.0] if better else [1.0, 0.5, 0.0]]


def test_labels_of_which_lower_is_better_reverse_the_loss() -> None:
    # After one rated sample: the photo, its milder and its stronger version, on a scale to 100.
    scores = torch.tensor([50.0, 10.0, 40.0, 80.0])
    labels, types = torch.zeros(1), torch.zeros(1)
    triples = Triples(torch.empty(1, 3), torch.tensor([[1, 2]]))
    batch = Batch(torch.empty(0), labels, types, 0, torch.Generator(), triples=triples)
    recipe, found = tiny_recipe("qualitynet", "monotonicity.weight=4"), {}
    for better in (True, False):
        scale = ScoreScale(0.0, 100.0, higher_is_better=better, meaning="MOS")
        setting = Setting(recipe, CONTRACT, scale, torch.nn.Identity())
        found[better] = with_degraded({"loss": torch.tensor(1.0)}, scores, batch, setting)
    # DMOS rises with the level, as it should; a MOS that rises misses the fall at both levels.
    assert found[False]["monotonicity"].item() == 0
    missed = (0.3 + 0.4) / 2 + LEVEL_MARGIN
    assert found[True]["monotonicity"].item() == pytest.approx(missed)
    assert found[True]["loss"].item() == pytest.approx(1 + 4 * missed)
