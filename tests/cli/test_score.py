"""`biqa score` with a model that can be checked by hand."""

import csv
import io
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from fakes import brightness_model, grey_png
from PIL import Image
from typer.testing import CliRunner, Result

from biqa_cli import scoring
from biqa_cli.cli import app
from biqa_cli.models import loading
from biqa_cli.models.catalog import DEFAULT_MODEL
from biqa_cli.models.loading import LoadedModel
from biqa_cli.reports.rows import COLUMNS

pytestmark = pytest.mark.usefixtures("brightness")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name, value in {"a": 51, "b": 204, "c": 102}.items():
        grey_png(photos / f"{name}.png", value)
    return photos


def _run(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["score", *map(str, arguments)], input=stdin)


def _rows(result: Result) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_a_folder_becomes_csv_in_a_pipe(folder: Path) -> None:
    result = _run(folder)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == ",".join(COLUMNS)
    assert [row["score"] for row in _rows(result)] == ["20.0", "80.0", "40.0"]
    assert "3 photos in" in result.stderr


def test_quiet_is_quiet(folder: Path) -> None:
    assert _run(folder, "-q").stderr == ""


def test_json_has_header_and_counts(folder: Path) -> None:
    document = json.loads(_run(folder, "-f", "json").stdout)
    assert document["run"]["model"] == "brightness"
    assert document["counts"]["scored"] == len(document["results"]) == 3


def test_ndjson_is_one_record_a_line(folder: Path) -> None:
    lines = _run(folder, "-f", "ndjson").stdout.splitlines()
    assert [json.loads(line)["score"] for line in lines] == [20, 80, 40]


def test_a_table_can_be_asked_for(folder: Path) -> None:
    output = _run(folder, "-f", "table").stdout
    first, *rows = output.splitlines()
    assert first.split() == ["score", "low", "high", "native", "width", "height", "path"]
    assert rows[0].split()[:2] == ["20.0", "0.200"] and rows[-1] == "model: brightness"


def test_the_best_come_first_and_top_keeps_them(folder: Path) -> None:
    names = [Path(row["path"]).name for row in _rows(_run(folder, "--sort", "score"))]
    assert names == ["b.png", "c.png", "a.png"]
    assert [row["score"] for row in _rows(_run(folder, "--top", 2))] == ["80.0", "40.0"]


def test_a_threshold_that_is_not_met_exits_1(folder: Path) -> None:
    result = _run(folder, "--fail-under", 30)
    assert (result.exit_code, "1 below 30" in result.stderr) == (1, True)
    assert len(_rows(result)) == 3
    assert _run(folder, "--fail-under", 20).exit_code == 0


def test_bad_files_exit_3_and_the_rest_is_scored(folder: Path) -> None:
    (folder / "fake.jpg").write_text("no photo")
    result = _run(folder, folder / "gone.png")
    assert result.exit_code == 3
    assert [row["status"] for row in _rows(result)] == ["ok", "ok", "ok", "error", "error"]
    assert "2 could not be scored" in result.stderr


