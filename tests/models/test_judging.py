"""Two views of a photo become one judgement: worked by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
from flawed_model import flawed_model
from hypothesis import given
from hypothesis import strategies as st

from biqa_cli.models.base import Predictions
from biqa_cli.models.judging import judge, left_at_full_size, lowered, predict_views
from biqa_cli.models.spec import Crops, ScoreScale

HIGHER = ScoreScale(1.0, 5.0, higher_is_better=True, meaning="MOS")
LOWER = ScoreScale(0.0, 100.0, higher_is_better=False, meaning="DMOS")


def _found(scores: list[float], kept: list[float]) -> Predictions:
    flaws = np.linspace(0, 0.9, 12 * len(scores)).reshape(len(scores), 12)
    return Predictions(np.array(scores), np.array(kept), flaws)


def test_only_what_the_whole_does_not_show_lowers_the_score() -> None:
    found = _found([3.0, 4.0, 2.0, 5.0, 1.5], [0.8, 0.5, 0.9, 0.2, 0.7])
    first, second, third = judge(found, has_full_size=[True, False, True], scale=HIGHER)
    # 1 + (3 - 1) · 0.2 / 0.8
    assert first.native == pytest.approx(1.5) and first.kept == pytest.approx(0.25)
    assert first.whole == 3.0
    assert (second.native, second.whole, second.kept) == (4.0, None, None)
    assert third.native == pytest.approx(1 + 0.7 / 0.9) and third.whole == 2.0


def test_the_flaws_are_the_stronger_ones_of_both_views() -> None:
    flaws = np.zeros((3, 12))
    flaws[0, :3], flaws[1, 0], flaws[2, :3] = (0.9, 0.1, 0.33335), 0.5, (0.2, 0.7, 0.12345)
    found = Predictions(np.ones(3), np.ones(3), flaws)
    first, second = judge(found, has_full_size=[True, False], scale=HIGHER)
    assert first.flaws == (0.9, 0.7, 0.3333, *[0.0] * 9)
    assert second.flaws == (0.5, *[0.0] * 11)


def test_a_network_that_tells_no_flaws_gives_its_score_alone() -> None:
    (one,) = judge(Predictions(np.array([3.25])), has_full_size=[False], scale=HIGHER)
    assert (one.native, one.whole, one.kept, one.flaws) == (3.25, None, None, None)


@pytest.mark.parametrize(
    ("whole", "full", "left"),
    [
        (0.8, 0.4, 0.5),
        (0.5, 0.9, 1.0),
        (1.4, 0.5, 0.5),  # more than all is all
        (0.4, -0.3, 0.05),  # less than 0.02 is 0.02
        (-1.0, 0.0, 1.0),
    ],
)
def test_what_is_left_is_a_ratio_of_clipped_values(whole: float, full: float, left: float) -> None:
    assert left_at_full_size(whole, full) == pytest.approx(left)


def test_where_lower_is_better_the_worst_end_is_the_highest() -> None:
    assert lowered(40.0, left=0.5, scale=LOWER) == 70.0
    assert lowered(3.0, left=0.5, scale=HIGHER) == 2.0


@given(
    native=st.floats(-10, 10),
    left=st.floats(0.02, 1),
    higher=st.booleans(),
)
def test_full_size_never_raises_a_score(native: float, left: float, *, higher: bool) -> None:
    scale = ScoreScale(-3.0, 4.0, higher_is_better=higher, meaning="MOS")
    before, after = (scale.to_share(lowered(native, left=s, scale=scale)) for s in (1.0, left))
    assert after <= before + 1e-12
    assert lowered(native, left=1.0, scale=scale) == native


def test_over_crops_all_that_is_told_is_a_mean() -> None:
    model = flawed_model()
    contract = replace(
        model.spec.input, height=16, width=16, crops=Crops(size=10, stride=6), full_size=None
    )
    cropped = replace(model, spec=replace(model.spec, input=contract))
    view = np.zeros((1, 3, 16, 16), np.float32)
    # Crops start at rows 0 and 6: eight and two of their ten rows are lit.
    view[0, :, :8] = np.array([1.0, 0.5, 0.2])[:, None, None]
    found = predict_views(np.concatenate([view, 2 * view]), cropped)
    assert found.kept is not None and found.flaws is not None
    assert found.scores == pytest.approx([0.5, 1.0])
    assert found.kept == pytest.approx([0.25, 0.5])
    assert found.flaws.shape == (2, 12)
    assert found.flaws[:, 1] == pytest.approx([0.05, 0.1])


def test_a_number_that_is_none_is_found_wherever_it_is() -> None:
    for scores, kept, flaw in [(np.nan, 1, 0), (1, np.nan, 0), (1, 1, np.inf)]:
        flaws = np.full((2, 12), 0.5)
        flaws[1, 7] = flaw
        found = Predictions(np.array([1.0, 1.0]), np.array([1.0, 1.0]), flaws)
        found.scores[0] = scores
        assert found.kept is not None
        found.kept[1] = kept
        assert not found.is_finite()
        (one,) = judge(found, has_full_size=[True], scale=HIGHER)
        assert not one.is_finite()


def test_a_score_of_minus_nothing_is_nothing() -> None:
    found = Predictions(np.array([-0.0]))
    (one,) = judge(found, has_full_size=[False], scale=HIGHER)
    assert math.copysign(1, one.native) == 1
