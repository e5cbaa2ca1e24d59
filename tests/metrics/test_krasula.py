import itertools

import numpy as np
import pytest
import scipy.stats
from numpy.typing import NDArray

from biqa_cli.errors import UsageError
from biqa_cli.metrics.krasula import pair_accuracy

Values = NDArray[np.float64]
POINT = scipy.stats.norm.ppf(0.975)


def cases() -> list[tuple[Values, Values, Values]]:
    """Return 1,000 random cases; half have ties."""
    rng = np.random.default_rng(2016)
    found = []
    for number in range(1000):
        n = int(rng.integers(4, 16))
        y, p = rng.normal(3, 1, n), rng.normal(3, 1, n)
        if number % 2:
            y, p = y.round(), p.round()
        found.append((y, p, rng.uniform(0.05, 1.5, n)))
    return found


def apart_and_not(y: Values, p: Values, s: Values) -> tuple[list[float], list[float], list[float]]:
    """Return |Δp| of pairs told apart and of others, and Δp with the better image first."""
    apart, alike, rising = [], [], []
    for i, j in itertools.combinations(range(len(y)), 2):
        z = abs(y[i] - y[j]) / (s[i] ** 2 + s[j] ** 2) ** 0.5
        if z > POINT:
            apart.append(abs(p[i] - p[j]))
            rising.append((p[i] - p[j]) * (1 if y[i] > y[j] else -1))
        else:
            alike.append(abs(p[i] - p[j]))
    return apart, alike, rising


@pytest.mark.slow
def test_areas_are_those_of_scipy_over_all_pairs() -> None:
    seen = 0
    for y, p, s in cases():
        apart, alike, rising = apart_and_not(y, p, s)
        found = pair_accuracy(y, p, mos_error=s)
        assert (found.different, found.similar) == (len(apart), len(alike))
        if apart and alike:
            wins = scipy.stats.mannwhitneyu(apart, alike, method="asymptotic").statistic
            assert found.different_similar == pytest.approx(wins / (len(apart) * len(alike)))
        if apart:
            turned = [-value for value in rising]
            wins = scipy.stats.mannwhitneyu(rising, turned, method="asymptotic").statistic
            assert found.better_worse == pytest.approx(wins / len(rising) ** 2)
            assert found.correct == pytest.approx(np.mean([value > 0 for value in rising]))
            seen += 1
    assert seen > 800


def test_a_perfect_metric_is_right_and_its_opposite_wrong() -> None:
    y = np.arange(12.0)
    s = np.full(12, 0.9)
    right, wrong = (pair_accuracy(y, sign * y, mos_error=s) for sign in (1, -1))
    assert right.better_worse == right.correct == right.different_similar == 1
    assert wrong.better_worse == wrong.correct == 0 and wrong.different_similar == 1


def test_a_constant_metric_is_chance() -> None:
    found = pair_accuracy(np.arange(12.0), np.zeros(12), mos_error=np.full(12, 0.9))
    assert found.different_similar == found.better_worse == 0.5 and found.correct == 0


def test_of_many_images_some_are_drawn_the_same_each_time() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(0, 1, 300)
    p = y + rng.normal(0, 0.5, 300)
    some = [pair_accuracy(y, p, mos_error=np.full(300, 0.2), most=200) for _ in range(2)]
    whole = pair_accuracy(y, p, mos_error=np.full(300, 0.2))
    assert some[0] == some[1] and some[0].images == 200
    assert some[0].better_worse == pytest.approx(whole.better_worse, abs=0.02)


def test_images_without_a_spread_do_not_count() -> None:
    nan = float("nan")
    found = pair_accuracy([1, 2, 3, 4], [1, 2, 3, nan], mos_error=[0.1, nan, 0.1, 0.1])
    assert (found.images, found.different) == (2, 1)
    with pytest.raises(UsageError, match="expected one standard error, at least 0, for each of 2"):
        pair_accuracy([1, 2], [1, 2], mos_error=[0.1, -0.1])


def test_people_who_tell_nothing_apart_leave_nothing_to_ask() -> None:
    found = pair_accuracy([1, 2, 3], [1, 2, 3], mos_error=[9, 9, 9])
    assert found.better_worse.reason == found.correct.reason == "people tell no pair apart"


def test_labels_without_doubt_are_told_apart_if_they_differ_at_all() -> None:
    found = pair_accuracy([1.0, 1.0, 1.001], [1, 2, 3], mos_error=[0, 0, 0])
    assert (found.different, found.similar) == (2, 1)
    with pytest.raises(UsageError, match="expected one standard error, at least 0, for each of 3"):
        pair_accuracy([1, 2, 3], [1, 2, 3], mos_error=[0, 0, -0.1])
