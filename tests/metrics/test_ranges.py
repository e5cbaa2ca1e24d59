import math

import numpy as np
import pytest
from hypothesis import given
from metrics.strategies import Pair, any_pairs

from biqa_cli.errors import UsageError
from biqa_cli.metrics.correlation import plcc, srcc
from biqa_cli.metrics.ranges import (
    CATEGORIES,
    agreement_by_category,
    category_confusion,
    deviation_histogram,
)


def test_categories_are_five_ranges_of_equal_width_that_include_their_lower_end() -> None:
    edges = [0, 19.999, 20, 39.999, 40, 59.999, 60, 79.999, 80, 100]
    counts = [record.n for record in agreement_by_category(edges, edges)]
    assert counts == [2, 2, 2, 2, 2]
    assert category_confusion([20], [80]).counts[1] == (0, 0, 0, 0, 1)


def test_the_correlations_of_a_category_are_those_of_its_images() -> None:
    rng = np.random.default_rng(0)
    y = rng.uniform(0, 100, 300)
    p = y + rng.normal(0, 15, 300)
    good = agreement_by_category(y, p)[CATEGORIES.index("Good")]
    inside = (y >= 60) & (y < 80)
    assert (good.category, good.n) == ("Good", inside.sum())
    assert (good.srcc, good.plcc) == (srcc(y[inside], p[inside]), plcc(y[inside], p[inside]))


def test_a_narrow_range_correlates_less_than_the_whole() -> None:
    # The range effect itself.
    rng = np.random.default_rng(0)
    y = rng.uniform(0, 100, 1000)
    p = y + rng.normal(0, 15, 1000)
    assert max(record.srcc for record in agreement_by_category(y, p)) < srcc(y, p)


def test_a_category_of_too_few_images_says_so() -> None:
    records = agreement_by_category([10, 15, 30, 31, 32, 90, 91, 92], [1, 2, 3, 4, 5, 6, 6, 6])
    assert [record.srcc.reason for record in records] == [
        "fewer than 3 pairs",
        "",
        "no pairs",
        "no pairs",
        "constant predictions",
    ]


def test_labels_of_any_range_and_direction_have_the_same_categories() -> None:
    # Binary fractions, so that no label moves across an edge by rounding.
    y = np.arange(0, 100, 6.25)
    p = y[::-1] + 1.0
    percent = category_confusion(y, p).counts
    unit = category_confusion(y / 128, p / 128, label_range=(0, 100 / 128))
    scored = category_confusion(y / 16 + 1, p / 16 + 1, label_range=(1, 7.25))
    dmos = category_confusion(100 - y, 100 - p, higher_is_better=False)
    assert percent == unit.counts == scored.counts == dmos.counts
    flipped = agreement_by_category(100 - y, 100 - p, higher_is_better=False)
    assert [record.n for record in flipped] == [r.n for r in agreement_by_category(y, p)]


def test_the_confusion_tells_too_good_from_too_bad() -> None:
    table = category_confusion([10, 50, 50, 90, 90], [90, 30, 70, 90, 150])
    assert table.counts[0] == (0, 0, 0, 0, 1)
    assert table.counts[2] == (0, 1, 0, 1, 0)
    assert table.counts[4] == (0, 0, 0, 0, 2)
    assert table.deviations == (2, 2, 0, 0, 1)


@given(any_pairs)
def test_every_valid_pair_is_counted_once(pair: Pair) -> None:
    valid = int(np.isfinite(pair).all(axis=0).sum())
    table = category_confusion(*pair)
    assert sum(map(sum, table.counts)) == sum(table.deviations) == valid
    assert sum(deviation_histogram(*pair).counts) == valid
    assert sum(record.n for record in agreement_by_category(*pair)) == valid


def test_deviations_fall_into_bins_of_two_and_a_half_points() -> None:
    off = [0, 2.4, 2.5, 5, 22.4, 22.5, 90, math.nan]
    histogram = deviation_histogram(np.zeros(8), off)
    assert histogram.edges == (0, 2.5, 5, 7.5, 10, 12.5, 15, 17.5, 20, 22.5)
    assert histogram.counts == (2, 1, 1, 0, 0, 0, 0, 0, 1, 2)
    assert deviation_histogram(np.zeros(8), np.negative(off)) == histogram


def test_deviations_are_in_points_of_100_whatever_the_label_range() -> None:
    assert deviation_histogram([2], [3], label_range=(1, 5), bins=20).counts.index(1) == 10


def test_an_empty_label_range_and_no_bins_are_refused() -> None:
    with pytest.raises(UsageError, match="from a lower to a higher number, got 5 to 5"):
        agreement_by_category([1], [1], label_range=(5, 5))
    with pytest.raises(UsageError, match="from a lower to a higher number, got 9 to 1"):
        deviation_histogram([1], [1], label_range=(9, 1))
    with pytest.raises(UsageError, match="at least 1 bin, got 0"):
        deviation_histogram([1], [1], bins=0)


def test_one_bin_holds_all_deviations() -> None:
    found = deviation_histogram([10, 20, 30], [10, 90, 31], bins=1)
    assert (found.edges, found.counts) == ((0.0,), (3,))
