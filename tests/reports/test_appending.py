import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from biqa_cli.errors import UsageError
from biqa_cli.reports.appending import earlier_rows
from biqa_cli.reports.formats import Format, new_report
from biqa_cli.reports.rows import COLUMNS
from biqa_cli.results import ImageResult, RunInfo

RUN = RunInfo("0", "m", "ab", "resize", "MOS", "onnx", "cpu")
NAMES = ["a.jpg", "=1+1.jpg", 'b,"c".jpg', "line\nbreak.jpg", "cr\r.jpg", os.fsdecode(b"\xff.jpg")]
GROWING = [Format.csv, Format.ndjson]


def _report(kind: Format, names: list[str]) -> bytes:
    file = io.BytesIO()
    stream = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
    report = new_report(kind, stream)
    report.begin(RUN)
    result = ImageResult("", 40.0, 31.0, 49.0, 0.4, "m", 640, 480, "ok")
    for name in names:
        report.add(replace(result, path=name))
    stream.flush()
    return file.getvalue()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "report"


@pytest.mark.parametrize("kind", GROWING)
def test_every_name_is_met_again(path: Path, kind: Format) -> None:
    path.write_bytes(_report(kind, NAMES))
    found = earlier_rows(path, kind)
    assert found.bytes == path.stat().st_size
    assert all(found.has(name, "m") for name in NAMES)
    assert not found.has("d.jpg", "m") and not found.has("a.jpg", "another model")


@pytest.mark.parametrize("kind", GROWING)
def test_the_picture_on_standard_input_is_another_one_each_time(path: Path, kind: Format) -> None:
    path.write_bytes(_report(kind, ["-"]))
    assert not earlier_rows(path, kind).has("-", "m")


@pytest.mark.parametrize("kind", GROWING)
def test_a_file_that_is_not_there_or_empty_has_no_rows(path: Path, kind: Format) -> None:
    assert earlier_rows(path, kind).bytes == 0
    path.touch()
    assert (earlier_rows(path, kind).bytes, earlier_rows(path, kind).rows) == (0, frozenset())


@pytest.mark.parametrize("kind", GROWING)
def test_a_line_that_was_cut_is_not_counted(path: Path, kind: Format) -> None:
    whole = _report(kind, ["a.jpg", "b.jpg"])
    path.write_bytes(whole[:-3])
    found = earlier_rows(path, kind)
    assert found.has("a.jpg", "m") and not found.has("b.jpg", "m")
    assert (found.bytes, found.length) == (len(_report(kind, ["a.jpg"])), len(whole) - 3)


@pytest.mark.parametrize("kind", [Format.table, Format.json, Format.parquet])
def test_a_format_that_has_an_end_is_refused(path: Path, kind: Format) -> None:
    with pytest.raises(UsageError, match=f"--append does not suit {kind}, .* use .csv or .ndjson"):
        earlier_rows(path, kind)


@pytest.mark.parametrize(
    ("kind", "content", "reason"),
    [
        (Format.csv, "path,score\na.jpg,3\n", "its columns are path,score"),
        (Format.csv, f"{','.join(COLUMNS)}\na.jpg,3\n", "row 2 has 2 columns"),
        (Format.csv, f'{",".join(COLUMNS)}\n"line\n', "unexpected end of data"),
        (Format.ndjson, "no JSON\n", "Expecting value"),
        (Format.ndjson, '{"path": "a.jpg"}\n', "a record has path"),
        (Format.ndjson, "3\n", "not iterable"),
    ],
)
def test_a_file_that_is_no_report_is_refused(
    path: Path, kind: Format, content: str, reason: str
) -> None:
    path.write_text(content)
    with pytest.raises(UsageError, match=f"report is no {kind} report .*{reason}.*another file"):
        earlier_rows(path, kind)


def test_a_pipe_and_a_folder_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for wrong in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(UsageError, match="cannot append to .*: it is not a file"):
            earlier_rows(wrong, Format.csv)
