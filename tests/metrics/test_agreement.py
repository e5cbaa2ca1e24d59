import dataclasses
import doctest
import json
import math
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from metrics.strategies import Pair, any_pairs

from biqa_cli.errors import UsageError
from biqa_cli.metrics.agreement import agreement
from biqa_cli.metrics.correlation import krcc, plcc, srcc
from biqa_cli.metrics.deviation import explained_variance, mae, outlier_ratio, r2, rmse
from biqa_cli.metrics.mapping import fit_mapping
from biqa_cli.metrics.measure import Measure


def _measures(record: object) -> dict[str, Measure]:
    fields = dataclasses.fields(record)  # type: ignore[arg-type]
    values = {field.name: getattr(record, field.name) for field in fields}
    return {name: value for name, value in values.items() if isinstance(value, Measure)}


def test_each_number_is_that_of_its_function() -> None:
    rng = np.random.default_rng(0)
    y = rng.uniform(0, 100, 200)
    p = 100 / (1 + np.exp(-(y - 50) / 15)) + rng.normal(0, 8, 200)
    std = rng.uniform(1, 5, 200)
    result = agreement(y, p, mos_std=std)
    mapping = fit_mapping(y, p)
    assert (result.n, result.dropped, result.mapping) == (200, 0, mapping)
    assert (result.srcc, result.plcc, result.krcc) == (srcc(y, p), plcc(y, p), krcc(y, p))
    assert result.plcc_fitted == plcc(y, mapping.apply(p)) > result.plcc
    assert (result.rmse, result.mae) == (rmse(y, p), mae(y, p))
    assert result.rmse_fitted == rmse(y, mapping.apply(p)) < result.rmse
    assert result.mae_fitted == mae(y, mapping.apply(p)) < result.mae
    assert result.outlier_ratio == outlier_ratio(y, p, mos_std=std)
    mapped = result.mapping.apply(p)
    assert result.outlier_ratio_fitted == outlier_ratio(y, mapped, mos_std=std)
    assert (result.r2, result.explained_variance) == (r2(y, p), explained_variance(y, p))


def test_the_curve_of_the_fitted_metrics_can_be_chosen() -> None:
    y, p = np.random.default_rng(0).normal(size=(2, 50)).cumsum(axis=1)
    assert agreement(y, p, mapping="logistic5").mapping == fit_mapping(y, p, curve="logistic5")


def test_invalid_pairs_are_counted_and_otherwise_absent() -> None:
    y, p = [1.0, 2, 3, 5, 4, 6, 7], [2.0, 3, 3, 6, 5, 7, 9]
    std = [1.0] * 7
    whole = agreement(y, p, mos_std=std)
    holes = agreement(
        [*y, math.nan, 3, math.inf], [*p, 1, math.nan, 2], mos_std=[*std, 1, math.nan, 2]
    )
    assert dataclasses.replace(holes, dropped=0) == whole
    assert holes.dropped == 3


def test_constant_predictions_have_errors_but_no_correlations() -> None:
    result = agreement([1, 2, 3, 4, 5, 6], [3] * 6)
    undefined = {name for name, value in _measures(result).items() if value.reason}
    assert undefined == {
        "srcc",
        "plcc",
        "plcc_fitted",
        "krcc",
        "rmse_fitted",
        "mae_fitted",
        "outlier_ratio",
        "outlier_ratio_fitted",
    }
    assert str(result.srcc) == str(result.rmse_fitted) == "nan: constant predictions"


@pytest.mark.parametrize(("n", "reason"), [(0, "no pairs"), (1, ""), (2, "")])
def test_few_images_have_no_correlation(n: int, reason: str) -> None:
    result = agreement(np.arange(n), np.arange(n))
    assert result.srcc.reason == result.plcc_fitted.reason == (reason or "fewer than 3 pairs")
    assert result.rmse.reason == reason


def test_three_images_are_enough() -> None:
    result = agreement([1, 2, 3], [1, 3, 2])
    assert (result.srcc, result.plcc) == pytest.approx((0.5, 0.5))
    assert result.krcc == pytest.approx(1 / 3)
    assert (result.mapping.used, result.plcc_fitted) == ("linear", pytest.approx(0.5))


def test_correlations_keep_their_sign() -> None:
    y = np.linspace(0, 1, 50)
    result = agreement(y, 1 - y)
    assert (result.srcc, result.plcc, result.krcc) == pytest.approx((-1, -1, -1))
    assert result.plcc_fitted == pytest.approx(1)
    assert result.mapping.direction == "decreasing"


def test_the_record_turns_into_json() -> None:
    record = dataclasses.asdict(agreement([1, 2, 3, 4], [1, 2, 3, 5]))
    assert json.loads(json.dumps(record))["mapping"]["used"] == "linear"
    assert record["outlier_ratio"].reason == "no standard deviations of labels"


@settings(max_examples=20)
@given(any_pairs)
def test_any_floats_give_numbers_or_reasons(pair: Pair) -> None:
    result = agreement(*pair, mos_std=np.ones_like(pair[0]))
    assert result.n + result.dropped == pair[0].size
    for value in _measures(result).values():
        assert math.isnan(value) == bool(value.reason)


def test_the_example_of_the_page_of_metrics_is_true() -> None:
    page = Path(__file__).parents[2] / "docs" / "metrics.md"
    results = doctest.testfile(str(page), module_relative=False)
    assert results.attempted == 3 and results.failed == 0


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(UsageError, match="one prediction for each label"):
        agreement([1, 2, 3], [1, 2])


def test_hundreds_of_calls_take_seconds() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=2000)
    p = np.tanh(y) + rng.normal(0, 0.3, 2000)
    start = time.process_time()
    for _ in range(20):
        agreement(y, p)
    # About 6 ms a call; the limit leaves room for slow machines.
    assert (time.process_time() - start) / 20 < 0.2
