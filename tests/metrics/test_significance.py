import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics.strategies import Pair, any_pairs
from numpy.typing import NDArray
from scipy import stats

from biqa_cli.errors import UsageError
from biqa_cli.metrics.measure import undefined
from biqa_cli.metrics.significance import (
    RunsTest,
    compare_correlations,
    compare_rmse,
    compare_runs,
    holm,
    significance_matrix,
)

TESTS: list[RunsTest] = ["welch", "paired", "wilcoxon"]
each_test = pytest.mark.parametrize("test", TESTS)


def _runs(*means: float, n: int = 20) -> list[NDArray[np.float64]]:
    # SRCC on n splits: some splits are harder than others, for every model.
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 0.005, n)
    return [mean + hard + rng.normal(0, 0.005, n) for mean in means]


def test_each_test_by_hand() -> None:
    welch = compare_runs([1, 2, 3], [4, 5, 6])
    # Variances 1 and 1: t = -3 / √(2/3) with 4 degrees of freedom.
    assert welch.statistic == pytest.approx(-3 / math.sqrt(2 / 3))
    assert welch.p_value == pytest.approx(0.0213, abs=5e-5)
    paired = compare_runs([2, 4, 6], [1, 2, 3], test="paired")
    # Differences 1, 2, 3: t = 2√3; with 2 degrees of freedom p = 1 - t / √(t² + 2).
    assert paired.statistic == pytest.approx(2 * math.sqrt(3))
    assert paired.p_value == pytest.approx(1 - 2 * math.sqrt(3) / math.sqrt(14))
    wilcoxon = compare_runs([1, 2, 3, 4, 5, 6, 7], [0, 0, 0, 0, 0, 0, 7], test="wilcoxon")
    # Ranks 1 to 6, all above 0: one of 2⁶ signs, on either side. The equal pair does not count.
    assert wilcoxon.statistic == 21
    assert wilcoxon.p_value == pytest.approx(2 / 64)
    mixed = compare_runs([0, 2, 3, 4], [1, 0, 0, 0], test="wilcoxon")
    assert mixed.statistic == -1 + 2 + 3 + 4


def test_welch_takes_lists_of_unequal_length() -> None:
    a, b = _runs(0.85, 0.87)
    oracle = stats.ttest_ind(a, b[:12], equal_var=False)
    assert compare_runs(a, b[:12]).p_value == pytest.approx(oracle.pvalue)
    for test in ("paired", "wilcoxon"):
        with pytest.raises(UsageError, match="equally long"):
            compare_runs(a, b[:12], test=test)  # type: ignore[arg-type]


@each_test
def test_a_clear_difference_is_seen_from_both_sides(test: RunsTest) -> None:
    worse, better = _runs(0.80, 0.85)
    assert compare_runs(better, worse, test=test).verdict == 1
    assert compare_runs(worse, better, test=test).verdict == -1


def test_paired_tests_see_through_hard_and_easy_splits() -> None:
    worse, better = _runs(0.850, 0.8545)
    rng = np.random.default_rng(1)
    hard = rng.normal(0, 0.02, 20)
    worse, better = worse + hard, better + hard
    assert compare_runs(better, worse).verdict == 0
    assert compare_runs(better, worse, test="paired").verdict == 1
    assert compare_runs(better, worse, test="wilcoxon").verdict == 1


@each_test
def test_a_stricter_level_finds_less(test: RunsTest) -> None:
    a, b = _runs(0.857, 0.85)
    result = compare_runs(a, b, test=test)
    assert result.verdict == 1
    assert compare_runs(a, b, test=test, alpha=float(result.p_value)).verdict == 0


