"""Calibration: the curve and the interval hold on photos that they were not fitted to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from biqa_cli.models.calibration import LEAST_PHOTOS, fit_calibration
from biqa_cli.models.spec import SOFT_END, Calibration, ScoreScale

Values = NDArray[np.float64]


def opinions(count: int, *, seed: int) -> tuple[Values, Values]:
    """Return labels, and predictions that are squeezed and least certain in the middle."""
    rng = np.random.default_rng(seed)
    mos = rng.uniform(5, 95, count)
    noise = rng.normal(0, 3 + 9 * np.sin(np.pi * mos / 100), count)
    return mos, 30 + 0.4 * (mos + noise)


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    found = fit_calibration(*opinions(1000, seed=0))
    assert isinstance(found, Calibration)
    return found


def test_the_expected_score_is_the_mean_of_what_people_said(calibration: Calibration) -> None:
    mos, predicted = opinions(20_000, seed=1)
    expected = np.array([calibration.expected(p) for p in predicted])
    for low, high in ((15, 30), (30, 50), (50, 70), (70, 85)):
        chosen = (expected >= low) & (expected < high)
        assert mos[chosen].mean() == pytest.approx(expected[chosen].mean(), abs=3)


def test_nine_in_ten_new_photos_lie_in_their_interval(calibration: Calibration) -> None:
    mos, predicted = opinions(20_000, seed=2)
    ends = [calibration.interval(calibration.expected(p)) for p in predicted]
    held = [low <= y <= high for y, (low, high) in zip(mos, ends, strict=True)]
    assert np.mean(held) == pytest.approx(0.91, abs=0.02)


def test_few_photos_make_an_interval_that_hardly_ever_holds_too_few() -> None:
    mos, predicted = opinions(20_000, seed=3)
    shares = []
    for seed in range(40):
        few = fit_calibration(*opinions(200, seed=100 + seed))
        assert isinstance(few, Calibration)
        ends = [few.interval(few.expected(p)) for p in predicted[:1000]]
        shares.append(np.mean([a <= y <= b for y, (a, b) in zip(mos, ends, strict=False)]))
    # Five curves and widths are fitted too, so that it is not quite 95 %.
    assert np.mean(np.array(shares) >= 0.9) >= 0.8
    assert np.mean(shares) < 0.96


def test_the_interval_is_wide_where_people_are_far_from_the_curve(
    calibration: Calibration,
) -> None:
    width = {place: np.diff(calibration.interval(place)).item() for place in (15, 50, 85)}
    assert width[50] > 1.2 * width[15]
    assert width[50] > 1.2 * width[85]


def test_between_its_places_the_width_is_linear_and_beyond_level() -> None:
    known = Calibration((100, 0, 50, 20), places=(40.0, 60.0), widths=(10.0, 20.0), photos=100)
    assert known.interval(45) == (32.5, 57.5)
    assert known.interval(50) == (35, 65)
    assert known.interval(55) == (37.5, 72.5)
    assert known.interval(40) == (30, 50) and known.interval(60) == (40, 80)
    assert known.interval(30) == (20, 40)
    assert known.interval(70) == (50, 90)
    assert known.interval(5) == (0, 15)


def test_the_width_follows_the_places_that_it_lies_between() -> None:
    places, widths = (10.0, 20.0, 60.0), (4.0, 8.0, 2.0)
    known = Calibration((100, 0, 50, 20), places=places, widths=widths, photos=100)
    assert known.interval(17.5) == (10.5, 24.5)
    assert known.interval(30) == pytest.approx((23.5, 36.5))
    assert known.interval(50) == pytest.approx((46.5, 53.5))


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2))
def test_the_curve_keeps_the_order_and_stays_on_the_scale(percents: list[float]) -> None:
    known = Calibration((104, -3, 50, 12), places=(40.0, 60.0), widths=(10.0, 20.0), photos=100)
    low, high = sorted(percents)
    assert 0 <= known.expected(low) <= known.expected(high) <= 100


def test_what_lies_beyond_the_scale_of_the_labels_still_has_an_order() -> None:
    # A curve that falls to -427, as one that was fitted to good photos may.
    known = Calibration((8755, -427, 1343, 445), places=(40.0,), widths=(10.0,), photos=951)
    scores = [round(known.expected(percent), 4) for percent in range(-60, 140, 5)]
    assert scores == sorted(set(scores))
    assert scores[0] > 0 and scores[-1] < 100
    # Where it is within the scale, it is the curve as it was fitted.
    fitted = -427 + (8755 + 427) / (1 + np.exp(-(60 - 1343) / 445))
    assert known.expected(60) == pytest.approx(fitted)
    ends = (SOFT_END, 100 - SOFT_END)
    around = [percent / 100 for percent in range(-2000, 12000)]
    steps = np.diff([known.expected(percent) for percent in around])
    assert steps.min() > 0 and steps.max() < 0.02
    assert any(known.expected(percent) < ends[0] for percent in around)
    assert any(known.expected(percent) > ends[1] for percent in around)


def test_a_scale_of_which_lower_is_better_is_calibrated_on_the_common_one() -> None:
    known = Calibration((100, 0, 50, 10), places=(50.0,), widths=(10.0,), photos=100)
    dmos = ScoreScale(0, 1, higher_is_better=False, meaning="DMOS", calibration=known)
    assert dmos.to_percent(0.5) == pytest.approx(50)
    assert dmos.to_percent(0.4) == pytest.approx(100 / (1 + np.exp(-1)))
    assert dmos.interval(50) == (40, 60)


def test_a_network_that_people_do_not_follow_is_not_calibrated() -> None:
    mos, predicted = opinions(1000, seed=3)
    assert fit_calibration(mos, -predicted) == "no rising curve fits (decreasing)"
    assert fit_calibration(mos[:50], predicted[:50]) == (
        f"50 photos are too few, {LEAST_PHOTOS} are needed"
    )
    same = np.minimum(predicted, 40)
    assert fit_calibration(mos, same) == "the scores of many photos are the same"


def test_a_calibration_has_five_places_with_three_decimals(calibration: Calibration) -> None:
    assert len(calibration.places) == len(calibration.widths) == 5
    for numbers in (calibration.places, calibration.widths):
        assert [round(number, 3) for number in numbers] == list(numbers)
        assert [round(number, 2) for number in numbers] != list(numbers)
