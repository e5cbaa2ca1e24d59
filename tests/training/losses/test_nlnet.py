"""The terms of NLNet's loss against values worked by hand."""

import math

import pytest
import torch
from biqa_cli.training.losses.nlnet import nlnet_loss, quality_loss, ranking_loss

from biqa_cli.errors import UsageError

_PREDICTED, _MOS = torch.tensor([1.0, 3.0, 2.0]), torch.tensor([1.0, 1.0, 1.5])


def test_the_quality_term_is_smooth_l1_with_beta_1() -> None:
    # (0 + (2 - ½) + ½ · 0.5²) / 3
    assert quality_loss(_PREDICTED, _MOS).item() == pytest.approx(1.625 / 3)


def test_the_ranking_term_is_the_mean_over_all_pairs() -> None:
    # Differences: -2 for 0, -1 for -0.5, 1 for -0.5: 1.5, 0.125, 1.
    assert ranking_loss(_PREDICTED, _MOS).item() == pytest.approx(2.625 / 3)


def test_a_shift_of_all_scores_changes_the_quality_term_alone() -> None:
    shifted = _PREDICTED + 5
    assert ranking_loss(shifted, _MOS).item() == pytest.approx(2.625 / 3)
    assert quality_loss(shifted, _MOS).item() > quality_loss(_PREDICTED, _MOS).item()


def test_the_total_has_the_weights_100_1_1_and_types_are_optional() -> None:
    without = nlnet_loss(_PREDICTED, _MOS)
    assert without.type is None
    assert without.total.item() == pytest.approx(100 * 1.625 / 3 + 2.625 / 3)
    types = torch.tensor([0, 3, 1])
    loss = nlnet_loss(_PREDICTED, _MOS, type_logits=torch.zeros(3, 4), types=types)
    assert loss.total.item() - without.total.item() == pytest.approx(math.log(4), rel=1e-5)


def test_one_image_has_no_pair() -> None:
    with pytest.raises(UsageError, match="a batch of 1 has no pair to rank"):
        ranking_loss(torch.zeros(1), torch.zeros(1))


def test_types_without_a_type_head_are_refused() -> None:
    with pytest.raises(UsageError, match="build NLNet with types=D"):
        nlnet_loss(_PREDICTED, _MOS, types=torch.tensor([0, 1, 2]))