@each_test
@pytest.mark.parametrize(
    ("first", "second", "verdict", "reason"),
    [
        ([0.8, 0.8, 0.8], [0.7, 0.7, 0.7], 1, "no spread between runs"),
        ([0.7, 0.7, 0.7], [0.8, 0.8, 0.8], -1, "no spread between runs"),
        ([0.8, 0.8, 0.8], [0.8, 0.8, 0.8], 0, "no spread between runs"),
        ([0.9, 0.7], [0.6, 0.5], 1, "fewer than 3 runs"),
        ([0.8], [0.8], 0, "fewer than 3 runs"),
        ([0.8, math.nan, math.inf], [0.9, 0.8, 0.9], -1, "fewer than 3 runs"),
        ([], [], 0, "no runs"),
        ([math.nan], [0.8], 0, "no runs"),
    ],
)
def test_without_a_test_the_sign_decides_and_the_reason_is_told(
    test: RunsTest, first: list[float], second: list[float], verdict: int, reason: str
) -> None:
    result = compare_runs(first, second, test=test)
    assert result.verdict == verdict
    assert result.p_value.reason == result.statistic.reason == reason


def test_spread_in_one_list_is_enough_for_welch() -> None:
    assert compare_runs([0.8, 0.8, 0.8], [0.7, 0.71, 0.69]).p_value.reason == ""


@each_test
@settings(max_examples=40)
@given(pair=any_pairs)
def test_verdicts_are_opposite_from_the_other_side(test: RunsTest, pair: Pair) -> None:
    there, back = compare_runs(*pair, test=test), compare_runs(*reversed(pair), test=test)
    assert there.verdict == -back.verdict
    assert there.p_value.reason == back.p_value.reason
    assert bool(there.p_value.reason) or 0 <= there.p_value <= 1 + 1e-12


@settings(max_examples=8)
@given(st.lists(st.integers(-4, 4), min_size=3, max_size=30))
def test_wilcoxon_takes_ties_and_equal_runs_without_a_warning(differences: list[int]) -> None:
    result = compare_runs(differences, np.zeros(len(differences)), test="wilcoxon")
    assert bool(result.p_value.reason) == (len(set(differences)) == 1)


def test_fishers_z_by_hand() -> None:
    # atanh 0.9 = 1.47222, atanh 0.8 = 1.09861, √(2/100) = 0.141421.
    result = compare_correlations(0.9, 0.8, n=103)
    assert result.statistic == pytest.approx(0.373607 / 0.141421, abs=1e-4)
    assert result.p_value == pytest.approx(0.00825, abs=1e-5)
    assert result.verdict == 1
    assert compare_correlations(0.8, 0.9, n=103).verdict == -1
    # The same correlations on 50 images: Z = 1.811.
    assert compare_correlations(0.9, 0.8, n=50).verdict == 0


def test_fishers_z_is_finite_for_perfect_correlations() -> None:
    assert compare_correlations(1, -1, n=10).verdict == 1
    assert compare_correlations(1, 1, n=10).statistic == 0


def test_correlations_of_opposite_sign_differ() -> None:
    assert compare_correlations(-0.9, 0.9, n=50).verdict == -1


@pytest.mark.parametrize(
    ("first", "second", "n", "reason"),
    [
        (0.9, 0.1, 3, "fewer than 4 images"),
        (math.nan, 0.1, 99, "one side is nan"),
        (0.1, undefined("constant labels"), 99, "constant labels"),
    ],
)
def test_undecided_correlations_say_why(first: float, second: float, n: int, reason: str) -> None:
    result = compare_correlations(first, second, n=n)
    assert (result.verdict, result.p_value.reason) == (0, reason)


def test_the_f_test_by_hand() -> None:
    # The upper 5 % point of F(100, 100) is 1.392.
    significant = compare_rmse(10, 12, n=101, parameters=1)
    assert significant.statistic == pytest.approx(1.44) and significant.verdict == 1
    assert compare_rmse(12, 10, n=101, parameters=1).verdict == -1
    assert compare_rmse(10, 11.7, n=101, parameters=1).verdict == 0  # F = 1.369
    assert stats.f.ppf(0.95, 100, 100) == pytest.approx(1.392, abs=5e-4)
    border = compare_rmse(10, 10 * math.sqrt(stats.f.ppf(0.95, 96, 96)), n=100, parameters=4)
    assert border.p_value == pytest.approx(0.05, abs=1e-9)


