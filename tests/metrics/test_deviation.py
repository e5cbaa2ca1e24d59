import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from metrics.strategies import Pair, any_pairs, finite_pairs
from scipy import stats

from biqa_cli.errors import UsageError
from biqa_cli.metrics.correlation import plcc
from biqa_cli.metrics.deviation import (
    QUANTILES,
    explained_variance,
    mae,
    outlier_ratio,
    pinball,
    r2,
    regression_line,
    residual_quantiles,
    rmse,
)
from biqa_cli.metrics.measure import Measure

DEVIATIONS: list[Callable[..., Measure]] = [
    rmse,
    mae,
    r2,
    explained_variance,
    lambda y, p: pinball(y, p, quantile=0.9),
]


@given(finite_pairs)
def test_deviations_are_their_sums_in_exact_arithmetic(pair: Pair) -> None:
    y, p = ([Fraction(float(value)) for value in side] for side in pair)
    n, residuals = len(y), [a - b for a, b in zip(y, p, strict=True)]
    squares = sum(r * r for r in residuals)
    assert rmse(*pair) ** 2 == pytest.approx(float(squares / n), rel=1e-12)
    assert mae(*pair) == pytest.approx(float(sum(map(abs, residuals)) / n), rel=1e-12)
    for tau in map(Fraction, QUANTILES):
        loss = sum(tau * r if r > 0 else (tau - 1) * r for r in residuals) / n
        assert pinball(*pair, quantile=float(tau)) == pytest.approx(float(loss), rel=1e-12)
    spread = sum((a - sum(y) / n) ** 2 for a in y)
    if spread > 1e-3:
        assert r2(*pair) == pytest.approx(float(1 - squares / spread), rel=1e-9, abs=1e-9)
        around = sum((r - sum(residuals) / n) ** 2 for r in residuals)
        value = explained_variance(*pair)
        assert value == pytest.approx(float(1 - around / spread), rel=1e-9, abs=1e-9)


def test_worked_deviations() -> None:
    y, p = [1, 2, 3, 4], [2, 2, 2, 6]
    assert rmse(y, p) == pytest.approx(math.sqrt(6 / 4))
    assert mae(y, p) == 1
    assert r2(y, p) == pytest.approx(1 - 6 / 5)
    # The residuals -1, 0, 1, -2 have mean -1/2 and variance 5/4, like the labels.
    assert explained_variance(y, p) == pytest.approx(0)
    assert pinball(y, p, quantile=0.9) == pytest.approx((0.1 + 0 + 0.9 + 0.2) / 4)


@given(finite_pairs)
def test_the_pinball_loss_at_the_median_is_half_the_mae(pair: Pair) -> None:
    assert pinball(*pair, quantile=0.5) == pytest.approx(mae(*pair) / 2, rel=1e-12)


@given(finite_pairs, st.floats(0.01, 0.99))
def test_pinball_losses_of_opposite_quantiles_add_up_to_the_mae(pair: Pair, tau: float) -> None:
    y, p = pair
    low, high = pinball(y, p, quantile=tau), pinball(y, p, quantile=1 - tau)
    assert low >= 0 and low + high == pytest.approx(mae(y, p), rel=1e-9)
    # Exchanging labels and predictions exchanges too low and too high.
    assert pinball(p, y, quantile=tau) == pytest.approx(high, rel=1e-9, abs=1e-12)


def test_a_high_quantile_punishes_predictions_that_are_too_low() -> None:
    assert pinball([10], [9], quantile=0.9) == pytest.approx(0.9)
    assert pinball([10], [11], quantile=0.9) == pytest.approx(0.1)


def test_the_papers_quantile_loss_is_ours_with_a_minus() -> None:
    y, p = np.random.default_rng(0).normal(size=(2, 50))
    for tau in QUANTILES:
        printed = np.mean((tau - (y <= p)) * (p - y))
        assert pinball(y, p, quantile=tau) == pytest.approx(-printed, rel=1e-12)


@given(finite_pairs)
def test_errors_are_ordered_and_zero_only_when_perfect(pair: Pair) -> None:
    y, p = pair
    assert 0 <= mae(y, p) <= rmse(y, p) * (1 + 1e-12)
    assert mae(y, y) == rmse(y, y) == 0
    assert rmse(y, p) == rmse(p, y)


@given(finite_pairs, st.floats(-50, 50))
def test_explained_variance_forgives_an_offset_that_r2_does_not(pair: Pair, shift: float) -> None:
    y, p = pair
    if y.size < 2 or np.std(y) < 1e-3:
        return
    assert explained_variance(y, p + shift) == pytest.approx(
        explained_variance(y, p), rel=1e-9, abs=1e-6
    )
    assert r2(y, p) <= explained_variance(y, p) + 1e-6


