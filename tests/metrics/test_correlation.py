import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from metrics.strategies import Pair, any_pairs, tied_pairs
from scipy import stats

from biqa_cli.metrics.correlation import krcc, plcc, srcc
from biqa_cli.metrics.measure import Measure

CORRELATIONS = [srcc, plcc, krcc]
each_correlation = pytest.mark.parametrize("correlation", CORRELATIONS)


@pytest.mark.parametrize("seed", range(20))
def test_correlations_are_those_of_scipy_with_and_without_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 400))
    y = rng.normal(50, 20, n)
    p = y + rng.normal(0, 20, n)
    for mos, predicted in [(y, p), (y.round(-1), p.round(-1)), (y, p.round(-1))]:
        assert srcc(mos, predicted) == pytest.approx(stats.spearmanr(mos, predicted)[0], abs=1e-12)
        assert plcc(mos, predicted) == pytest.approx(stats.pearsonr(mos, predicted)[0], abs=1e-12)
        assert krcc(mos, predicted) == pytest.approx(stats.kendalltau(mos, predicted)[0], abs=1e-12)


def test_without_ties_srcc_is_the_form_that_papers_print() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.permutation(50), rng.permutation(50)
    printed = 1 - 6 * np.sum((a - b) ** 2) / (50 * (50**2 - 1))
    assert srcc(a, b) == pytest.approx(printed, abs=1e-12)


def test_a_worked_example_with_ties() -> None:
    # Mid-ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: Σ(a-ā)(b-b̄) = 4.5, of √(4.5 · 5).
    mos, predicted = [1, 2, 2, 3], [1, 2, 3, 4]
    assert srcc(mos, predicted) == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    # 5 concordant pairs, none discordant, 1 of 6 tied in the labels.
    assert krcc(mos, predicted) == pytest.approx(5 / math.sqrt(5 * 6))
    assert krcc(mos, predicted, variant="a") == pytest.approx(5 / 6)


@given(tied_pairs)
def test_kendall_counts_concordant_and_discordant_pairs(pair: Pair) -> None:
    y, p = pair
    assume(len(set(y)) > 1 and len(set(p)) > 1)
    signs_y, signs_p = (
        np.sign(np.subtract.outer(v, v))[np.triu_indices(v.size, 1)] for v in (y, p)
    )
    balance, total = float(signs_y @ signs_p), signs_y.size
    assert krcc(y, p, variant="a") == pytest.approx(balance / total, abs=1e-12)
    untied = math.sqrt(np.count_nonzero(signs_y) * np.count_nonzero(signs_p))
    assert krcc(y, p) == pytest.approx(balance / untied, abs=1e-12)


def test_both_kendalls_agree_without_ties() -> None:
    rng = np.random.default_rng(0)
    y, p = rng.normal(size=(2, 60))
    assert krcc(y, p, variant="a") == pytest.approx(krcc(y, p), abs=1e-12)


@each_correlation
def test_perfect_and_reversed_predictions_correlate_fully(
    correlation: Callable[..., Measure],
) -> None:
    y = np.array([3.1, 4.1, 5.9, 2.6, 5.3])
    assert correlation(y, y) == pytest.approx(1, abs=1e-15)
    assert correlation(y, -y) == pytest.approx(-1, abs=1e-15)


@each_correlation
@given(pair=tied_pairs)
def test_correlations_are_symmetric_and_change_sign_with_a_side(
    correlation: Callable[..., Measure], pair: Pair
) -> None:
    y, p = pair
    value = correlation(y, p)
    if value.reason:
        assert correlation(p, y).reason and correlation(y, -p).reason
        return
    assert -1 <= value <= 1
    assert correlation(p, y) == pytest.approx(value, abs=1e-12)
    assert correlation(y, -p) == pytest.approx(-value, abs=1e-12)


@pytest.mark.parametrize("correlation", [srcc, krcc])
@given(pair=tied_pairs)
def test_rank_correlations_ignore_monotone_rescaling(
    correlation: Callable[..., Measure], pair: Pair
) -> None:
    y, p = pair
    value = correlation(y, p)
    assert repr(correlation(y, p**3 + p)) == repr(value)
    assert repr(correlation(np.exp(y), 2 * p + 1)) == repr(value)


@given(tied_pairs, st.floats(0.01, 100), st.floats(-100, 100))
def test_plcc_ignores_positive_affine_rescaling(pair: Pair, scale: float, shift: float) -> None:
    y, p = pair
    value = plcc(y, p)
    rescaled = plcc(y, scale * p + shift)
    assert rescaled.reason == value.reason
    assert bool(value.reason) or rescaled == pytest.approx(value, abs=1e-10)


@given(tied_pairs, st.randoms(use_true_random=False))
def test_the_order_of_images_does_not_matter(pair: Pair, random: object) -> None:
    y, p = pair
    order = np.arange(y.size)
    random.shuffle(order)  # type: ignore[attr-defined]
    for correlation in CORRELATIONS:
        value, shuffled = correlation(y, p), correlation(y[order], p[order])
        assert shuffled.reason == value.reason
        assert bool(value.reason) or shuffled == pytest.approx(value, abs=1e-12)


@each_correlation
@given(pair=any_pairs)
def test_any_floats_give_a_number_or_a_reason(
    correlation: Callable[..., Measure], pair: Pair
) -> None:
    value = correlation(*pair)
    assert math.isnan(value) == bool(value.reason)
    assert bool(value.reason) or -1 <= value <= 1


@each_correlation
@pytest.mark.parametrize(
    ("mos", "predicted", "reason"),
    [
        ([], [], "no pairs"),
        ([1], [2], "fewer than 3 pairs"),
        ([1, 2], [1, 2], "fewer than 3 pairs"),
        ([1, 2, math.nan], [1, 2, 3], "fewer than 3 pairs"),
        ([math.nan] * 3, [1, 2, 3], "no pairs"),
        ([5, 5, 5], [1, 2, 3], "constant labels"),
        ([1, 2, 3], [5, 5, 5], "constant predictions"),
        ([0.1, 0.1, 0.1, math.inf], [1, 2, 3, 4], "constant labels"),
    ],
)
def test_undefined_correlations_say_why(
    correlation: Callable[..., Measure], mos: list[float], predicted: list[float], reason: str
) -> None:
    assert correlation(mos, predicted).reason == reason


@each_correlation
def test_pairs_that_are_not_finite_do_not_count(correlation: Callable[..., Measure]) -> None:
    mos, predicted = [1.0, 2, 3, 4, 5, 6], [1.0, 3, 2, 4, math.nan, math.inf]
    assert correlation(mos, predicted) == correlation(mos[:4], predicted[:4])


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_plcc_holds_at_the_ends_of_float64(scale: float) -> None:
    y, p = np.array([1.0, 2, 4, 3]), np.array([1.0, 3, 2, 4])
    assert plcc(y * scale, p / scale) == pytest.approx(plcc(y, p), abs=1e-12)


def test_plcc_of_nearly_constant_predictions_keeps_its_digits() -> None:
    # Steps of one unit in the last place of 1.0.
    y, steps = np.array([1.0, 2, 4, 3]), np.array([0.0, 2, 1, 3])
    assert plcc(y, 1 + steps * 2**-52) == pytest.approx(plcc(y, steps), abs=1e-12)