def test_equal_errors_do_not_differ() -> None:
    result = compare_rmse(5, 5, n=100)
    assert (result.verdict, result.statistic) == (0, 1)


@pytest.mark.parametrize(
    ("first", "second", "n", "reason"),
    [
        (0, 1, 100, "an RMSE is 0"),
        (math.nan, 1, 100, "one side is nan"),
        (1, 2, 4, "fewer than 5 images"),
    ],
)
def test_undecided_errors_say_why(first: float, second: float, n: int, reason: str) -> None:
    result = compare_rmse(first, second, n=n, parameters=4)
    assert (result.verdict, result.p_value.reason) == (0, reason)


def test_impossible_correlations_and_errors_are_refused() -> None:
    with pytest.raises(UsageError, match=r"correlations lie in \[-1, 1\], got 1.2 and 0.5"):
        compare_correlations(1.2, 0.5, n=9)
    with pytest.raises(UsageError, match="an RMSE is not negative, got -1 and 2"):
        compare_rmse(-1, 2, n=9)


def test_holm_by_hand() -> None:
    # 0.005·4, 0.01·3, 0.03·2, and 0.04·1, which is not let below the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]).tolist() == [1, 1]
    assert holm([]).tolist() == []


def test_a_test_that_could_not_be_made_does_not_count_for_holm() -> None:
    corrected = holm([0.02, math.nan, 0.01])
    assert corrected[[0, 2]] == pytest.approx([0.02, 0.02])
    assert math.isnan(corrected[1])


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_keeps_the_order_and_never_lowers_a_p_value(p_values: list[float]) -> None:
    corrected = holm(p_values)
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(corrected[order]) >= 0).all()
    assert (corrected >= np.array(p_values)).all() and (corrected <= 1).all()
    bonferroni = np.minimum(np.array(p_values) * len(p_values), 1)
    assert (corrected <= bonferroni + 1e-15).all()


def test_the_matrix_reads_as_reqas_table_3() -> None:
    means = {"MetaIQA": 0.802, "AIGQA": 0.82, "DBCNN": 0.851, "HyperIQA": 0.864, "REQA": 0.865}
    matrix = significance_matrix(dict(zip(means, _runs(*means.values()), strict=True)))
    assert matrix.models == tuple(means)
    assert matrix.verdicts == (
        (0, -1, -1, -1, -1),
        (1, 0, -1, -1, -1),
        (1, 1, 0, -1, -1),
        (1, 1, 1, 0, 0),
        (1, 1, 1, 0, 0),
    )
    assert matrix.p_values[0][0].reason == "the same model"
    assert matrix.p_values[4][0] == matrix.p_values[0][4] < 0.05 < matrix.p_values[3][4]


def test_holm_takes_back_what_many_comparisons_find_by_chance() -> None:
    runs = dict(zip("abcd", _runs(0.850, 0.8535, 0.851, 0.852), strict=True))
    plain = significance_matrix(runs, test="paired")
    corrected = significance_matrix(runs, test="paired", correct=True)
    assert any(1 in row for row in plain.verdicts)
    assert sum(map(sum, np.abs(corrected.verdicts))) < sum(map(sum, np.abs(plain.verdicts)))
    assert all(
        c.reason or c >= p
        for row, plain_row in zip(corrected.p_values, plain.p_values, strict=True)
        for c, p in zip(row, plain_row, strict=True)
    )


def test_cells_without_a_test_keep_their_reason_when_corrected() -> None:
    runs = {"single": [0.8], "a": _runs(0.85)[0], "b": _runs(0.85, 0.9)[1]}
    matrix = significance_matrix(runs, correct=True)
    assert matrix.verdicts == ((0, -1, -1), (1, 0, -1), (1, 1, 0))
    assert matrix.p_values[0][1].reason == "fewer than 3 runs"


def test_a_matrix_of_no_or_one_model_is_small() -> None:
    assert significance_matrix({}).verdicts == ()
    assert significance_matrix({"a": [1, 2, 3]}).verdicts == ((0,),)
