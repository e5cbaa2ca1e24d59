"""`biqa score` for scripts: reports that grow, only what is new, Parquet."""

import csv
import json
import os
import signal
from pathlib import Path

import pytest
from fakes import grey_png
from processes import run, start, wait_for
from typer.testing import CliRunner, Result

from biqa_cli.cli import app
from biqa_cli.models import loading
from biqa_cli.models.base import EngineName
from biqa_cli.models.loading import LoadedModel

pytestmark = pytest.mark.usefixtures("brightness")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    photos.mkdir()
    for value in (51, 102):
        grey_png(photos / f"{value}.png", value)
    return photos


def _run(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["score", *map(str, arguments)], input=stdin)


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
def test_rows_are_added_for_new_photos_only(folder: Path, tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"scores.{suffix}"
    assert _run(folder, "-o", output, "--append").exit_code == 0
    first = output.read_bytes()
    grey_png(folder / "0.png", 0)
    again = _run(folder, "-o", output, "--append")
    assert again.exit_code == 0 and "1 photo in" in again.stderr
    assert "2 were there before" in again.stderr
    _run(folder / "0.png", "-o", tmp_path / f"one.{suffix}")
    added = (tmp_path / f"one.{suffix}").read_bytes().splitlines(keepends=True)[-1]
    assert output.read_bytes() == first + added
    nothing = _run(folder, "-o", output, "--append")
    assert nothing.exit_code == 0 and output.read_bytes() == first + added


def _rows(output: Path) -> dict[str, tuple[str, str]]:
    """Return the score and the status of each photo, which has one row."""
    with output.open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = {Path(row["path"]).name: (row["score"], row["status"]) for row in rows}
    assert len(found) == len(rows)
    return found


def test_one_photo_has_one_row_however_it_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    for name in ("51.png", "./51.png", folder / "51.png", "../photos/51.png", "."):
        assert _run(name, "-o", "scores.csv", "--append").exit_code == 0
    assert _rows(Path("scores.csv")) == {"51.png": ("20.0", "ok"), "102.png": ("40.0", "ok")}


def test_a_row_that_was_an_error_is_scored_again(folder: Path, tmp_path: Path) -> None:
    output, late = tmp_path / "scores.csv", folder / "153.png"
    late.write_bytes(b"half a")
    assert _run(folder, "-o", output, "--append").exit_code == 3
    # What is still wrong is no success, and has one row nevertheless.
    assert _run(folder, "-o", output, "--append").exit_code == 3
    assert _rows(output)["153.png"] == ("", "error")
    grey_png(late, 153)
    again = _run(folder, "-o", output, "--append")
    assert again.exit_code == 0 and "1 row is replaced" in again.stderr
    assert _rows(output) == {
        "102.png": ("40.0", "ok"),
        "51.png": ("20.0", "ok"),
        "153.png": ("60.0", "ok"),
    }


@pytest.mark.parametrize("known", [False, True])
def test_a_photo_that_has_changed_is_scored_again(
    folder: Path, tmp_path: Path, known: bool
) -> None:
    output = tmp_path / "scores.csv"
    assert _run(folder, "-o", output, "--append").exit_code == 0
    grey_png(folder / "51.png", 204)
    os.utime(folder / "51.png", (2000, 2000))
    os.utime(folder / "102.png", (2000, 2000))
    if known:
        # Another report has its new score already.
        assert _run(folder, "-o", tmp_path / "other.csv").exit_code == 0
    again = _run(folder, "-o", output, "--append")
    assert again.exit_code == 0 and "1 photo in" in again.stderr
    assert list(_rows(output).items()) == [("102.png", ("40.0", "ok")), ("51.png", ("80.0", "ok"))]
    before = output.read_bytes()
    assert "0 photos in" in _run(folder, "-o", output, "--append").stderr
    assert output.read_bytes() == before


def test_without_the_store_a_changed_photo_keeps_its_row(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "scores.csv"
    assert _run(folder, "-o", output, "--append", "--no-store").exit_code == 0
    grey_png(folder / "51.png", 204)
    assert _run(folder, "-o", output, "--append", "--no-store").exit_code == 0
    assert _rows(output)["51.png"] == ("20.0", "ok")


@pytest.mark.parametrize("name", ["notes.csv", "data.ndjson"])
def test_a_file_of_one_line_that_is_no_report_is_not_touched(
    folder: Path, tmp_path: Path, name: str
) -> None:
    output = tmp_path / name
    output.write_bytes(b'{"a person\'s":[1,2,3]}')
    result = _run(folder, "-o", output, "--append")
    assert result.exit_code == 2 and result.stderr.count("\n") == 1
    assert f"{name} is not a report of biqa" in result.stderr
    assert output.read_bytes() == b'{"a person\'s":[1,2,3]}'


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
def test_a_last_row_whose_line_end_an_editor_has_dropped_stays(
    folder: Path, tmp_path: Path, suffix: str
) -> None:
    output = tmp_path / f"scores.{suffix}"
    assert _run(folder, "-o", output, "--append").exit_code == 0
    both = output.read_bytes()
    output.write_bytes(both[:-1])
    grey_png(tmp_path / "0.png", 0)
    assert _run(tmp_path / "0.png", "-o", output, "--append").exit_code == 0
    assert output.read_bytes().startswith(both)
    # Where the photo is named, it has one row nevertheless.
    output.write_bytes(both[:-1])
    assert _run(folder, "-o", output, "--append").exit_code == 0
    assert output.read_bytes() == both


def test_rows_of_photos_that_are_not_named_stay_whatever_they_are(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "scores.csv"
    for where in ("x", "y"):
        (tmp_path / where).mkdir()
        grey_png(tmp_path / where / "a.png", 51)
        monkeypatch.chdir(tmp_path / where)
        assert _run("a.png", "-o", f"{where}.csv").exit_code == 0
    header, row = Path("y.csv").read_bytes().splitlines(keepends=True)
    # Two reports of relative names, put together: one row of each folder.
    output.write_bytes(header + row + row)
    (folder / "153.png").write_bytes(b"half a")
    assert _run(folder, "-o", output, "--append").exit_code == 3
    grey_png(folder / "153.png", 153)
    assert "1 row is replaced" in _run(folder, "-o", output, "--append").stderr
    assert output.read_bytes().startswith(header + row + row)


def test_photos_that_keep_their_rows_count_for_the_threshold(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "scores.csv"
    command = (folder, "-o", output, "--append", "--fail-under", 30)
    assert _run(*command).exit_code == 1
    assert _run(*command).exit_code == 1
    assert _run(folder / "102.png", *command[1:]).exit_code == 0


def test_a_linked_report_stays_a_link_and_keeps_its_rights(folder: Path, tmp_path: Path) -> None:
    real, output = tmp_path / "real.csv", tmp_path / "scores.csv"
    output.symlink_to(real)
    (folder / "0.png").write_bytes(b"half a")
    assert _run(folder, "-o", output, "--append").exit_code == 3
    real.chmod(0o640)
    grey_png(folder / "0.png", 0)
    assert _run(folder, "-o", output, "--append").exit_code == 0
    assert output.is_symlink() and real.stat().st_mode & 0o777 == 0o640
    assert _rows(real)["0.png"] == ("0.0", "ok")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "real.csv", "scores.csv"]


def test_rows_that_another_run_adds_meanwhile_stay(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "scores.csv"
    assert _run(folder / "51.png", "-o", output, "--append").exit_code == 0
    load, others = loading.load_model, [folder / "102.png"]

    def slowly(*arguments: object, **options: object) -> object:
        while others:
            assert _run(others.pop(), "-o", output, "--append").exit_code == 0
        return load(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(loading, "load_model", slowly)
    grey_png(folder / "0.png", 0)
    result = _run(folder, "-o", output, "--append")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1 and "another run adds to" in result.stderr
    assert [line.split(",")[1] for line in output.read_text().splitlines()[1:]] == ["20.0", "40.0"]
    assert _run(folder, "-o", output, "--append").exit_code == 0
    assert len(output.read_text().splitlines()) == 4


def test_names_from_a_pipe_are_added_too(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "scores.csv"
    _run(folder / "51.png", "-o", output, "--append")
    names = "\n".join(str(folder / name) for name in ("51.png", "102.png"))
    _run("--files-from", "-", "-o", output, "--append", stdin=names.encode())
    lines = output.read_text().splitlines()
    assert [line.split(",")[1] for line in lines] == ["score", "20.0", "40.0"]


@pytest.mark.slow
def test_a_killed_run_is_continued_in_the_file_itself(folder: Path, tmp_path: Path) -> None:
    for value in range(60):
        grey_png(folder / f"{value:03}.png", value)
    output = tmp_path / "scores.csv"
    slow = os.environ | {"BRIGHTNESS_SECONDS": "0.02"}
    process = start("score", folder, "-o", output, "--append", "--no-store", env=slow)
    wait_for(lambda: output.exists() and output.read_bytes().count(b"\n") > 4)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    left = output.read_bytes()
    output.write_bytes(left[:-2])
    assert run("score", folder, "-o", output, "--append").returncode == 0
    plain = tmp_path / "plain.csv"
    assert run("score", folder, "-o", plain).returncode == 0
    assert output.read_bytes() == plain.read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--append"], "biqa: --append adds to a file: name it with -o\n"),
        (["--append", "-o", "x.json"], "biqa: --append does not suit json, which has an end"),
        (["--append", "-o", "x.csv", "--top", "2"], "leave out --sort and --top\n"),
        (["--append", "-o", "x.csv", "--sort", "path"], "leave out --sort and --top\n"),
        (["--newer-than", "once"], "biqa: 'once' is neither a date, such as"),
    ],
)
def test_what_does_not_go_together_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    monkeypatch.chdir(folder)
    result = _run(folder, *options)
    assert result.exit_code == 2
    assert message in result.stderr and result.stderr.count("\n") == 1
    assert {path.name for path in folder.iterdir()} == {"51.png", "102.png"}


def test_only_what_is_newer_is_scored_and_nothing_new_is_no_error(
    folder: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    mark.touch()
    os.utime(folder / "51.png", (1000, 1000))
    os.utime(folder / "102.png", (3000, 3000))
    os.utime(mark, (2000, 2000))
    for since in (mark, "1970-01-01T00:30:00+00:00"):
        result = _run(folder, "--newer-than", since, "-f", "ndjson")
        assert [json.loads(line)["score"] for line in result.stdout.splitlines()] == [40.0]
    nothing = _run(folder, "--newer-than", "2020-01-01")
    assert nothing.exit_code == 0 and nothing.stdout.count("\n") == 1
    assert _run(folder, "--exclude", "*").exit_code == 2


@pytest.mark.slow
def test_parquet_goes_to_files_and_pipes(folder: Path, tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    output = tmp_path / "scores.parquet"
    assert _run(folder, "-o", output).exit_code == 0
    piped = tmp_path / "piped.parquet"
    with piped.open("wb") as file:
        assert run("score", folder, "-f", "parquet", stdout=file).returncode == 0
    for path in (output, piped):
        assert pq.read_table(path)["score"].to_pylist() == [40.0, 20.0]


PLACES = {
    "csv": ("-o", "scores.csv"),
    "ndjson": ("-o", "scores.ndjson"),
    "parts": ("-f", "parquet", "-o", "scores", "--part-rows", 1),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("first", ["float32", "bfloat16"])
def test_scores_in_two_precisions_are_not_put_together(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    brightness: LoadedModel,
    place: str,
    first: str,
) -> None:
    monkeypatch.chdir(folder)
    engines: dict[str, EngineName] = {"float32": "torch", "bfloat16": "openvino"}
    brightness.engine.name = engines[first]  # type: ignore[misc]
    options = (*PLACES[place], "--append", "--no-store")
    for photo in ("51.png", "102.png"):
        result = _run(photo, *options)
        assert result.exit_code == 0
        assert ("in bfloat16" in result.stderr) == (first == "bfloat16")
    (other,) = engines.keys() - {first}
    brightness.engine.name = engines[other]  # type: ignore[misc]
    before = {path: path.read_bytes() for path in folder.rglob("scores*") if path.is_file()}
    result = _run(folder, *options)
    assert result.exit_code == 2
    told = f"has scores of brightness in {first}, and this run computes in {other}: use --precision"
    assert f"{told} {first}" in result.stderr
    assert {path: path.read_bytes() for path in folder.rglob("scores*") if path.is_file()} == before
