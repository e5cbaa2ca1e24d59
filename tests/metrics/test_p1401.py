import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from metrics.strategies import finite_pairs
from numpy.typing import NDArray

from biqa_cli.errors import UsageError
from biqa_cli.metrics.deviation import outlier_ratio, rmse
from biqa_cli.metrics.p1401 import (
    compare_outlier_ratios,
    label_intervals,
    outlier_ratio_interval,
    plcc_interval,
    rmse_interval,
    rmse_star,
)

Case = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def cases() -> list[Case]:
    """Return labels, predictions and deviations of 1,000 random cases."""
    rng = np.random.default_rng(1401)
    found = []
    for _ in range(1000):
        n = int(rng.integers(6, 40))
        y = rng.normal(50, 20, n)
        found.append((y, y + rng.normal(0, rng.uniform(1, 20), n), rng.uniform(1, 20, n)))
    return found


CASES = cases()


def test_the_interval_of_a_label_is_that_of_student() -> None:
    for _, _, std in CASES[:100]:
        raters = len(std)
        expected = scipy.stats.t.interval(0.95, raters - 1, scale=std / math.sqrt(raters))[1]
        assert label_intervals(std, raters=raters) == pytest.approx(expected, rel=1e-12)


@pytest.mark.slow
def test_correlations_have_the_interval_of_scipy() -> None:
    for y, p, _ in CASES:
        expected = scipy.stats.pearsonr(y, p).confidence_interval(0.95)
        found = plcc_interval(y, p)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-9)


def test_rmse_and_its_interval_follow_chi_squared() -> None:
    for y, p, _ in CASES:
        freedom = len(y) - 4
        total = float(((y - p) ** 2).sum())
        low, high = (
            math.sqrt(total / scipy.stats.chi2.ppf(share, freedom)) for share in (0.975, 0.025)
        )
        found = rmse_interval(y, p, parameters=4)
        assert found.value == pytest.approx(math.sqrt(total / freedom), rel=1e-12)
        assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9)


def test_rmse_star_counts_what_is_beyond_the_interval_of_a_label() -> None:
    for y, p, std in CASES:
        widths = label_intervals(std, raters=24)
        beyond = [
            max(0.0, abs(a - b) - w)
            for a, b, w in zip(y.tolist(), p.tolist(), widths.tolist(), strict=True)
        ]
        expected = math.sqrt(sum(e * e for e in beyond) / (len(y) - 4))
        found = rmse_star(y, p, intervals=widths, parameters=4)
        assert found.value == pytest.approx(expected, rel=1e-12)
        assert found.value <= rmse_interval(y, p, parameters=4).value


def test_outliers_are_those_beyond_the_interval_of_their_label() -> None:
    for y, p, std in CASES:
        widths = label_intervals(std, raters=24)
        found = outlier_ratio_interval(y, p, intervals=widths)
        assert found.value == outlier_ratio(y, p, mos_std=widths, sigmas=1)
        spread = 1.959963984540054 * math.sqrt(found.value * (1 - found.value) / len(y))
        ends = (max(0, found.value - spread), min(1, found.value + spread))
        assert (found.low, found.high) == pytest.approx(ends, rel=1e-12)


@pytest.mark.slow
def test_outlier_ratios_are_compared_as_two_shares() -> None:
    rng = np.random.default_rng(7)
    for _ in range(1000):
        n = int(rng.integers(20, 400))
        a, b = (int(rng.integers(1, n)) for _ in range(2))
        table = np.array([[a, n - a], [b, n - b]])
        expected = scipy.stats.chi2_contingency(table, correction=False).pvalue
        found = compare_outlier_ratios(a / n, b / n, n=n)
        assert found.p_value == pytest.approx(expected, rel=1e-9, abs=1e-12)
        better = (a < b) - (a > b)
        assert found.verdict == (better if expected < 0.05 else 0)


@given(finite_pairs)
def test_without_a_mapping_rmse_is_the_plain_one(pair: tuple[NDArray[np.float64], ...]) -> None:
    y, p = pair
    assert rmse_interval(y, p).value == pytest.approx(rmse(y, p), rel=1e-12, abs=1e-300)


def test_what_is_not_defined_says_why() -> None:
    assert rmse_interval([1, 2], [1, 3], parameters=4).value.reason == "fewer than 5 pairs"
    assert plcc_interval([1, 2, 3], [1, 3, 2]).low.reason == "fewer than 4 pairs"
    none = outlier_ratio_interval([1, 2], [1, 3], intervals=[math.nan, math.nan])
    assert none.value.reason == "no intervals of labels"
    assert (
        compare_outlier_ratios(0, 0, n=9).p_value.reason == "no image, or all images, are outliers"
    )
    with pytest.raises(UsageError, match="labels of 1 opinions have no interval"):
        label_intervals([1.0], raters=1)
    with pytest.raises(UsageError, match="expected one interval, at least 0, for each of 2"):
        rmse_star([1, 2], [1, 3], intervals=[1.0])
    with pytest.raises(UsageError, match="outlier ratios lie in \\[0, 1\\]"):
        compare_outlier_ratios(2, 0, n=9)


def test_a_prediction_at_the_very_end_of_an_interval_is_no_outlier() -> None:
    assert outlier_ratio_interval([0, 0], [1, 2], intervals=[1, 1]).value == 0.5
