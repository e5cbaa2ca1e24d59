import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biqa_cli.errors import UsageError
from biqa_cli.metrics.gmad import gmad_pairs

scores = st.lists(st.integers(0, 100), min_size=2, max_size=25)


@given(scores, st.integers(0, 99), st.integers(1, 6), st.floats(0, 40))
def test_each_pair_is_the_one_of_its_level_that_the_attacker_tells_apart_most(
    first: list[int], seed: int, levels: int, tolerance: float
) -> None:
    d = np.array(first, float)
    a = np.random.default_rng(seed).normal(50, 20, len(d))
    for pair in gmad_pairs(d, a, levels=levels, tolerance=tolerance):
        near = [i for i in range(len(d)) if abs(d[i] - pair.level) <= tolerance / 2]
        most = max(abs(a[i] - a[j]) for i, j in itertools.combinations(near, 2))
        assert {pair.better, pair.worse} <= set(near)
        assert pair.attacked == pytest.approx(most) == a[pair.better] - a[pair.worse]
        assert pair.defended <= tolerance + 1e-9


@given(scores, st.floats(0, 40))
def test_models_that_agree_leave_nothing_beyond_the_tolerance(
    first: list[int], tolerance: float
) -> None:
    for pair in gmad_pairs(first, first, tolerance=tolerance):
        assert 0 < pair.attacked <= tolerance + 1e-9


def test_levels_are_spread_over_the_scores_and_photos_without_a_score_keep_their_place() -> None:
    d = [float("nan"), *np.repeat([0.0, 50.0, 100.0], 10)]
    a = [0.0, *np.tile(np.arange(10.0), 3)]
    found = gmad_pairs(d, a, levels=3, tolerance=2)
    assert [pair.level for pair in found] == [0, 50, 100]
    assert [(pair.worse, pair.better) for pair in found] == [(1, 10), (11, 20), (21, 30)]


def test_no_level_and_no_tolerance_are_refused() -> None:
    with pytest.raises(UsageError, match="1 level or more and a tolerance of 0 or more, got 0"):
        gmad_pairs([1, 2], [1, 2], levels=0, tolerance=1)
    with pytest.raises(UsageError, match="got 5, nan"):
        gmad_pairs([1, 2], [1, 2], tolerance=float("nan"))
    assert gmad_pairs([], [], tolerance=1) == ()


def test_two_photos_at_either_end_of_the_tolerance_are_a_pair() -> None:
    (found,) = gmad_pairs([0, 2], [10, 80], levels=1, tolerance=2)
    assert (found.better, found.worse, found.level) == (1, 0, 1)
    assert gmad_pairs([0, 2], [10, 80], levels=1, tolerance=1.99) == ()


@pytest.mark.parametrize(
    ("levels", "expected"), [(1, [50]), (2, [5, 95]), (3, [5, 50, 95]), (4, [5, 35, 65, 95])]
)
def test_levels_lie_evenly_between_the_5_and_the_95_per_cent_quantile(
    levels: int, expected: list[float]
) -> None:
    found = gmad_pairs(np.arange(101.0), np.arange(101.0), levels=levels, tolerance=4)
    assert [pair.level for pair in found] == pytest.approx(expected)
