"""`biqa score` over archives, tables and shards, into parts; and over names without number."""

import csv
import io
import os
import tarfile
import threading
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes import grey_png
from typer.testing import CliRunner, Result

from biqa_cli.cli import _photos, app
from biqa_cli.sources.choice import Choice

pytestmark = pytest.mark.usefixtures("brightness")

GREYS = {"a.png": 51, "b.png": 204, "in/c.png": 102}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    (photos / "in").mkdir(parents=True)
    for name, value in GREYS.items():
        grey_png(photos / name, value)
    (photos / "in" / "d.png").write_text("no photo")
    return photos


@pytest.fixture
def sources(folder: Path, tmp_path: Path) -> dict[str, Path]:
    files = sorted(folder.rglob("*.png"), key=lambda path: (path.parent != folder, path))
    names = [str(path.relative_to(folder)) for path in files]
    with (
        tarfile.open(tmp_path / "p.tar", "w") as tar,
        tarfile.open(tmp_path / "p.tgz", "w:gz") as gz,
    ):
        for path, name in zip(files, names, strict=True):
            tar.add(path, name)
            gz.add(path, name)
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        for path, name in zip(files, names, strict=True):
            archive.write(path, name)
    content = {"key": names, "image": [path.read_bytes() for path in files]}
    pq.write_table(pa.table(content), tmp_path / "p.parquet")
    pq.write_table(pa.table({"path": list(map(str, files))}), tmp_path / "names.parquet")
    return {
        name: tmp_path / name for name in ("p.tar", "p.tgz", "p.zip", "p.parquet", "names.parquet")
    }


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["score", *map(str, arguments)])


def _rows(result: Result) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(result.stdout)))


def _told(result: Result, root: object) -> list[tuple[str, str, str]]:
    return [
        (os.path.relpath(row["path"], str(root)), row["score"], row["error"])
        for row in _rows(result)
    ]


def test_every_source_has_the_rows_of_the_folder(folder: Path, sources: dict[str, Path]) -> None:
    expected = _told(_run(folder, "--no-store"), folder)
    assert [score for _, score, _ in expected] == ["20.0", "80.0", "40.0", ""]
    for name, path in sources.items():
        result = _run(path, *(["--key", "key"] if name == "p.parquet" else []), "--no-store")
        root = {"p.parquet": ".", "names.parquet": folder}.get(name, path)
        assert (result.exit_code, _told(result, root)) == (3, expected), name


def test_known_scores_of_members_are_found_again(sources: dict[str, Path], brightness: Any) -> None:
    assert "known" not in _run(sources["p.tgz"]).stderr
    scored = len(brightness.engine.batches)
    again = _run(sources["p.tgz"])
    assert "3 known" in again.stderr and len(brightness.engine.batches) == scored
    assert "3 known" in _run(sources["p.zip"]).stderr


def test_shards_together_are_all_rows_each_once(folder: Path, sources: dict[str, Path]) -> None:
    found = (folder, sources["p.tar"])
    whole = sorted(row["path"] for row in _rows(_run(*found)))
    parts = [_rows(_run(*found, "--shard", f"{number}/2")) for number in (1, 2)]
    assert sorted(row["path"] for part in parts for row in part) == whole


def test_a_shard_without_photos_is_no_mistake(folder: Path) -> None:
    ran = [_run(folder / "a.png", "--shard", f"{number}/4") for number in range(1, 5)]
    assert {one.exit_code for one in ran} == {0}
    assert sum(len(_rows(one)) for one in ran) == 1


