import math
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from metrics.strategies import Pair, any_pairs, tied_pairs
from numpy.typing import NDArray
from scipy.optimize import curve_fit, leastsq

from biqa_cli.metrics import logistic as logistic_module
from biqa_cli.metrics.correlation import plcc, srcc
from biqa_cli.metrics.logistic import Curve, direction, fit_logistic, logistic4, logistic5
from biqa_cli.metrics.mapping import fit_mapping, plcc_fitted

CURVES: tuple[Curve, ...] = get_args(Curve)
each_curve = pytest.mark.parametrize("curve", CURVES)


def _saturating(n: int = 200, *, noise: float = 0.05) -> tuple[NDArray[np.float64], ...]:
    rng = np.random.default_rng(0)
    p = rng.normal(size=n)
    return 1 / (1 + np.exp(-3 * p)) + rng.normal(0, noise, n), p


def test_the_published_curves_at_worked_points() -> None:
    x = np.array([-1e9, 4.0, 1e9])
    assert logistic4(x, 90, 10, 4, 2).tolist() == [10, 50, 90]
    assert logistic4(x, 90, 10, 4, -2).tolist() == [10, 50, 90]
    x = np.linspace(-3, 8, 12)
    printed4 = 10 + (90 - 10) / (1 + np.exp(-(x - 4) / abs(-2)))
    assert logistic4(x, 90, 10, 4, -2) == pytest.approx(printed4, rel=1e-12)
    printed5 = 80 * (0.5 - 1 / (1 + np.exp(0.7 * (x - 4)))) + 3 * x + 20
    assert logistic5(x, 80, 0.7, 4, 3, 20) == pytest.approx(printed5, rel=1e-12)


@pytest.mark.parametrize(
    ("curve", "parameters"),
    [
        ("logistic4", (90.0, 10.0, 0.6, 0.1)),
        ("logistic4", (10.0, 90.0, 0.4, 0.2)),
        ("logistic5", (60.0, 12.0, 0.5, 20.0, 30.0)),
        ("logistic5", (-60.0, 12.0, 0.5, -20.0, 30.0)),
    ],
)
def test_a_curve_is_recovered_from_its_points(curve: Curve, parameters: tuple[float, ...]) -> None:
    p = np.random.default_rng(0).uniform(size=100)
    y = (logistic4 if curve == "logistic4" else logistic5)(p, *parameters)
    mapping = fit_mapping(y, p, curve=curve)
    assert (mapping.used, mapping.converged, mapping.reason) == (curve, True, "")
    assert mapping.apply(p) == pytest.approx(y, abs=1e-4)
    assert mapping.parameters == pytest.approx(parameters, rel=1e-4)
    assert plcc_fitted(y, p, mapping=mapping) == pytest.approx(1, abs=1e-10)


@each_curve
def test_no_curve_of_the_family_is_nearer_to_noisy_labels(curve: Curve) -> None:
    y, p = _saturating(noise=0.2)
    mapping = fit_mapping(y, p, curve=curve)
    form = logistic4 if curve == "logistic4" else logistic5
    polished = curve_fit(form, p, y, p0=mapping.parameters)[0]
    assert np.sum((form(p, *polished) - y) ** 2) >= np.sum((mapping.apply(p) - y) ** 2) - 1e-7


