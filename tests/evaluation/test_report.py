import csv
import io
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import brightness_model
from rated_photos import loaded, rated_greys

from biqa_cli.evaluation.formats import Format, GroupBy
from biqa_cli.evaluation.parts import choose_parts
from biqa_cli.evaluation.report import METRICS, render
from biqa_cli.evaluation.run import evaluate_tools, records_of
from biqa_cli.evaluation.tools import file_tools, model_tool, score_columns

PROMISED = {"dataset", "split", "model", "n", "failed", *METRICS, "ci", "groups"}


def _records(folder: Path, *, split: str = "all", seeds: tuple[int, ...] = (1,)) -> list[Any]:
    values = list(range(0, 250, 12))
    data = loaded(rated_greys(folder, {value: value / 50 for value in values}))
    parts = choose_parts(data, split=split, seeds=seeds)
    tool = model_tool(brightness_model(), data)
    return records_of(evaluate_tools([tool], data, parts, per=[GroupBy.range], resamples=20), data)


def test_the_json_has_the_promised_keys(tmp_path: Path) -> None:
    (record,) = _records(tmp_path)
    found = json.loads(render([record], style=Format.json))
    assert found.keys() >= PROMISED
    assert (found["dataset"], found["split"], found["n"]) == ("csv:labels.csv", "all", 21)
    assert found["srcc"] == pytest.approx(1)
    assert found["rmse"] is None and "scale" in found["undefined"]["rmse"]


def test_a_metric_stands_with_its_interval_where_there_is_one(tmp_path: Path) -> None:
    (record,) = _records(tmp_path)
    record |= {"srcc": 0.5, "plcc": 0.25, "krcc": None}
    record["ci"] = {"srcc": [0.4, 0.6], "plcc": [None, None], "krcc": [0.1, 0.2]}
    row = render([record], style=Format.table).splitlines()[1]
    assert " 0.5000 [0.400, 0.600] " in row and " 0.2500  " in row and "[0.1" not in row


def test_what_stands_below_a_table_is_folded_and_below_markdown_is_not(tmp_path: Path) -> None:
    records, note = _records(tmp_path), "word " * 30 + "end"
    folded = render(records, style=Format.table, notes=[note], width=60)
    whole = render(records, style=Format.markdown, notes=[note], width=60)
    assert note in whole and note not in folded
    assert max(map(len, folded[folded.index("word") :].splitlines())) <= 60


@pytest.mark.parametrize("curve", ["linear", "logistic4"])
def test_a_straight_line_in_place_of_a_curve_is_told(tmp_path: Path, curve: str) -> None:
    (record,) = _records(tmp_path)
    record["mapping"]["curve"] = curve
    said = "plcc_fitted is after a straight line" in render([record], style=Format.table)
    assert said == (curve == "linear")


def test_a_table_says_how_the_intervals_fare(tmp_path: Path) -> None:
    # Three of twelve labels are 20 points of 100 off; intervals reach 10 to either side.
    values = list(range(0, 240, 20))
    off = {value: 51 if value in (20, 100, 180) else 0 for value in values}
    data = loaded(rated_greys(tmp_path, {v: (v + off[v]) / 255 for v in values}))
    data = replace(data, scale=replace(data.scale, lowest=0, highest=1, declared=True))
    tool = model_tool(brightness_model(), data)
    part = choose_parts(data, split="all", seeds=(1,))
    for interval, sentence in (
        (None, ""),
        (
            lambda score: (score - 10, score + 10),
            "75.0 % of the labels lie in the 90 % intervals, which are 20.0 of 100 wide on average",
        ),
    ):
        found = evaluate_tools([replace(tool, interval=interval)], data, part, resamples=0)
        text = render(records_of(found, data), style=Format.table)
        assert ("intervals" in text) == bool(sentence) and sentence in text


