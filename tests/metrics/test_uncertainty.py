import math

import numpy as np
import pytest
from hypothesis import given, settings
from metrics.strategies import Pair, any_pairs
from numpy.typing import NDArray
from scipy import stats

from biqa_cli.errors import UsageError
from biqa_cli.metrics.correlation import krcc, plcc, srcc
from biqa_cli.metrics.deviation import rmse
from biqa_cli.metrics.uncertainty import Metric, bootstrap


def _correlated(n: int, *, seed: int = 0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n)
    return np.stack([y, y + rng.normal(0, 0.6, n)])


@pytest.mark.parametrize("metric", [srcc, plcc, krcc, rmse])
def test_the_interval_holds_the_estimate_of_well_behaved_data(metric: Metric) -> None:
    y, p = _correlated(300)
    interval = bootstrap(metric, y, p, resamples=200)
    assert interval.estimate == metric(y, p)
    assert interval.low < interval.estimate < interval.high
    assert (interval.units, interval.resamples, interval.undefined) == (300, 200, 0)


def test_the_interval_of_plcc_is_about_that_of_fisher() -> None:
    y, p = _correlated(400)
    interval = bootstrap(plcc, y, p)
    low, high = stats.pearsonr(y, p).confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.01)


@pytest.mark.slow
def test_95_percent_intervals_hold_the_truth_about_95_times_in_100() -> None:
    held = 0
    for seed in range(100):
        y, p = _correlated(60, seed=seed)
        interval = bootstrap(plcc, y, p, resamples=200, seed=seed)
        held += interval.low <= 1 / math.sqrt(1 + 0.6**2) <= interval.high
    assert 88 <= held <= 99


def test_a_mean_over_references_is_as_uncertain_as_the_references() -> None:
    # 10 images of each reference share one error: there are 30 errors, not 300.
    rng = np.random.default_rng(0)
    references = np.repeat(np.arange(30), 10)
    y = rng.normal(size=300)
    p = y + rng.normal(0, 1, 30)[references]
    apart = bootstrap(srcc, y, p, resamples=300)
    together = bootstrap(srcc, y, p, groups=references, resamples=300)
    assert together.estimate == apart.estimate
    assert together.high - together.low > 1.3 * (apart.high - apart.low)
    assert (together.units, apart.units) == (30, 300)


def test_only_whole_groups_are_drawn() -> None:
    references = np.array(["cat", "dog", "cat", "owl", "dog", "cat"])
    mos = np.arange(6.0)

    def check(y: NDArray[np.float64], p: NDArray[np.float64]) -> float:
        assert (y == p).all()
        counts = np.bincount(y.astype(int), minlength=6)
        for name in set(references):
            assert len(set(counts[references == name])) == 1
        return float(y.mean())

    bootstrap(check, mos, mos, groups=references, resamples=50)


def test_groups_of_one_image_are_images() -> None:
    y, p = _correlated(50)
    grouped = bootstrap(srcc, y, p, groups=np.arange(50), resamples=50)
    assert grouped == bootstrap(srcc, y, p, resamples=50)


def test_groups_follow_their_images_when_pairs_are_left_out() -> None:
    y, p = _correlated(40)
    references = np.arange(40) // 4
    holes = np.insert(p, 7, math.nan)
    whole = bootstrap(srcc, y, p, groups=references, resamples=50)
    result = bootstrap(
        srcc, np.insert(y, 7, 0), holes, groups=np.insert(references, 7, 99), resamples=50
    )
    assert result == whole


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    y, p = _correlated(80)
    first = bootstrap(srcc, y, p, resamples=100, seed=1)
    assert bootstrap(srcc, y, p, resamples=100, seed=1) == first
    assert bootstrap(srcc, y, p, resamples=100, seed=2) != first


def test_a_higher_level_has_a_wider_interval_and_more_images_a_narrower_one() -> None:
    y, p = _correlated(400)
    wide, narrow = (bootstrap(srcc, y, p, resamples=200, level=level) for level in (0.99, 0.5))
    assert wide.low < narrow.low < narrow.high < wide.high
    few = bootstrap(srcc, y[:50], p[:50], resamples=200, level=0.5)
    assert few.high - few.low > narrow.high - narrow.low