def test_predicting_the_mean_label_explains_nothing() -> None:
    y = [1.0, 2, 6]
    assert r2(y, [3, 3, 3]) == explained_variance(y, [3, 3, 3]) == 0
    assert r2(y, y) == explained_variance(y, y) == 1


@pytest.mark.parametrize(
    ("mos", "reason"),
    [([], "no pairs"), ([1], "fewer than 2 pairs"), ([2, 2, 2], "constant labels")],
)
def test_without_variance_nothing_can_be_explained(mos: list[float], reason: str) -> None:
    assert r2(mos, mos).reason == explained_variance(mos, mos).reason == reason


@pytest.mark.parametrize("metric", DEVIATIONS)
def test_without_pairs_there_is_no_deviation(metric: Callable[..., Measure]) -> None:
    assert metric([], []).reason == metric([math.nan], [1]).reason == "no pairs"


def test_one_pair_has_an_error() -> None:
    assert rmse([3], [1]) == mae([3], [1]) == 2


@pytest.mark.parametrize("metric", DEVIATIONS)
@given(pair=any_pairs)
def test_any_floats_give_a_number_or_a_reason(metric: Callable[..., Measure], pair: Pair) -> None:
    value = metric(*pair)
    assert math.isnan(value) == bool(value.reason)


def test_errors_whose_squares_leave_float64_are_still_errors() -> None:
    assert rmse([3e200, 0], [0, 4e200]) == pytest.approx(5e200 / math.sqrt(2))
    assert rmse([3e-200, 0], [0, 4e-200]) == pytest.approx(5e-200 / math.sqrt(2))


def test_differences_beyond_float64_are_named() -> None:
    assert rmse([1.7e308], [-1.7e308]).reason == "outside the range of float64"


def test_outliers_are_further_off_than_two_standard_deviations() -> None:
    mos, predicted, std = [10, 10, 10, 10], [12, 12.5, 7, 10], [1, 1, 2, 0]
    assert outlier_ratio(mos, predicted, mos_std=std) == 1 / 4
    assert outlier_ratio(mos, predicted, mos_std=std, sigmas=1) == 3 / 4


def test_images_without_a_standard_deviation_are_no_outliers_and_do_not_count() -> None:
    mos, predicted = [10, 10, 10, math.nan], [20, 20, 10, 20]
    assert outlier_ratio(mos, predicted, mos_std=[1, math.nan, 1, 1]) == 1 / 2
    unknown = outlier_ratio(mos, predicted, mos_std=[math.nan] * 4)
    assert unknown.reason == "no standard deviations of labels"
    assert outlier_ratio(mos, predicted, mos_std=None).reason == unknown.reason
    assert outlier_ratio([], [], mos_std=[]).reason == "no pairs"


@pytest.mark.parametrize("std", [[1, 1], [1, -1, 1], 1.0])
def test_wrong_standard_deviations_are_refused(std: object) -> None:
    with pytest.raises(UsageError, match="one standard deviation, at least 0, for each label"):
        outlier_ratio([1, 2, 3], [1, 2, 3], mos_std=std)  # type: ignore[arg-type]


@pytest.mark.parametrize("quantile", [0, 1, -0.1, 1.1, math.nan])
def test_quantiles_lie_between_0_and_1(quantile: float) -> None:
    with pytest.raises(UsageError, match="a quantile lies between 0 and 1, got"):
        pinball([1], [1], quantile=quantile)


def test_residuals_are_label_minus_prediction() -> None:
    p = np.zeros(11)
    quantiles = residual_quantiles(np.arange(11), p)
    assert (quantiles.q10, quantiles.q50, quantiles.q90) == (1, 5, 9)
    assert residual_quantiles([], []).q50.reason == "no pairs"


def test_the_regression_line_is_that_of_scipy() -> None:
    y, p = np.random.default_rng(0).normal(size=(2, 80))
    line, oracle = regression_line(y, p), stats.linregress(p, y)
    assert line.slope == pytest.approx(oracle.slope, rel=1e-12)
    assert line.intercept == pytest.approx(oracle.intercept, rel=1e-12)
    assert line.r2 == pytest.approx(oracle.rvalue**2, rel=1e-12) == plcc(y, p) ** 2


def test_calibrated_predictions_lie_on_the_diagonal() -> None:
    line = regression_line([1, 2, 3, 5], [1, 2, 3, 5])
    assert (line.slope, line.intercept, line.r2) == pytest.approx((1, 0, 1), abs=1e-14)


def test_no_line_goes_through_constant_predictions() -> None:
    assert regression_line([1, 2, 3], [4, 4, 4]).slope.reason == "constant predictions"