def test_what_the_paper_prints_stands_beside_what_is_measured_on_a_test_part(
    tmp_path: Path,
) -> None:
    data = loaded(rated_greys(tmp_path, {value: value / 50 for value in range(0, 250, 12)}))
    data = replace(data, name="clive")
    tool = model_tool(brightness_model(), data)
    for split, is_quoted in (("image:test", True), ("all", False)):
        parts = choose_parts(data, split=split, seeds=(1,))
        records = records_of(evaluate_tools([tool], data, parts, resamples=0), data)
        text = render(records, style=Format.table)
        assert ("0.875 / 0.892 / –" in text) == is_quoted
        assert ("SRCC / PLCC / KRCC of BlockIQA, Table 1, on 80 %" in text) == is_quoted


def test_several_records_are_an_array_and_one_is_an_object(tmp_path: Path) -> None:
    records = _records(tmp_path) * 2
    assert [r["n"] for r in json.loads(render(records, style=Format.json))] == [21, 21]


def test_the_csv_has_a_row_for_each_evaluation_and_each_group(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(render(_records(tmp_path), style=Format.csv))))
    assert [row["group"] for row in rows] == ["", "Bad", "Poor", "Fair", "Good", "Excellent"]
    assert sum(int(row["n"]) for row in rows[1:]) == int(rows[0]["n"]) == 21
    assert float(rows[0]["srcc_low"]) <= float(rows[0]["srcc"]) == pytest.approx(1)
    assert rows[0]["rmse"] == "" and set(METRICS) <= rows[0].keys()


def test_repeated_splits_end_with_their_median(tmp_path: Path) -> None:
    values = list(range(0, 250, 12))
    rng = random.Random(0)
    data = loaded(rated_greys(tmp_path, {value: rng.random() for value in values}))
    parts = choose_parts(data, split="image:test", seeds=(1, 2, 3))
    tool = model_tool(brightness_model(), data)
    records = records_of(evaluate_tools([tool], data, parts, resamples=0), data)
    found = sorted(record["srcc"] for record in records)
    assert found[0] < found[1] < found[2]
    row = render(records, style=Format.table).split("median of 3")[1].splitlines()[0]
    assert row.split()[0] == f"{found[1]:.4f}"


def test_a_tools_csv_and_a_model_are_evaluated_alike(tmp_path: Path) -> None:
    data = loaded(rated_greys(tmp_path, {0: 1.0, 100: 2.0, 200: 3.0, 250: 5.0}))
    (tmp_path / "tool.csv").write_text("path,score\n0.png,1\n100.png,3\n200.png,2\n", "utf-8")
    (tool,) = file_tools(score_columns([tmp_path / "tool.csv"], ()), data)
    parts = choose_parts(data, split="all", seeds=(1,))
    (record,) = records_of(evaluate_tools([tool], data, parts, resamples=0), data)
    assert (record["n"], record["failed"], record["srcc"]) == (3, 1, pytest.approx(0.5))
    assert record["failures"] == [{"path": "250.png", "error": "tool.csv has no row for it"}]


def test_the_finer_numbers_of_the_papers_are_in_the_json(tmp_path: Path) -> None:
    data = loaded(rated_greys(tmp_path, {v: v / 51 for v in range(0, 256, 17)}))
    data = replace(data, scale=replace(data.scale, lowest=0, highest=5, declared=True))
    tool = model_tool(brightness_model(), data)
    parts = choose_parts(data, split="all", seeds=(1,))
    records = records_of(evaluate_tools([tool], data, parts, resamples=9), data)
    found = json.loads(render(records, style=Format.json))
    details = found["details"]
    assert details["krcc_tau_a"] == pytest.approx(1)
    assert details["quantile_loss"]["0.5"] == pytest.approx(found["mae"] / 2)
    assert sum(details["acr"]["deviations"]) == sum(details["deviations"]["counts"]) == 16
    assert details["regression_line"]["slope"] == pytest.approx(1, abs=1e-4)
    assert set(found["ci"]) == {"srcc", "plcc", "plcc_fitted", "krcc", "rmse", "mae"}