def test_parts_have_all_rows_and_appending_scores_what_is_left(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "scores.parquet"
    part = ("-f", "parquet", "-o", out, "--part-rows", 2, "--no-store")
    assert _run(folder / "a.png", *part).exit_code == 0
    result = _run(folder, *part, "--append", "--fail-under", 30)
    assert result.exit_code == 1 and "1 was there before" in result.stderr
    rows = pq.read_table(out).to_pylist()
    assert sorted(Path(row["path"]).name for row in rows) == ["a.png", "b.png", "c.png", "d.png"]
    assert [row["score"] for row in rows if row["status"] == "error"] == [None]
    assert sorted(pq.read_metadata(file).num_rows for file in out.iterdir()) == [1, 1, 2]
    assert b"biqa.run" in pq.read_schema(next(out.iterdir())).metadata


@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
def test_photos_of_one_name_are_all_scored_after_a_stop(
    sources: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    pixels = pq.read_table(sources["p.parquet"])["image"].to_pylist()[:3]
    keys = ["k", "k", "x/../k"]
    pq.write_table(pa.table({"key": keys, "image": pixels}), tmp_path / "t.parquet")
    pq.write_table(pa.table({"key": keys, "image": pixels}).slice(0, 1), tmp_path / "1.parquet")
    with tarfile.open(tmp_path / "two.tar", "w") as tar:
        for name in ("a.png", "./a.png", "a\udcff.png", "a\\xff.png"):
            member = tarfile.TarInfo(name)
            member.size = len(pixels[0])
            tar.addfile(member, io.BytesIO(pixels[0]))
    out = tmp_path / ("out" if kind == "parquet" else f"out.{kind}")
    grow = ("--key", "key", "-o", out, "-f", kind, "--append", "--no-store")
    grow += ("--part-rows", 1) if kind == "parquet" else ()
    # What a run that was stopped has left.
    assert _run(tmp_path / "1.parquet", *grow).exit_code == 0
    result = _run(tmp_path / "t.parquet", tmp_path / "two.tar", *grow)
    assert result.exit_code == 0 and "6 photos in" in result.stderr
    again = _run(tmp_path / "t.parquet", tmp_path / "two.tar", *grow)
    assert "7 were there before" in again.stderr


def test_a_photo_in_parts_is_the_same_whatever_it_is_called(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = ("-f", "parquet", "-o", "scores", "--part-rows", 9, "--append", "--no-store")
    for name in ("photos", "./photos", "photos/../photos", folder):
        _run(name, *out)
    assert len(pq.read_table(tmp_path / "scores")) == len(GREYS) + 1


def test_a_folder_that_has_parts_only_grows_where_that_is_asked(
    folder: Path, tmp_path: Path
) -> None:
    out = ("-f", "parquet", "-o", tmp_path / "scores", "--part-rows", 9, "--no-store")
    assert _run(folder / "a.png", *out).exit_code == 0
    again = _run(folder / "a.png", *out)
    assert (again.exit_code, again.stderr.count("\n")) == (2, 1)
    assert "has parts already: add to them with --append, or name another folder" in again.stderr
    assert len(pq.read_table(tmp_path / "scores")) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "s.parquet", "--append"], "or write a folder of Parquet files with --part-rows"),
        (["-o", "{out}", "-f", "parquet"], "is a folder: write files of so many rows"),
        (["-o", "x.csv", "--part-rows", "5"], "--part-rows writes Parquet files into a folder"),
        (["-o", "{out}", "-f", "parquet", "--part-rows", "5", "--top", "1"], "leave out --sort"),
        (["--shard", "5"], "such as 3/100"),
        (["--ray-workers", "2"], "are of a cluster: name it with --ray"),
        (["--ray", "local", "--threads", "2"], "use --ray-workers in place of --threads"),
        (["--ray", "local", "-d", "cuda"], "use --ray-gpus 1 in place of --device cuda"),
        (["--ray", "local", "--ray-gpus", "1", "-d", "cpu"], "--ray-gpus scores with PyTorch"),
        (["--ray", "local", "--ray-gpus", "1", "--engine", "onnx"], "leave out --device and"),
        (["--ray", "local", "--ray-gpus", "1", "--precision", "bfloat16"], "leave out --ray-gpus"),
        (["s3://bucket/a.jpg", "--offline"], "is an address, and --offline opens no socket"),
    ],
)
def test_wrong_use_is_one_line(
    folder: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    (tmp_path / "out").mkdir()
    result = _run(folder, *(text.format(out=tmp_path / "out") for text in options))
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr
    assert result.stderr.count("\n") == 1


def test_a_folder_that_is_no_report_is_not_added_to(
    folder: Path, sources: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    sources["p.parquet"].rename(out / "photos.parquet")
    result = _run(folder, "-f", "parquet", "-o", out, "--part-rows", 5, "--append")
    assert result.exit_code == 2 and "is not a part of a report of biqa" in result.stderr


def test_an_archive_that_is_read_is_not_overwritten(
    sources: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "list").write_text(str(sources["p.tar"]))
    for named in ([sources["p.tar"]], ["--files-from", tmp_path / "list"]):
        result = _run(*named, "-f", "csv", "-o", sources["p.tar"])
        assert result.exit_code == 2 and "is a file that is read" in result.stderr


@pytest.mark.parametrize("named", ["t.parquet", "./t.parquet/", "t.parquet/p.parquet", "list"])
def test_a_table_that_is_read_gets_no_rows(
    sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.parquet").mkdir()
    sources["p.parquet"].rename("t.parquet/p.parquet")
    Path("list").write_text("t.parquet\n")
    read = ["--files-from", named] if named == "list" else [named]
    out = ("-f", "parquet", "-o", tmp_path / "t.parquet", "--part-rows", 9, "--append")
    result = _run(*read, *out)
    assert (result.exit_code, "is a folder that is read" in result.stderr) == (2, True)
    assert [path.name for path in Path("t.parquet").iterdir()] == ["p.parquet"]


def test_options_stand_anywhere_among_names(folder: Path) -> None:
    a, b, c = (folder / name for name in GREYS)
    for line in ([a, b, "-q", c], ["-q", a, b, c], [a, "-f", "csv", b, c, "-q"], [a, b, "--", c]):
        assert len(_rows(_run(*line, "--no-store"))) == 3 or "--" in line
    assert len(_rows(_run("--no-store", a, b, "--", c))) == 3
    assert _run(a, "-o").exit_code == 2


def test_photos_are_found_as_they_are_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def found(*_: object, **__: object) -> Any:
        for name in ("a.png", "b.png"):
            taken.append(name)
            yield str(folder / name)

    monkeypatch.setattr("biqa_cli.sources.finding.find_photos", found)
    wanted = _photos.wanted_photos(
        [str(folder)],
        files_from=None,
        nul_separated=False,
        choice=Choice(),
        written=(),
    )
    assert taken == ["a.png"]
    assert len(list(wanted.photos)) == 2


def test_the_total_is_counted_beside_the_run_unless_that_means_reading(
    folder: Path, sources: dict[str, Path]
) -> None:
    def total_of(name: Path) -> int | None:
        wanted = _photos.wanted_photos(
            [str(name)],
            files_from=None,
            nul_separated=False,
            choice=Choice(),
            written=(),
        )
        total = wanted.total(without=lambda: 1)
        total()
        for thread in threading.enumerate():
            if thread.name == "biqa-count":
                thread.join()
        return total()

    assert total_of(folder) == len(GREYS)
    assert total_of(sources["p.zip"]) == len(GREYS)
    assert total_of(sources["p.tgz"]) is None
