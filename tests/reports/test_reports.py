import csv
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biqa_cli.reports.rows import COLUMNS, not_a_formula, printable
from biqa_cli.reports.selection import Order, Tally, select
from biqa_cli.reports.to_csv import CsvReport
from biqa_cli.reports.to_json import JsonReport, NdjsonReport
from biqa_cli.reports.to_table import TableReport
from biqa_cli.results import ImageResult, RunCounts, RunInfo

RUN = RunInfo("0", "m", "ab", "resize", "MOS", "onnx", "cpu")


def _result(path: str, score: float | None) -> ImageResult:
    if score is None:
        return ImageResult(path, None, None, None, None, "m", None, None, "error", "broken")
    return ImageResult(path, score, score - 9, score + 9, score / 100, "m", 640, 480, "ok")


RESULTS = [_result("b.jpg", 40.0), _result("a.jpg", None), _result("c.jpg", 70.5)]


def _written(report_type: type, results: list[ImageResult]) -> str:
    stream = io.StringIO()
    report = report_type(stream)
    report.begin(RUN)
    for result in results:
        report.add(result)
    report.end(RunCounts(len(results), 2, 1, 0.5))
    return stream.getvalue()


def test_the_columns_are_those_that_scripts_rely_on() -> None:
    assert ",".join(COLUMNS) == "path,score,low,high,native_score,model,width,height,status,error"


def test_csv_has_a_header_and_a_line_for_each_image() -> None:
    assert _written(CsvReport, RESULTS).splitlines() == [
        ",".join(COLUMNS),
        "b.jpg,40.0,31.0,49.0,0.4,m,640,480,ok,",
        "a.jpg,,,,,m,,,error,broken",
        "c.jpg,70.5,61.5,79.5,0.705,m,640,480,ok,",
    ]


@pytest.mark.parametrize("name", ["=1+1.jpg", "+a", "-a", "@a", "\ta", "\ra"])
def test_csv_disarms_names_that_are_formulas(name: str) -> None:
    (row,) = csv.DictReader(io.StringIO(_written(CsvReport, [_result(name, 1.0)]), newline=""))
    assert row["path"] == "'" + name
    assert not_a_formula("a=1") == "a=1"


def test_json_is_one_document_with_header_results_and_counts() -> None:
    document = json.loads(_written(JsonReport, RESULTS))
    assert document["run"]["weights_sha256"] == "ab"
    assert [list(row) for row in document["results"]] == [list(COLUMNS)] * 3
    assert document["counts"] == {"images": 3, "scored": 2, "failed": 1, "seconds": 0.5}
    assert json.loads(_written(JsonReport, []))["results"] == []


@given(st.text())
def test_ndjson_brings_back_every_name(name: str) -> None:
    lines = _written(NdjsonReport, [_result(name, 1.0)]).splitlines()
    assert [json.loads(line)["path"] for line in lines] == [name]


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_shown(name: str) -> None:
    shown = printable(name)
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in shown)
    assert "\u202e" not in shown


@pytest.mark.parametrize("width", ["40", "80", "200"])
def test_the_table_shows_all_columns_and_no_control_characters(
    width: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    text = _written(TableReport, [_result("a\x1b[31m[bold]b.jpg", 12.34), *RESULTS])
    assert "\x1b" not in text
    assert all(column[:4] in text for column in COLUMNS)
    assert "12.3" in text and "broken" in text


@pytest.mark.parametrize("width", ["40", "120", "133", "150", "400"])
@pytest.mark.parametrize("name", ["b.jpg", "photos/holiday/beach/IMG.jpg", 9 * "a_long_name"])
def test_the_table_folds_names_and_sentences_and_cuts_neither(
    name: str, width: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    error = "the file is truncated: part of the photo is missing, and what is left is unpredictable"
    failed = replace(_result(name, None), error=error, model="qualitynet-lite")
    lines = _written(TableReport, [failed, _result("c.jpg", 70.5)]).splitlines()
    at = lines[0].index("error")
    assert "".join("".join(line[at:].split()) for line in lines[1:]) == "".join(error.split())
    names = "".join(line[: lines[0].index("score")].strip() for line in lines[1:])
    assert names == f"{name}c.jpg"
    assert max(map(len, lines)) <= max(int(width), 120)


def test_results_pass_in_their_order_unless_another_is_asked() -> None:
    assert list(select(RESULTS)) == RESULTS
    assert [r.path for r in select(RESULTS, order=Order.path)] == ["a.jpg", "b.jpg", "c.jpg"]
    assert [r.path for r in select(RESULTS, order=Order.score)] == ["c.jpg", "b.jpg", "a.jpg"]
    assert [r.path for r in select(RESULTS, top=1)] == ["c.jpg"]
    assert [r.path for r in select(RESULTS, top=9, order=Order.path)] == ["b.jpg", "c.jpg"]


def test_passing_results_are_counted() -> None:
    tally = Tally()
    assert list(tally.count(RESULTS, threshold=50)) == RESULTS
    assert (tally.images, tally.scored, tally.failed, tally.below) == (3, 2, 1, 1)
