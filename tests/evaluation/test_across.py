import json
from pathlib import Path
from typing import Any

import pytest

from biqa_cli.errors import UsageError
from biqa_cli.evaluation.across import ACROSS, read_records, render_across
from biqa_cli.evaluation.formats import Format


def _record(model: str, dataset: str, srcc: float | None, **more: Any) -> dict[str, Any]:
    numbers = {"srcc": srcc, "rmse_fitted": None if srcc is None else -srcc}
    return {"model": model, "dataset": dataset, "split": "all", **numbers, **more}


RECORDS = [
    _record("a", "koniq", 0.91),
    _record("=b", "koniq", -0.82, split="official:test"),
    _record("a", "csv:x", 0.5, leaky="seen"),
    _record("=b", "koniq", None),
]


def _written(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_row_is_a_tool_and_a_column_a_data_set_and_its_part() -> None:
    text = render_across(RECORDS, ["srcc"], style=Format.markdown)
    assert text == (
        "| srcc | koniq | koniq official:test | csv:x LEAKY |\n"
        "| --- | --- | --- | --- |\n"
        "| a | 0.9100 | – | 0.5000 |\n"
        # A correlation has the sign of the labels, an error its own.
        "| =b | – | 0.8200 | – |\n"
    )
    assert "| a | -0.9100 |" in render_across(RECORDS, ["rmse_fitted"], style=Format.markdown)
    both = render_across(RECORDS, ["srcc", "rmse_fitted"], style=Format.table, width=80)
    assert [line.split()[0] for line in both.split("\n\n")] == ["srcc", "rmse_fitted"]


def test_csv_and_json_have_a_row_for_each_metric_and_tool() -> None:
    text = render_across(RECORDS, ["srcc", "rmse_fitted"], style=Format.csv)
    assert text.splitlines() == [
        "metric,model,koniq,koniq official:test,csv:x LEAKY",
        "srcc,a,0.9100,,0.5000",
        # No spreadsheet takes a name for a formula.
        "srcc,'=b,,0.8200,",
        "rmse_fitted,a,-0.9100,,-0.5000",
        "rmse_fitted,'=b,,0.8200,",
    ]
    found = json.loads(render_across(RECORDS, ["srcc"], style=Format.json))
    sets = ("koniq", "koniq official:test", "csv:x LEAKY")
    assert found == [
        {"metric": "srcc", "model": "a", **dict(zip(sets, (0.91, None, 0.5), strict=True))},
        {"metric": "srcc", "model": "=b", **dict(zip(sets, (None, 0.82, None), strict=True))},
    ]


@pytest.mark.parametrize("metric", ["model", "no_such_number"])
def test_what_is_no_number_of_an_evaluation_is_told(metric: str) -> None:
    with pytest.raises(
        UsageError, match=f"{metric} is no number of an evaluation: there are srcc, "
    ):
        render_across(RECORDS, [*ACROSS[:1], metric], style=Format.csv)


def test_a_report_is_one_evaluation_or_several(tmp_path: Path) -> None:
    one = _written(tmp_path / "one.json", RECORDS[0])
    more = _written(tmp_path / "more.json", RECORDS[1:])
    assert read_records([one, more]) == RECORDS


def test_what_is_no_report_or_a_second_one_is_told(tmp_path: Path) -> None:
    one = _written(tmp_path / "one.json", RECORDS[:1])
    with pytest.raises(UsageError, match="a is evaluated twice on koniq: name one report of it"):
        read_records([one, one])
    with pytest.raises(UsageError, match="cannot read .*gone.json'"):
        read_records([tmp_path / "gone.json"])
    for content in ("no json", [RECORDS[0], {"model": "a"}], 3, [3]):
        other = _written(tmp_path / "other.json", content)
        with pytest.raises(UsageError, match="other.json holds no evaluations: write it with"):
            read_records([other])