def test_resamples_without_a_value_are_counted_and_left_out() -> None:
    # Of 3 images, a resample is often one image three times over.
    interval = bootstrap(srcc, [1, 2, 3], [1, 2, 3], resamples=500)
    assert interval.low == interval.high == 1
    # 3 of 27 resamples are constant.
    assert 500 / 9 - 25 < interval.undefined < 500 / 9 + 25


@pytest.mark.parametrize(
    ("mos", "predicted", "groups", "reason"),
    [
        ([], [], None, "no pairs"),
        ([1, 2], [1, 2], None, "fewer than 3 pairs"),
        ([1, 2, 3], [4, 4, 4], None, "constant predictions"),
        ([1, 2, 3], [1, 2, 3], [7, 7, 7], "fewer than 2 references"),
    ],
)
def test_undefined_intervals_say_why(
    mos: list[float], predicted: list[float], groups: list[int] | None, reason: str
) -> None:
    interval = bootstrap(srcc, mos, predicted, groups=groups)
    assert interval.low.reason == interval.high.reason == reason
    assert interval.resamples == 0


def test_one_image_has_an_error_but_no_interval() -> None:
    interval = bootstrap(rmse, [1], [3])
    assert (interval.estimate, interval.low.reason) == (2, "fewer than 2 pairs")


def test_a_metric_may_return_plain_floats() -> None:
    assert bootstrap(lambda y, _: float(y.max()), [1, 2, 3], [1, 2, 3]).high == 3
    plain_nan = bootstrap(lambda *_: math.nan, [1, 2, 3], [1, 2, 3])
    assert plain_nan.estimate.reason == plain_nan.low.reason == "the metric is nan"


def test_a_metric_that_no_resample_defines_has_no_interval() -> None:
    whole = [1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10]

    def defined_on_all(y: NDArray[np.float64], _: NDArray[np.float64]) -> float:
        return 1.0 if len(set(y)) == 10 else math.nan

    interval = bootstrap(defined_on_all, whole, whole, resamples=20)
    assert interval.low.reason == "undefined in every resample"
    assert interval.undefined == interval.resamples == 20


@settings(max_examples=30)
@given(any_pairs)
def test_any_floats_give_an_interval_or_a_reason(pair: Pair) -> None:
    interval = bootstrap(srcc, *pair, resamples=10)
    assert interval.low.reason == interval.high.reason
    assert bool(interval.low.reason) or -1 <= interval.low <= interval.high <= 1


@pytest.mark.parametrize(("level", "resamples"), [(0, 10), (1, 10), (0.95, 0), (math.nan, 10)])
def test_impossible_intervals_are_refused(level: float, resamples: int) -> None:
    with pytest.raises(UsageError, match="needs 0 < level < 1 and resamples ≥ 1, got"):
        bootstrap(srcc, [1, 2, 3], [1, 2, 3], level=level, resamples=resamples)


def test_groups_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="one group for each label"):
        bootstrap(srcc, [1, 2, 3], [1, 2, 3], groups=[1, 2])


def test_a_thousand_resamples_are_drawn_unless_asked_otherwise() -> None:
    y, p = _correlated(20)
    assert bootstrap(rmse, y, p).resamples == 1000


def test_two_units_are_enough_for_an_interval_and_one_is_not() -> None:
    y, p = [1.0, 2.0, 3.0, 4.0], [1.0, 2.5, 3.0, 6.0]
    two = bootstrap(rmse, y, p, groups=["a", "a", "b", "b"])
    # Either reference twice, or both once.
    assert (two.low, two.high) == pytest.approx((rmse(y[:2], p[:2]), rmse(y[2:], p[2:])))
    one = bootstrap(rmse, y, p, groups=["a"] * 4)
    assert math.isnan(one.low) and one.low.reason == "fewer than 2 references"
