import math

import numpy as np
import pytest
from hypothesis import given
from metrics.strategies import Pair, any_pairs
from scipy import stats

from biqa_cli.metrics.distribution import compare_distributions


def test_moments_and_distance_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    y, p = rng.gamma(2, size=300), rng.normal(2, 1, size=300)
    result = compare_distributions(y, p)
    assert result.mos.mean == pytest.approx(y.mean(), rel=1e-12)
    assert result.predicted.std == pytest.approx(p.std(), rel=1e-12)
    assert result.mos.skew == pytest.approx(stats.skew(y), rel=1e-12)
    assert result.ks == pytest.approx(stats.ks_2samp(y, p).statistic, rel=1e-12)


def test_the_distance_of_distributions_is_0_when_alike_and_1_when_apart() -> None:
    assert compare_distributions([1, 2, 3], [3, 1, 2]).ks == 0
    assert compare_distributions([1, 2, 3], [4, 5, 6]).ks == 1
    # Half of the labels lie below every prediction.
    assert compare_distributions([0, 1, 4, 5], [4, 5, 4, 5]).ks == 0.5


def test_a_constant_has_a_spread_of_0_but_no_skew() -> None:
    constant = compare_distributions([1, 2, 3], [7, 7, 7]).predicted
    assert (constant.mean, constant.std, constant.skew.reason) == (7, 0, "constant values")


def test_without_pairs_nothing_is_compared() -> None:
    result = compare_distributions([math.nan], [1])
    assert result.ks.reason == result.mos.mean.reason == "no pairs"


@given(any_pairs)
def test_any_floats_give_numbers_or_reasons(pair: Pair) -> None:
    result = compare_distributions(*pair)
    for value in (result.ks, result.mos.skew, result.predicted.std):
        assert math.isnan(value) == bool(value.reason)
