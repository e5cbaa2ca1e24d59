import io
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biqa_cli.errors import DependencyError, UsageError
from biqa_cli.reports import to_parquet
from biqa_cli.reports.formats import Format, new_report
from biqa_cli.reports.rows import COLUMNS, row_of
from biqa_cli.reports.to_parquet import ParquetReport, as_parquet_text
from biqa_cli.results import ImageResult, RunCounts, RunInfo

pq = pytest.importorskip("pyarrow.parquet")

RUN = RunInfo("0", "m", "ab", "resize", "MOS", "onnx", "cpu")
COUNTS = RunCounts(2, 1, 1, 0.5)
RESULTS = [
    ImageResult("ü\n.jpg", 40.5, 31.0, 49.0, 0.4, "m", 640, 480, "ok", note="a note"),
    ImageResult("b.jpg", None, None, None, None, "m", None, None, "error", "broken"),
]


def _written(results: list[ImageResult]) -> io.BytesIO:
    file = io.BytesIO()
    report = ParquetReport(file)
    report.begin(RUN)
    for result in results:
        report.add(result)
    report.end(COUNTS)
    return io.BytesIO(file.getvalue())


def test_rows_come_back_as_they_were() -> None:
    table = pq.read_table(_written(RESULTS))
    assert tuple(table.column_names) == COLUMNS
    assert table.to_pylist() == [row_of(result) for result in RESULTS]


def test_the_metadata_has_the_run_and_the_counts() -> None:
    metadata = pq.ParquetFile(_written(RESULTS)).metadata.metadata
    assert json.loads(metadata[b"biqa.run"]) == asdict(RUN)
    assert json.loads(metadata[b"biqa.counts"]) == asdict(COUNTS)


def test_types_do_not_depend_on_what_the_rows_hold() -> None:
    full, empty, failed = (
        pq.read_schema(_written(results)) for results in (RESULTS, [], RESULTS[1:])
    )
    assert full.equals(empty) and full.equals(failed)


def test_rows_are_written_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(to_parquet, "_ROWS_OF_A_GROUP", 3)
    file = pq.ParquetFile(_written(RESULTS[:1] * 8))
    groups = [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)]
    assert groups == [3, 3, 2]


def test_names_that_are_not_utf_8_are_escaped() -> None:
    result = ImageResult(os.fsdecode(b"\xff.jpg"), 1.0, None, None, 0.1, "m", 8, 8, "ok")
    assert pq.read_table(_written([result]))["path"].to_pylist() == ["\\xff.jpg"]


@given(st.lists(st.text("\\x5cf\udcff\udc80", max_size=9), min_size=2, max_size=2, unique=True))
def test_no_two_names_are_written_alike(names: list[str]) -> None:
    first, second = map(as_parquet_text, names)
    assert first != second and all("\udcff" not in text for text in (first, second))


def test_a_pipe_takes_it(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        report = new_report(Format.parquet, stream)
        report.begin(RUN)
        report.add(RESULTS[0])
        report.end(COUNTS)
        assert not stream.closed
    with os.fdopen(reader, "rb") as file:
        (tmp_path / "x.parquet").write_bytes(file.read())
    assert pq.read_table(tmp_path / "x.parquet").num_rows == 1


def test_a_terminal_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    with pytest.raises(UsageError, match="not for a terminal: write it to a file with -o"):
        new_report(Format.parquet, stream)


def test_without_its_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DependencyError, match=r"pip install 'biqa-cli\[parquet\]'"):
        ParquetReport(io.BytesIO())
