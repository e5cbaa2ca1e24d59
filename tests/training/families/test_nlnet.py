"""The terms of NLNet's loss against values worked by hand."""

import pytest
import torch

from biqa_cli.errors import UsageError
from biqa_cli.training.families.nlnet import ranking_loss

_PREDICTED, _MOS = torch.tensor([1.0, 3.0, 2.0]), torch.tensor([1.0, 1.0, 1.5])


def test_the_ranking_term_is_the_mean_over_all_pairs() -> None:
    # Differences: -2 for 0, -1 for -0.5, 1 for -0.5: 1.5, 0.125, 1.
    assert ranking_loss(_PREDICTED, _MOS).item() == pytest.approx(2.625 / 3)


def test_a_shift_of_all_scores_does_not_change_the_ranking_term() -> None:
    assert ranking_loss(_PREDICTED + 5, _MOS).item() == pytest.approx(2.625 / 3)


def test_one_image_has_no_pair() -> None:
    with pytest.raises(UsageError, match="a batch of 1 has no pair to rank"):
        ranking_loss(torch.zeros(1), torch.zeros(1))