@pytest.mark.parametrize(
    ("curve", "published"),
    [("logistic4", (2.0, -1.0, 0.0, 1 / 4)), ("logistic5", (3.0, 1.0, 0.0, 0.0, 0.0))],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_fit_starts_where_it_is_published_and_at_a_quarter_and_four_times_of_one_number(
    curve: Curve, published: tuple[float, ...], sign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[tuple[float, ...]] = []

    def note(residuals: object, start: tuple[float, ...], **options: Any) -> Any:
        starts.append(start)
        return leastsq(residuals, start, **options)

    monkeypatch.setattr(logistic_module, "leastsq", note)
    x, y = np.array([-2.0, -1.0, 0.0, 0.5, 1.0, 1.5]), np.array([-1.0, -0.9, 0.0, 0.5, 1.9, 2.0])
    assert fit_logistic(sign * x, y, curve=curve) is not None
    # Where labels fall, the curve goes from the highest to the lowest.
    rise = (-1.0, 2.0) if curve == "logistic4" else (-3.0,)
    published = published if sign > 0 else (*rise, *published[len(rise) :])
    varied = 3 if curve == "logistic4" else 1
    assert starts == [
        tuple(factor * b if n == varied else b for n, b in enumerate(published))
        for factor in (1, 4, 1 / 4)
    ]


@pytest.mark.parametrize(("curve", "seed"), [("logistic4", 27), ("logistic5", 36)])
def test_a_fit_that_stops_early_from_the_published_start_goes_on_from_others(
    curve: Curve, seed: int
) -> None:
    # The first is found from four times the published width, the second from four times less.
    rng = np.random.default_rng(seed)
    p = rng.normal(size=30)
    y = 1 / (1 + np.exp(-rng.choice([0.5, 5, 30]) * (p - rng.normal() * 1.5)))
    y += rng.normal(0, 0.05, 30)
    left = float(np.sum((fit_mapping(y, p, curve=curve).apply(p) - y) ** 2))
    assert left <= _least_squares_on_a_grid(y, p, line=curve == "logistic5") + 1e-9


def _least_squares_on_a_grid(
    y: NDArray[np.float64], p: NDArray[np.float64], *, line: bool
) -> float:
    """Return the least sum of squares over steepness and centre; the rest of a curve is linear."""
    least = math.inf
    for steepness in np.geomspace(0.2, 100, 30):
        for centre in np.linspace(-2.5, 2.5, 21):
            columns = [
                np.tanh(steepness * (p - centre) / 2),
                np.ones_like(p),
                *([p] if line else []),
            ]
            basis = np.stack(columns, axis=1)
            found = basis @ np.linalg.lstsq(basis, y, rcond=None)[0]
            least = min(least, float(np.sum((found - y) ** 2)))
    return least


@each_curve
@pytest.mark.parametrize("noise", [0.01, 0.1, 0.5, 3])
@pytest.mark.parametrize("n", [8, 50, 500])
def test_a_mapping_never_loses_correlation(curve: Curve, noise: float, n: int) -> None:
    y, p = _saturating(n, noise=noise)
    mapping = fit_mapping(y, p, curve=curve)
    assert plcc_fitted(y, p, mapping=mapping) >= abs(plcc(y, p)) - 1e-12
    if mapping.used == "logistic4":
        assert mapping.monotone


@each_curve
def test_standard_scores_and_other_units_have_the_same_fit(curve: Curve) -> None:
    y, p = _saturating()
    fitted = plcc_fitted(y, p, mapping=fit_mapping(y, p, curve=curve))
    for mos, predicted in [(y, -p), (-y, p), (100 * y - 7, p), (y, 1e4 * p + 3)]:
        mapping = fit_mapping(mos, predicted, curve=curve)
        assert plcc_fitted(mos, predicted, mapping=mapping) == pytest.approx(fitted, abs=1e-7)


def test_a_mapping_tells_its_direction() -> None:
    y, p = _saturating()
    assert fit_mapping(y, p).direction == "increasing"
    assert fit_mapping(-y, p).direction == fit_mapping(y, -p).direction == "decreasing"


def test_a_monotone_mapping_keeps_the_order() -> None:
    y, p = _saturating()
    assert srcc(p, fit_mapping(y, p).apply(p)) == pytest.approx(1)
    assert srcc(p, fit_mapping(-y, p).apply(p)) == pytest.approx(-1)


def test_the_5_parameter_curve_is_reported_where_it_is_not_monotone() -> None:
    p = np.linspace(-3, 3, 200)
    y = logistic5(p, 4, 3, 0, -0.4, 0)
    mapping = fit_mapping(y, p, curve="logistic5")
    assert mapping.used == "logistic5" and not mapping.monotone
    assert mapping.apply(p) == pytest.approx(y, abs=1e-5)
    assert (np.diff(y) > 0).any() and (np.diff(y) < 0).any()


@pytest.mark.parametrize(("curve", "least"), [("logistic4", 5), ("logistic5", 6)])
def test_too_few_pairs_for_a_curve_get_a_line(curve: Curve, least: int) -> None:
    y, p = _saturating(least - 1)
    mapping = fit_mapping(y, p, curve=curve)
    assert (mapping.used, mapping.converged) == ("linear", False)
    assert mapping.reason == f"fewer than {least} pairs"
    assert mapping.apply(p) == pytest.approx(np.polyval(np.polyfit(p, y, 1), p), abs=1e-12)
    assert plcc_fitted(y, p, mapping=mapping) == abs(plcc(y, p))
    assert plcc_fitted(-y, p, mapping=fit_mapping(-y, p, curve=curve)) == abs(plcc(y, p))


@each_curve
@pytest.mark.parametrize("slope", [3.0, -3.0])
def test_labels_on_a_line_get_that_line(curve: Curve, slope: float) -> None:
    p = np.random.default_rng(0).normal(size=100)
    mapping = fit_mapping(slope * p + 1, p, curve=curve)
    assert (mapping.used, mapping.reason) == ("linear", "a straight line fits as well")
    assert mapping.converged and mapping.monotone
    assert mapping.parameters == pytest.approx((slope, 1))


def test_without_a_fit_that_comes_to_rest_there_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logistic_module, "_MOST_EVALUATIONS", 4)
    mapping = fit_mapping(*_saturating())
    assert (mapping.used, mapping.converged) == ("linear", False)
    assert mapping.reason == "no fit came to rest"


@pytest.mark.parametrize(
    ("mos", "predicted", "reason"),
    [
        ([], [], "no pairs"),
        ([1], [1], "fewer than 3 pairs"),
        ([1, 2], [1, 2], "fewer than 3 pairs"),
        ([3] * 9, range(9), "constant labels"),
        (range(9), [3] * 9, "constant predictions"),
        ([1e300, -1e300, 0, 5e299], [1, 2, 3, 4], "outside the range of float64"),
    ],
)
def test_without_variation_there_is_no_mapping(
    mos: list[float], predicted: list[float], reason: str
) -> None:
    mapping = fit_mapping(mos, predicted)
    assert (mapping.used, mapping.reason, mapping.monotone) == ("none", reason, False)
    assert not mapping.converged
    assert np.isnan(mapping.apply([1.0, 2.0])).all()


@each_curve
def test_invalid_pairs_do_not_bend_the_curve(curve: Curve) -> None:
    y, p = _saturating(60)
    whole = fit_mapping([*y, math.nan, 5], [*p, 0, math.inf], curve=curve)
    assert whole == fit_mapping(y, p, curve=curve)


@pytest.mark.parametrize("curve", ["logistic4", pytest.param("logistic5", marks=pytest.mark.slow)])
@settings(max_examples=5)
@given(pair=tied_pairs)
def test_fitted_correlations_of_ties_are_at_least_the_raw_ones(curve: Curve, pair: Pair) -> None:
    y, p = pair
    fitted = plcc_fitted(y, p, mapping=fit_mapping(y, p, curve=curve))
    raw = plcc(y, p)
    assert fitted.reason == raw.reason
    assert bool(raw.reason) or abs(raw) - 1e-7 <= fitted <= 1


@settings(max_examples=40)
@given(pair=any_pairs)
def test_any_floats_give_a_mapping_without_a_warning(pair: Pair) -> None:
    mapping = fit_mapping(*pair)
    assert bool(mapping.reason) == (mapping.used != mapping.requested)
    assert all(map(math.isfinite, mapping.parameters))


def test_labels_that_no_s_shape_fits_better_get_a_line_of_their_direction() -> None:
    # Steeper at both ends than in the middle: the nearest 4-parameter curve is almost straight.
    p = np.linspace(-2, 2, 60)
    for sign, direction_of_line in [(1, "increasing"), (-1, "decreasing")]:
        mapping = fit_mapping(sign * p**3, p)
        assert (mapping.used, mapping.reason) == ("linear", "a straight line fits as well")
        assert mapping.direction == direction_of_line


def test_a_flat_line_has_no_direction() -> None:
    mapping = fit_mapping([1, -1, -1, 1], [-1, -1, 1, 1])
    assert (mapping.used, mapping.parameters) == ("linear", (0, 0))
    assert mapping.direction == "neither" and not mapping.monotone


@pytest.mark.parametrize("straight", [-4, -2.9, -0.4, 0, 0.4, 2.9, 4])
@pytest.mark.parametrize("rise", [-4, 4])
@pytest.mark.parametrize("centre", [-4, 0, 1])
def test_the_direction_of_a_5_parameter_curve_is_where_its_points_go(
    straight: float, rise: float, centre: float
) -> None:
    x = np.linspace(-2, 2, 1001)
    steps = np.diff(logistic5(x, rise, 3, centre, straight, 0))
    expected = (
        "increasing" if (steps > 0).all() else "decreasing" if (steps < 0).all() else "neither"
    )
    assert direction("logistic5", (rise, 3, centre, straight, 0), x) == expected
