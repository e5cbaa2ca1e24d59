import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from biqa_cli.reports.rows import COLUMNS, not_a_formula, printable
from biqa_cli.reports.selection import SortKey, Tally, select
from biqa_cli.reports.to_csv import CsvReport
from biqa_cli.reports.to_json import JsonReport, NdjsonReport
from biqa_cli.reports.to_table import TableReport
from biqa_cli.reports.writing import write_report
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
    assert ",".join(COLUMNS) == (
        "path,score,low,high,native_score,model,width,height,status,error,note"
    )


def test_csv_has_a_header_and_a_line_for_each_image() -> None:
    assert _written(CsvReport, RESULTS).splitlines() == [
        ",".join(COLUMNS),
        "b.jpg,40.0,31.0,49.0,0.4,m,640,480,ok,,",
        "a.jpg,,,,,m,,,error,broken,",
        "c.jpg,70.5,61.5,79.5,0.705,m,640,480,ok,,",
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
    assert document["counts"] == {
        "images": 3,
        "scored": 2,
        "failed": 1,
        "seconds": 0.5,
        "complete": True,
    }
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


LONG = "photos/2024/summer/a holiday by the sea/IMG_20240716_183201.jpg"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_has_one_line_a_photo_and_shortens_paths_in_the_middle(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    results = [_result(LONG, 12.34), _result("写真/" + 40 * "長" + ".jpg", 100.0)]
    header, *rows, blank, model = _written(TableReport, results).splitlines()
    assert header.split() == ["score", "low", "high", "native", "width", "height", "path"]
    assert len(rows) == 2 and all(cell_len(line) <= width for line in rows)
    assert rows[0].split()[:6] == ["12.3", "3", "21", "0.123", "640", "480"]
    shown = rows[0][header.index("path") :]
    assert shown.endswith("183201.jpg") and (shown == LONG or shown.count("…") == 1)
    assert (blank, model) == ("", "model: m")


def test_a_table_has_notes_where_a_photo_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    noted = replace(RESULTS[0], note="preview 300×250 of the camera's raw file")
    header, first, second, *_ = _written(TableReport, [noted, RESULTS[2]]).splitlines()
    assert header.split()[-2:] == ["path", "note"]
    assert first.endswith("b.jpg  preview 300×250 of the camera's raw file")
    assert second.endswith("c.jpg")
    assert "note" not in _written(TableReport, RESULTS)


def test_a_table_in_a_file_cuts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert LONG in _written(TableReport, [_result(LONG, 1.0)])


def test_a_table_names_each_failure_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    reason = "the file is truncated: part of the photo is missing, and the rest is unpredictable"
    text = _written(TableReport, [replace(_result(LONG, None), error=reason), *RESULTS])
    assert f"\nwithout a score: 2\n{LONG}: {reason}\na.jpg: broken\n" in text
    only = _written(TableReport, [_result("a.jpg", None)])
    assert only.startswith("without a score: 1\na.jpg: broken\n")


def test_a_table_shows_no_control_characters() -> None:
    text = _written(TableReport, [_result("a\x1b[31mb.jpg", 1.0), _result("c\x07\n", None)])
    assert "a\\x1b[31mb.jpg" in text and "c\\x07\\n: broken" in text
    assert not {"\x1b", "\x07"} & set(text)


def test_results_pass_in_their_order_unless_another_is_asked() -> None:
    assert list(select(RESULTS)) == RESULTS
    assert [r.path for r in select(RESULTS, order=SortKey.path)] == ["a.jpg", "b.jpg", "c.jpg"]
    assert [r.path for r in select(RESULTS, order=SortKey.score)] == ["c.jpg", "b.jpg", "a.jpg"]
    assert [r.path for r in select(RESULTS, top=1)] == ["c.jpg"]
    assert [r.path for r in select(RESULTS, top=9, order=SortKey.path)] == ["b.jpg", "c.jpg"]


def test_passing_results_are_counted() -> None:
    tally = Tally()
    assert list(tally.count(RESULTS, threshold=50)) == RESULTS
    assert (tally.images, tally.scored, tally.failed, tally.below) == (3, 2, 1, 1)


@pytest.mark.parametrize("report_type", [CsvReport, JsonReport, NdjsonReport])
def test_a_row_is_in_the_file_at_once(tmp_path: Path, report_type: type) -> None:
    path = tmp_path / "report"
    with path.open("w") as file:
        report = report_type(file)
        report.begin(RUN)
        for result in RESULTS:
            report.add(result)
            # A program that is killed loses what is in the buffer.
            assert result.path in path.read_text()


def _until(error: BaseException) -> Iterator[ImageResult]:
    yield from RESULTS
    raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("made by a test")])
@pytest.mark.parametrize(
    ("choice", "paths"),
    [
        ({}, ["b.jpg", "a.jpg", "c.jpg"]),
        ({"order": SortKey.path}, ["a.jpg", "b.jpg", "c.jpg"]),
        ({"top": 1}, ["c.jpg"]),
    ],
)
def test_results_that_end_early_are_reported_as_far_as_they_go(
    error: BaseException, choice: dict[str, Any], paths: list[str]
) -> None:
    stream = io.StringIO()
    with pytest.raises(type(error)):
        write_report(JsonReport(stream), _until(error), run=RUN, **choice)
    document = json.loads(stream.getvalue())
    assert [row["path"] for row in document["results"]] == paths
    assert (document["counts"]["images"], document["counts"]["complete"]) == (3, False)


def test_a_report_returns_what_was_counted() -> None:
    tally, seconds = write_report(CsvReport(io.StringIO()), RESULTS, run=RUN, threshold=50)
    assert (tally.images, tally.scored, tally.below) == (3, 2, 1) and seconds >= 0
    assert tally.first_failed == RESULTS[1]
    assert tally.summary(2.0, threshold=50) == (
        "3 photos in 2.0 s (1.5 a second), 1 could not be scored, 1 below 50"
    )


@pytest.mark.parametrize(("before", "said"), [(1, "1 was there"), (2, "2 were there")])
def test_a_continued_report_says_how_many_were_there_before(before: int, said: str) -> None:
    assert Tally(2, 2).summary(1.0, before=before) == (
        f"2 photos in 1.0 s (2.0 a second), {said} before"
    )


def test_no_number_of_a_report_is_nan() -> None:
    for report_type in (JsonReport, NdjsonReport):
        with pytest.raises(ValueError, match="not JSON compliant"):
            _written(report_type, [_result("a.jpg", float("nan"))])
