import copy
import json
import math
import pickle

import pytest

from biqa_cli.metrics.measure import Measure, measured, undefined


def test_a_measure_is_the_float_it_holds() -> None:
    value = Measure(0.25)
    assert value == 0.25 and value.reason == ""
    assert f"{value:.3f}" == "0.250" and str(value) == "0.25"
    assert json.dumps({"srcc": value}) == '{"srcc": 0.25}'


def test_a_nan_prints_its_reason_and_still_formats_as_nan() -> None:
    value = undefined("constant predictions")
    assert math.isnan(value)
    assert str(value) == repr(value) == "nan: constant predictions"
    assert f"{value:.3f}" == "nan"
    assert json.dumps(value) == "NaN"


def test_the_reason_survives_copies_and_other_processes() -> None:
    value = undefined("constant labels")
    copies = [copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))]
    assert [copied.reason for copied in copies] == ["constant labels"] * 3


@pytest.mark.parametrize(
    ("value", "reason"), [(math.nan, ""), (1.0, "too few"), (math.inf, ""), (-math.inf, "huge")]
)
def test_a_nan_without_a_reason_and_an_infinity_are_refused(value: float, reason: str) -> None:
    with pytest.raises(ValueError, match="finite, or nan with a reason"):
        Measure(value, reason)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_out_of_range_become_undefined(value: float) -> None:
    assert measured(value).reason == "outside the range of float64"
