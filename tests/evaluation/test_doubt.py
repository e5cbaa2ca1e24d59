import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.errors import UsageError
from biqa_cli.evaluation.doubt import beyond_doubt, doubt_table, require_spread
from biqa_cli.evaluation.evaluate import Evaluation, evaluate
from biqa_cli.evaluation.formats import Format
from biqa_cli.evaluation.parts import choose_parts
from biqa_cli.evaluation.predictions import Prediction
from biqa_cli.evaluation.report import as_record, render
from biqa_cli.metrics.krasula import pair_accuracy
from biqa_cli.metrics.logistic import Curve
from biqa_cli.metrics.mapping import FittedMapping
from biqa_cli.metrics.p1401 import label_intervals, rmse_star

RNG = np.random.default_rng(3)
MOS = RNG.uniform(0, 100, 60)
STD = RNG.uniform(5, 25, 60)
SAID = np.clip(MOS + RNG.normal(0, 10, 60), 0, 100)


def _dataset(*, std: bool = True) -> Dataset:
    images = tuple(
        RatedImage(f"{i}.png", float(MOS[i]), std=float(STD[i]) if std else float("nan"))
        for i in range(60)
    )
    scale = LabelScale(0, 100, higher_is_better=True, meaning="MOS")
    return Dataset("d", Path("here"), "authentic", scale, images)


def _evaluated(*, raters: int | None = None, curve: Curve = "logistic4") -> Evaluation:
    data = _dataset()
    (part,) = choose_parts(data, split="all", seeds=(1,))
    said = [Prediction(f"{i}.png", float(SAID[i])) for i in range(60)]
    return evaluate(
        data, part, said, model="m", percent=True, curve=curve, raters=raters, resamples=0
    )


def test_opinions_behind_labels_give_p1401_and_pairs() -> None:
    found = _evaluated(raters=20)
    assert found.beyond is not None
    mapped = found.agreement.mapping.apply(SAID)
    intervals = label_intervals(STD, raters=20)
    parameters = {"logistic4": 4, "linear": 2}[found.agreement.mapping.used]
    assert found.beyond.rmse_star == rmse_star(
        MOS, mapped, intervals=intervals, parameters=parameters
    )
    assert found.beyond.pairs == pair_accuracy(MOS, SAID, mos_error=STD / np.sqrt(20))


def test_the_table_and_the_json_have_them() -> None:
    record = as_record(_evaluated(raters=20), printed=None)
    text = render([record], style=Format.table)
    assert "RMSE*" in text and "AUC BW" in text
    facts = json.loads(render([record], style=Format.json))["beyond_doubt"]
    assert facts["raters"] == 20 and 0.9 < facts["pairs"]["better_worse"] <= 1
    low, high = facts["rmse"]["ci"]
    assert low < facts["rmse"]["value"] < high
    assert facts["rmse_star"]["value"] < facts["rmse"]["value"]


def test_without_a_count_of_opinions_there_are_none() -> None:
    record = as_record(_evaluated(), printed=None)
    assert record["beyond_doubt"] is None and "RMSE*" not in render([record], style=Format.table)


def test_a_count_without_a_spread_is_refused() -> None:
    with pytest.raises(UsageError, match="and d does not have it: add a column `std`"):
        require_spread(_dataset(std=False), 20)
    require_spread(_dataset(), 20)
    require_spread(_dataset(std=False), None)


def test_the_curve_of_fitted_metrics_can_be_the_other_one() -> None:
    four, five = (_evaluated(curve=curve) for curve in get_args(Curve))
    used = four.agreement.mapping, five.agreement.mapping
    assert [one.requested for one in used] == ["logistic4", "logistic5"]
    assert replace(used[0], requested="logistic5") != used[1]


def test_the_table_has_intervals_where_there_are_any_and_a_dash_for_what_is_not_known() -> None:
    facts = {
        "raters": 20,
        "rmse": {"value": 9.87654, "ci": [8.1234, 11.5678]},
        "rmse_star": {"value": 0.5, "ci": [None, 0.6]},
        "outlier_ratio": {"value": 0.25, "ci": [0.1, None]},
        "pairs": {"different_similar": None, "better_worse": 0.75, "correct": 1.0},
    }
    record = {"model": "m", "split": "all", "beyond_doubt": facts}
    found = doubt_table([{"beyond_doubt": None}, record])
    assert found is not None
    cells = ("9.8765 [8.123, 11.568]", "0.5000", "0.2500", "–", "0.7500", "1.0000")
    assert found[1] == [("m", "all", "20", *cells)]
    assert doubt_table([{"beyond_doubt": None}]) is None


@pytest.mark.parametrize(
    ("used", "parameters"),
    [
        ("logistic4", (100.0, 0.0, 50.0, 20.0)),
        ("logistic5", (100.0, 0.1, 50.0, 0.0, 50.0)),
        ("linear", (1.0, 0.0)),
    ],
)
def test_a_curve_takes_as_many_degrees_of_freedom_as_it_has_parameters(
    used: Any, parameters: tuple[float, ...]
) -> None:
    mapping = FittedMapping("logistic4", used, parameters, converged=True, direction="increasing")
    found = beyond_doubt(MOS, SAID, STD, mapping=mapping, raters=9)
    error = np.sum((MOS - mapping.apply(SAID)) ** 2)
    assert found.rmse.value == pytest.approx((error / (60 - len(parameters))) ** 0.5)
