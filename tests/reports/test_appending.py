import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from biqa_cli.errors import UsageError
from biqa_cli.reports.appending import EarlierRow, earlier_rows
from biqa_cli.reports.formats import Format, new_report
from biqa_cli.reports.rows import COLUMNS
from biqa_cli.results import Flaw, ImageResult, RunInfo

RUN = RunInfo("0", "m", "ab", "resize", "MOS", "onnx", "cpu")
NAMES = ["a.jpg", "=1+1.jpg", 'b,"c".jpg', "line\nbreak.jpg", "cr\r.jpg", os.fsdecode(b"\xff.jpg")]
GROWING = [Format.csv, Format.ndjson]
FLAWS = (Flaw("blurred", 0.8), Flaw("dark", 0.62))


def _report(kind: Format, names: list[str], *, why: bool = False) -> bytes:
    file = io.BytesIO()
    stream = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
    report = new_report(kind, stream, why=why)
    report.begin(RUN)
    result = ImageResult("", 40.0, 31.0, 49.0, 0.4, "m", 640, 480, "ok", flaws=FLAWS)
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
    assert found.whole == path.stat().st_size
    assert all(found.find(name, "m") for name in NAMES)
    assert not found.find("d.jpg", "m") and not found.find("a.jpg", "another model")


@pytest.mark.parametrize("kind", GROWING)
@pytest.mark.parametrize("other", ["./a.jpg", "b/../a.jpg", str(Path.cwd() / "a.jpg")])
def test_a_photo_is_met_by_whatever_path(path: Path, kind: Format, other: str) -> None:
    path.write_bytes(_report(kind, ["a.jpg"]))
    assert earlier_rows(path, kind).find(other, "m") == EarlierRow(40.0, 0.4)
    path.write_bytes(_report(kind, [other]))
    assert earlier_rows(path, kind).find("a.jpg", "m") == EarlierRow(40.0, 0.4)


@pytest.mark.parametrize("why", [False, True])
@pytest.mark.parametrize("kind", GROWING)
def test_what_is_replaced_leaves_and_all_else_stays_to_the_byte(
    path: Path, kind: Format, why: bool
) -> None:
    others = [*NAMES[1:], "-", "-"]
    path.write_bytes(_report(kind, ["a.jpg", *others], why=why))
    found = earlier_rows(path, kind, why=why)
    assert found.settled(path.read_bytes()) == path.read_bytes()
    found.replace("./a.jpg", "m")
    added = _report(kind, ["./a.jpg"], why=why).splitlines(keepends=True)[-1]
    rest = _report(kind, others, why=why)
    assert found.settled(path.read_bytes() + added) == rest + added
    # A run that was stopped before that leaves both rows, until the photo is scored again.
    path.write_bytes(path.read_bytes() + added)
    later = earlier_rows(path, kind, why=why)
    later.replace('b,"c".jpg', "m")
    assert later.settled(path.read_bytes()) == path.read_bytes()
    later.replace("a.jpg", "m")
    assert later.settled(path.read_bytes()) == rest + added


@pytest.mark.parametrize("kind", GROWING)
def test_keys_and_addresses_are_no_paths(path: Path, kind: Format) -> None:
    names = ["s3://b/a.jpg", "s3://b//a.jpg", "x/a", "x/../b", "=k"]
    path.write_bytes(_report(kind, names))
    found = earlier_rows(path, kind)
    for name in names:
        assert found.find(name, "m", is_key=True)
    for other in ("s3:/b/a.jpg", "./x/a", "x//a", "b"):
        assert not found.find(other, "m", is_key=True), other
    assert found.find(names[0], "m") and not found.find("s3://b/x/../a.jpg", "m")
    added = _report(kind, ["x/a"]).splitlines(keepends=True)[-1]
    found.replace("x/a", "m", is_key=True)
    rest = _report(kind, [name for name in names if name != "x/a"])
    assert found.settled(path.read_bytes() + added) == rest + added


@pytest.mark.parametrize("kind", GROWING)
def test_the_picture_on_standard_input_is_another_one_each_time(path: Path, kind: Format) -> None:
    path.write_bytes(_report(kind, ["-"]))
    assert earlier_rows(path, kind).find("-", "m") is None


@pytest.mark.parametrize("kind", GROWING)
def test_a_file_that_is_not_there_or_empty_has_no_rows(path: Path, kind: Format) -> None:
    assert earlier_rows(path, kind).whole == 0
    path.touch()
    assert (earlier_rows(path, kind).whole, earlier_rows(path, kind).rows) == (0, {})


@pytest.mark.parametrize("kind", GROWING)
def test_a_line_that_was_cut_is_not_counted(path: Path, kind: Format) -> None:
    whole = _report(kind, ["a.jpg", "b.jpg"])
    path.write_bytes(whole[:-3])
    found = earlier_rows(path, kind)
    assert found.find("a.jpg", "m") and not found.find("b.jpg", "m")
    assert (found.whole, found.length) == (len(_report(kind, ["a.jpg"])), len(whole) - 3)


@pytest.mark.parametrize("kind", GROWING)
@pytest.mark.parametrize("name", [*NAMES, "-"])
def test_a_last_row_without_its_line_end_stays(path: Path, kind: Format, name: str) -> None:
    path.write_bytes(_report(kind, ["z.jpg", name])[:-1])
    found = earlier_rows(path, kind)
    assert found.lacks_line_end and found.whole == found.length == path.stat().st_size
    assert found.find("z.jpg", "m") == EarlierRow(40.0, 0.4)
    # The last column of CSV may be cut, so the photo is scored again if it is named.
    row = EarlierRow(None, None) if kind is Format.csv else EarlierRow(40.0, 0.4)
    assert found.find(name, "m") == (None if name == "-" else row)


@pytest.mark.parametrize("why", [False, True])
@pytest.mark.parametrize("kind", GROWING)
def test_wherever_a_run_was_stopped_its_report_grows_on(
    path: Path, kind: Format, why: bool
) -> None:
    whole = _report(kind, ["a.jpg", "b.jpg"], why=why)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        found = earlier_rows(path, kind, why=why)
        kept = whole[: found.whole] + b"\n" * found.lacks_line_end
        # A cut row is removed; in CSV one that lacks a part of its last column looks whole.
        assert kept.endswith(b"\n") or not kept
        assert whole.startswith(kept) or (kind is Format.csv and found.lacks_line_end)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (Format.csv, "a person's only line"),
        (Format.csv, "path,score\rold,3\r"),
        (Format.csv, f"{','.join(COLUMNS)},more"),
        (Format.ndjson, '{"results":[{"path":"a.jpg"}]}'),
        (Format.ndjson, '{"path": "a.jpg", "tag": 3}'),
        (Format.ndjson, "[3]"),
    ],
)
def test_a_file_without_line_ends_that_is_no_report_is_refused(
    path: Path, kind: Format, content: str
) -> None:
    path.write_text(content, newline="")
    with pytest.raises(UsageError, match="report is not a report of biqa: .* name another file"):
        earlier_rows(path, kind)


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
