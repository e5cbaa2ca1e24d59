"""Calibrations and scales, checked by hand."""

import math
from itertools import pairwise

import pytest

from biqa_cli.models.spec import SOFT_END, Calibration, FullSize, InputContract, ScoreScale

# A curve that is nearly the identity in the middle would hide a swap: this one is not.
CURVE = (90.0, 20.0, 40.0, 10.0)
CALIBRATION = Calibration(CURVE, places=(30.0, 50.0, 80.0), widths=(12.0, 8.0, 2.0), photos=200)


@pytest.mark.parametrize(
    ("expected", "width"),
    [
        (10, 12),  # level below the first place
        (30, 12),
        (35, 11),  # a quarter of the way from 12 to 8
        (50, 8),
        (70, 4),  # two thirds of the way from 8 to 2
        (80, 2),
        (95, 2),  # level above the last place
    ],
)
def test_the_width_of_the_interval_is_linear_between_the_places(
    expected: float, width: float
) -> None:
    low, high = CALIBRATION.interval(expected)
    assert (low, high) == pytest.approx((max(expected - width, 0), min(expected + width, 100)))


def test_an_interval_ends_with_the_scale() -> None:
    wide = Calibration((100, 0, 50, 20), places=(50.0,), widths=(30.0,), photos=100)
    assert wide.interval(90) == (60, 100) and wide.interval(5) == (0, 35)


def test_the_curve_is_the_logistic_of_vqeg() -> None:
    assert CALIBRATION.expected(40) == pytest.approx((90 + 20) / 2)
    assert CALIBRATION.expected(50) == pytest.approx(20 + 70 / (1 + math.exp(-1)))
    assert CALIBRATION.expected(30) == pytest.approx(20 + 70 / (1 + math.exp(1)))


def test_scores_bend_to_the_ends_of_the_scale_and_keep_their_order() -> None:
    steep = Calibration((400.0, -300.0, 50.0, 30.0), places=(50.0,), widths=(5.0,), photos=200)
    scores = [steep.expected(value) for value in range(-100, 201, 5)]
    assert all(a < b for a, b in pairwise(scores))
    assert min(scores) >= 0 and max(scores) <= 100
    assert steep.expected(50) == pytest.approx(50)
    assert min(scores) < SOFT_END / 10


def test_a_calibrated_scale_gives_the_expected_score_and_its_interval() -> None:
    scale = ScoreScale(1, 5, higher_is_better=False, meaning="DMOS", calibration=CALIBRATION)
    assert scale.to_percent(3.4) == pytest.approx(CALIBRATION.expected(40))
    assert scale.interval(55) == CALIBRATION.interval(55)
    assert ScoreScale(1, 5, higher_is_better=True, meaning="MOS").interval(55) is None


def test_neither_end_of_the_scale_is_reached_by_a_jump() -> None:
    steep = Calibration((400.0, -300.0, 50.0, 30.0), places=(50.0,), widths=(5.0,), photos=200)
    scores = [steep.expected(value / 10) for value in range(-1000, 2001)]
    # The curve is steepest in its middle: 700 / (4 · 30) points for each point.
    assert max(b - a for a, b in pairwise(scores)) <= 0.1 * 700 / (4 * 30) + 1e-9


def test_a_codec_keeps_twice_the_view_so_that_the_last_step_is_bicubic() -> None:
    contract = InputContract(100, 200, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    assert contract.decode_size == (200, 400)
    assert "codec reduction down to 2x the view, bicubic to 200x100" in contract.describe()


def test_a_contract_says_what_is_seen_at_full_size() -> None:
    plain = InputContract(448, 448, (0.5,) * 3, (0.5,) * 3)
    full = InputContract(448, 448, (0.5,) * 3, (0.5,) * 3, full_size=FullSize())
    assert full.describe() == (
        f"{plain.describe()}; of photos above 0.8 megapixels also the 4 most detailed squares of "
        "224 pixels at full size"
    )
