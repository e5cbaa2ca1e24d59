"""Two views of a photo become one judgement: worked by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
from flawed_model import flawed_model
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from biqa_cli.distortions.flaws import FLAWS
from biqa_cli.models.base import EngineName, Predictions
from biqa_cli.models.judging import judge, lowered, predict_views
from biqa_cli.models.spec import Crops, ScoreScale
from biqa_cli.models.tuned import Correction, TunedEngine

HIGHER = ScoreScale(1.0, 5.0, higher_is_better=True, meaning="MOS")


def _found(scores: list[float], ceilings: list[float]) -> Predictions:
    flaws = np.linspace(0, 0.9, 12 * len(scores)).reshape(len(scores), 12)
    return Predictions(np.array(scores), np.array(ceilings), flaws)


def test_full_size_lowers_a_score_as_its_flaws_do() -> None:
    found = _found([3.0, 4.0, 2.0, 5.0, 1.5], [3.8, 4.5, 4.9, 2.0, 4.7])
    assert found.flaws is not None
    found.flaws[3] = [0.3, 0.2, *[0.0] * 10]
    first, second, third = judge(found, has_full_size=[True, False, True], scale=HIGHER)
    # Half of the way to the ceiling. Of 3 - 1 points above the worst end, 2.5 - 1 are left.
    assert (first.native, first.whole) == (pytest.approx(2.5), 3.0)
    assert first.kept == pytest.approx(0.75)
    assert (second.native, second.whole, second.kept) == (4.0, None, None)
    assert (third.native, third.whole, third.kept) == (2.0, 2.0, 1.0)


@given(
    rated=st.floats(-10, 10),
    ceiling=st.floats(-10, 10),
    flaws=st.lists(st.floats(0, 1), min_size=12, max_size=12),
)
def test_flaws_at_full_size_have_to_be_half_as_strong_again_as_those_of_the_whole(
    rated: float, ceiling: float, flaws: list[float]
) -> None:
    import torch

    from biqa_cli.networks import qualitynet

    found = lowered(rated, ceiling=ceiling, flaws=np.array(flaws))
    less = [strength / 1.5 for strength in flaws]
    values = (torch.tensor(value, dtype=torch.float64) for value in ([rated], [ceiling], [less]))
    assert found == pytest.approx(float(qualitynet.lowered(*values)), abs=1e-9)


def test_light_and_colour_are_told_from_the_whole_alone() -> None:
    tones = {"dark", "overexposed", "flat", "oversaturated", "colour cast"}
    for place, name in enumerate(FLAWS):
        flaws = np.zeros((3, 12))
        flaws[0, place] = 0.2
        flaws[2, place] = 1.0
        found = Predictions(np.array([4.0, 4.0, 1.0]), np.array([5.0, 5.0, 2.0]), flaws)
        one, _ = judge(found, has_full_size=[True, False], scale=HIGHER)
        assert one.flaws is not None
        assert (one.native, one.flaws[place]) == ((4.0, 0.2) if name in tones else (2.0, 1.0))


def test_where_lower_is_better_flaws_raise_a_score_to_its_ceiling() -> None:
    found = _found([3.0, 1.0], [1.0, 4.0])
    assert found.flaws is not None
    found.flaws[1] = [0.3, 0.2, *[0.0] * 10]
    scale = ScoreScale(1.0, 5.0, higher_is_better=False, meaning="DMOS")
    (one,) = judge(found, has_full_size=[True], scale=scale)
    # Half of the way from 3 to 4; of 5 - 3 points above the worst end, 5 - 3.5 are left.
    assert one.native == pytest.approx(3.5) and one.kept == pytest.approx(0.75)


@pytest.mark.parametrize("higher", [True, False])
def test_ceilings_of_a_tuned_model_are_on_the_scale_of_its_user(*, higher: bool) -> None:
    class Base:
        name: EngineName = "onnx"
        device = "cpu"

        def predict(self, views: NDArray[np.float32]) -> Predictions:
            count = len(views)
            ceilings, flaws = np.linspace(0, 1.3, count), np.zeros((count, 12))
            return Predictions(np.full(count, 0.5), ceilings, flaws, np.zeros((count, 2)))

    before = ScoreScale(0.0, 1.0, higher_is_better=True, meaning="MOS")
    after = ScoreScale(1.0, 5.0, higher_is_better=higher, meaning="stars")
    unchanged = Correction(0.0, 1.0, np.zeros(2))
    engine = TunedEngine(Base(), unchanged, before=before, after=after)
    found = engine.predict(np.zeros((2, 3, 4, 4), np.float32))
    assert found.ceilings is not None
    assert found.ceilings == pytest.approx([1.0, 6.2] if higher else [5.0, -0.2])
    assert found.scores == pytest.approx([3.0, 3.0])


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


@given(whole=st.floats(-10, 10), ceiling=st.floats(-10, 10), strength=st.floats(0, 1))
def test_full_size_never_raises_a_score(whole: float, ceiling: float, strength: float) -> None:
    found = _found([whole, 7.0], [9.0, ceiling])
    assert found.flaws is not None
    found.flaws[1] = strength
    (one,) = judge(found, has_full_size=[True], scale=HIGHER)
    assert min(whole, ceiling) - 1e-9 <= one.native <= whole == one.whole
    assert one.kept is not None and 0 <= one.kept <= 1


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
    assert found.ceilings is not None and found.flaws is not None
    assert found.scores == pytest.approx([0.5, 1.0])
    assert found.ceilings == pytest.approx([0.25, 0.5])
    assert found.flaws.shape == (2, 12)
    assert found.flaws[:, 1] == pytest.approx([0.05, 0.1])


def test_a_number_that_is_none_is_found_wherever_it_is() -> None:
    for scores, ceiling, flaw in [(np.nan, 1, 0), (1, np.nan, 0), (1, 1, np.inf)]:
        flaws = np.full((2, 12), 0.5)
        flaws[1, 7] = flaw
        found = Predictions(np.array([1.0, 1.0]), np.array([1.0, 1.0]), flaws)
        found.scores[0] = scores
        assert found.ceilings is not None
        found.ceilings[1] = ceiling
        assert not found.is_finite()
        (one,) = judge(found, has_full_size=[True], scale=HIGHER)
        assert not one.is_finite()


def test_a_score_of_minus_nothing_is_nothing() -> None:
    found = Predictions(np.array([-0.0]))
    (one,) = judge(found, has_full_size=[False], scale=HIGHER)
    assert math.copysign(1, one.native) == 1