def test_a_threshold_that_is_not_met_weighs_more_than_bad_files(folder: Path) -> None:
    (folder / "fake.jpg").write_text("no photo")
    assert _run(folder, "--fail-under", 30).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{empty}"], "no photos found in"),
        ([], "nothing to score: name photos"),
        (["{folder}", "-o", "scores.xyz"], "what format is 'scores.xyz'"),
        (["--files-from", "{empty}/none"], "cannot read the list of files"),
        (["{folder}", "-o", "{empty}/no/scores.csv"], "cannot write"),
    ],
)
def test_wrong_use_is_one_line_and_exits_2(
    folder: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    result = _run(*(text.format(folder=folder, empty=empty) for text in arguments))
    assert result.exit_code == 2
    assert result.stderr.startswith("biqa: ") and message in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_output_file_appears_whole(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    result = _run(folder, "-o", path)
    assert (result.exit_code, result.stdout) == (0, "")
    assert path.read_text() == _run(folder).stdout
    assert {entry.name for entry in tmp_path.iterdir()} == {"photos", "scores.csv"}


@pytest.mark.parametrize(
    ("suffix", "format_name"),
    [
        *(("csv", "csv"), ("CSV", "csv"), ("json", "json")),
        *(("ndjson", "ndjson"), ("jsonl", "ndjson"), ("txt", "table")),
    ],
)
def test_the_suffix_of_an_output_file_decides_its_format(
    folder: Path, tmp_path: Path, suffix: str, format_name: str
) -> None:
    path = tmp_path / f"scores.{suffix}"
    _run(folder, "-o", path)
    same = re.sub(r'"seconds": [0-9.]+', "", path.read_text())
    assert same == re.sub(r'"seconds": [0-9.]+', "", _run(folder, "-f", format_name).stdout)


def test_names_can_come_from_a_list_or_a_pipe(folder: Path, tmp_path: Path) -> None:
    names = [str(folder / "b.png"), str(folder / "a.png")]
    listing = tmp_path / "list.txt"
    listing.write_text("\n".join(names))
    assert [row["path"] for row in _rows(_run("--files-from", listing))] == names
    piped = _run("--files-from", "-", "-0", stdin="\0".join(names).encode())
    assert [row["path"] for row in _rows(piped)] == names
    assert _run("--files-from", "-", stdin=b"").exit_code == 2


def test_a_large_photo_can_be_allowed_or_refused(folder: Path) -> None:
    result = _run(folder / "a.png", "--max-megapixels", 0.00105)
    assert result.exit_code == 0
    grey_png(folder / "big.png", 10)
    Image.new("RGB", (100, 100)).save(folder / "big.png")
    refused = _run(folder / "big.png", "--max-megapixels", 0.00105)
    assert refused.exit_code == 3
    assert "over the limit" in _rows(refused)[0]["error"]


def test_folders_inside_can_be_left_out(folder: Path) -> None:
    (folder / "sub").mkdir()
    grey_png(folder / "sub" / "d.png", 5)
    assert len(_rows(_run(folder))) == 4
    assert len(_rows(_run(folder, "--no-recursive"))) == 3


@pytest.mark.parametrize("fault", [MemoryError, OSError, ZeroDivisionError, RecursionError])
def test_a_fault_of_nobody_exits_4_and_shows_its_traceback_only_if_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise fault("made by a test")

    monkeypatch.setattr(loading, "load_model", fail)
    result = _run(folder)
    assert result.exit_code == 4
    assert result.stderr.startswith("biqa: ") and result.stderr.count("\n") == 1
    told = _run(folder, "-v")
    assert told.exit_code == 4
    assert "Traceback" in told.stderr and f"{fault.__name__}: made by a test" in told.stderr


def test_a_fault_in_one_photo_is_its_row(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = scoring.reading_photo

    def fail_at_b(source: str | bytes, **options: Any) -> Any:
        if str(source).endswith("b.png"):
            raise ZeroDivisionError("made by a test")
        return read(source, **options)

    monkeypatch.setattr(scoring, "reading_photo", fail_at_b)
    result = _run(folder)
    assert result.exit_code == 3
    assert [row["score"] for row in _rows(result)] == ["20.0", "", "40.0"]
    reason = "biqa failed on it (ZeroDivisionError: made by a test): please report it"
    assert _rows(result)[1]["error"] == reason
    assert "Traceback" not in result.stderr and "Traceback" in _run(folder, "-v").stderr


def test_the_options_of_the_model_arrive_at_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def load(*names: str, **options: Any) -> LoadedModel:
        asked.append((*names, options))
        return brightness_model()

    monkeypatch.setattr(loading, "load_model", load)
    own = tmp_path / "own.safetensors"
    _run(folder)
    _run(
        *(folder, "-m", own, "-d", "cuda", "--engine", "torch", "--threads", 3, "--offline"),
    )
    usual = {"engine": "auto", "device": "auto", "threads": 0, "offline": False}
    wanted = {"engine": "torch", "device": "cuda", "threads": 3, "offline": True}
    usual["precision"] = wanted["precision"] = "float32"
    assert asked == [(DEFAULT_MODEL, usual), (str(own), wanted)]


def test_defaults_come_from_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def load(name: str, *, device: str, **_: Any) -> LoadedModel:
        asked.append((name, device))
        return brightness_model()

    monkeypatch.setattr(loading, "load_model", load)
    monkeypatch.setenv("BIQA_MODEL", "reqa-lite")
    monkeypatch.setenv("BIQA_DEVICE", "cpu")
    _run(folder)
    _run(folder, "-m", "nlnet", "-d", "mps")
    assert asked == [("reqa-lite", "cpu"), ("nlnet", "mps")]
    monkeypatch.setenv("BIQA_WORKERS", "none")
    result = _run(folder)
    assert (
        result.exit_code == 2
        and "'BIQA_WORKERS'): Input should be a valid integer" in result.stderr
    )


def test_a_picture_can_come_from_standard_input(folder: Path) -> None:
    result = _run("-", folder / "b.png", stdin=(folder / "a.png").read_bytes())
    assert [(row["path"], row["score"]) for row in _rows(result)] == [
        *(("-", "20.0"), (str(folder / "b.png"), "80.0"))
    ]
    broken = _run("-", stdin=b"no photo")
    assert broken.exit_code == 3 and _rows(broken)[0]["path"] == "-"
    both = _run("-", "--files-from", "-", stdin=b"")
    assert both.exit_code == 2 and "not both" in both.stderr


@pytest.mark.parametrize("name", ["-dash.png", "-x.png", "--score.png"])
def test_a_file_that_looks_like_an_option_is_told_how_to_be_named(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    Path("a.png").rename(name)
    result = _run(name)
    assert result.exit_code == 2 and result.stderr.count("\n") == 1
    hint = f" (the file {name} is taken for an option: write ./{name}, or -- before it)\n"
    assert result.stderr.endswith(hint)
    assert _run(f"./{name}").exit_code == _run("--", name).exit_code == 0
    assert "taken for an option" not in _run("--sort", "size", "--", name).stderr


def test_standard_input_is_one_picture() -> None:
    twice = CliRunner().invoke(app, ["score", "-", "-"], input=b"")
    assert twice.exit_code == 2
    assert twice.stderr == "biqa: standard input (-) is named twice: it is one picture\n"


def test_a_dash_as_output_is_stdout_and_a_file_of_that_name_can_be_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    common = ["score", str(folder)]
    to_stdout = CliRunner().invoke(app, [*common, "-o", "-"])
    assert to_stdout.exit_code == 0 and not Path("-").exists()
    assert to_stdout.stdout == CliRunner().invoke(app, common).stdout
    assert CliRunner().invoke(app, [*common, "-o", "./-", "-f", "csv"]).stdout == ""
    assert Path("-").read_text("utf-8") == to_stdout.stdout


def test_the_best_are_shown_and_it_is_said_that_others_have_no_score(folder: Path) -> None:
    (folder / "fake.jpg").write_text("no photo")
    result = _run(folder, "--top", 1, "-q")
    assert result.exit_code == 3
    assert [row["score"] for row in _rows(result)] == ["80.0"]
    assert "1 photo has no score, such as" in result.stderr
    assert "fake.jpg: not an image in a known format" in result.stderr


@pytest.mark.parametrize("name", ["photos/a.png", "list.csv", "link.csv", "hard.csv"])
def test_what_is_read_is_not_overwritten(folder: Path, tmp_path: Path, name: str) -> None:
    listing = tmp_path / "list.csv"
    listing.write_text(str(folder / "a.png"))
    (tmp_path / "link.csv").symlink_to(folder / "a.png")
    os.link(folder / "a.png", tmp_path / "hard.csv")
    before = (tmp_path / name).read_bytes()
    result = _run(folder, "--files-from", listing, "-o", tmp_path / name, "-f", "csv")
    assert result.exit_code == 2
    assert f"{name} is a file that is read: choose another name" in result.stderr
    assert (tmp_path / name).read_bytes() == before


def test_folders_of_systems_and_chosen_patterns_are_left_out(folder: Path) -> None:
    for name in ("@eaDir", ".Trash-1000", "old"):
        (folder / name).mkdir()
        grey_png(folder / name / "x.png", 5)
    (folder / "._a.png").write_bytes(b"half of a file")
    assert [Path(row["path"]).name for row in _rows(_run(folder))] == [
        *("a.png", "b.png", "c.png", "x.png")
    ]
    fewer = _run(folder, "--exclude", "old", "--exclude", "[bc].*")
    assert [Path(row["path"]).name for row in _rows(fewer)] == ["a.png"]
    assert len(_rows(_run(folder / "@eaDir", folder / "a.png", "--exclude", "a*"))) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["-f", "xml"],
            "biqa: --format cannot be 'xml': there are table, csv, json, ndjson, parquet\n",
        ),
        (["-f", "jsno"], "biqa: --format cannot be 'jsno': did you mean 'json'?\n"),
        (["--devise", "cpu"], "No such option: --devise (Possible options: --device,"),
        (
            ["--top", "0"],
            "Invalid value for '--top': Input should be greater than or equal to 1: see biqa sc",
        ),
    ],
)
def test_a_wrong_option_is_one_line(folder: Path, arguments: list[str], message: str) -> None:
    result = _run(folder, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr and result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--memory", 1), "over the limit of 1 MB for photos: raise it with --memory"),
        (("--seconds-per-photo", 0.001), "raise the limit with --seconds-per-photo"),
        (("--max-megapixels", 0.5), "over the limit of 0.5: raise it with --max-megapixels"),
    ],
)
def test_what_a_photo_may_cost_is_an_option(
    folder: Path, option: tuple[object, ...], message: str
) -> None:
    Image.new("RGB", (1000, 1000)).save(folder / "large.png")
    result = _run(folder / "large.png", *option)
    assert result.exit_code == 3
    assert message in _rows(result)[0]["error"]
