"""`biqa store`, and what the store does for the commands that score."""

import csv
import io
import json
import os
import re
from pathlib import Path

import pytest
from fakes import grey_png
from typer.testing import CliRunner, Result

from biqa_cli.cli import app

pytestmark = pytest.mark.usefixtures("brightness")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    photos.mkdir()
    for value in (51, 102, 204):
        grey_png(photos / f"{value}.png", value)
    return photos


@pytest.fixture
def store() -> Path:
    return Path(os.environ["BIQA_STORE"])


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def _known(result: Result) -> int:
    told = re.search(r"(\d+) known", result.stderr)
    return int(told[1]) if told else 0


@pytest.mark.parametrize("format_name", ["csv", "json", "ndjson", "table"])
def test_a_report_is_the_same_with_and_without_the_store(folder: Path, format_name: str) -> None:
    (folder / "bad.png").write_text("no photo")
    runs = [
        _run("score", folder, "-f", format_name, *options)
        for options in (("--no-store",), (), (), ("--fresh",), ("--no-store",))
    ]
    assert [_known(run) for run in runs] == [0, 0, 3, 0, 0]
    assert {re.sub(r'"seconds": [0-9.]+', "", run.stdout) for run in runs} == {
        re.sub(r'"seconds": [0-9.]+', "", runs[0].stdout)
    }
    assert {run.exit_code for run in runs} == {3}


def test_no_store_makes_none(folder: Path, store: Path) -> None:
    _run("score", folder, "--no-store")
    assert not store.exists()


def test_the_option_goes_before_the_environment(folder: Path, store: Path, tmp_path: Path) -> None:
    _run("score", folder, "--store", tmp_path / "mine" / "a.sqlite")
    assert (tmp_path / "mine" / "a.sqlite").exists() and not store.exists()


def test_heatmap_and_score_know_the_scores_of_each_other(folder: Path, tmp_path: Path) -> None:
    map_file = tmp_path / "map.json"
    made = _run("heatmap", folder / "51.png", "--json", map_file)
    assert made.exit_code == 0, made.stderr
    assert _known(_run("score", folder)) == 1
    plain = map_file.read_text()
    for option in ("--fresh", "--no-store", "-q"):
        _run("heatmap", folder / "51.png", "--json", map_file, option)
        assert map_file.read_text() == plain


def test_a_store_that_cannot_be_used_is_told_once_and_all_is_scored(
    folder: Path, tmp_path: Path
) -> None:
    result = _run("score", folder, "--store", tmp_path, "-q")
    assert result.exit_code == 0
    assert [row["score"] for row in csv.DictReader(io.StringIO(result.stdout))] == [
        *("40.0", "80.0", "20.0"),
    ]
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("biqa: scores are not kept for the next run: ")


def test_info_tells_what_is_known_and_where(folder: Path, store: Path) -> None:
    empty = json.loads(_run("store", "info", "-f", "json").stdout)
    assert empty == {"path": str(store), "bytes": 0, "files": 0, "scores": 0, "raters": []}
    _run("score", folder)
    found = json.loads(_run("store", "info", "-f", "json").stdout)
    assert (found["files"], found["scores"], found["bytes"] > 0) == (3, 3, True)
    (rater,) = found["raters"]
    assert (rater["model"], rater["scores"], rater["current"]) == ("brightness", 3, True)
    table = _run("store", "info").stdout
    assert str(store) in table and re.search(r"brightness +3 +20\d\d-", table)


def test_prune_removes_what_is_gone_and_dry_run_only_says_so(folder: Path) -> None:
    _run("score", folder)
    (folder / "51.png").unlink()
    assert _run("store", "prune", "--dry-run").stdout == "would forget 1 file, 1 score\n"
    assert _run("store", "prune").stdout == "forgot 1 file, 1 score\n"
    assert _run("store", "prune").stdout == "forgot 0 files, 0 scores\n"
    assert _run("store", "prune", "--older-than", 1).stdout == "forgot 0 files, 0 scores\n"
    assert _run("store", "prune", "--older-than", 0).exit_code == 0


def test_forget_takes_paths_or_all(folder: Path) -> None:
    _run("score", folder)
    assert _run("store", "forget", folder / "51.png").stdout == "forgot 1 file, 1 score\n"
    assert _run("store", "forget", "--all").stdout == "forgot 2 files, 2 scores\n"
    assert _known(_run("score", folder)) == 0


@pytest.mark.parametrize("arguments", [(), ("photos", "--all")])
def test_forget_needs_paths_or_all_and_not_both(arguments: tuple[str, ...]) -> None:
    result = _run("store", "forget", *arguments)
    assert result.exit_code == 2
    assert result.stderr == "biqa: name the photos and folders to forget, or give --all\n"


def test_a_file_that_is_no_store_is_one_line(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("a letter")
    result = _run("store", "info", "--store", letter)
    assert result.exit_code == 4 and result.stderr.count("\n") == 1
    assert "letter.txt is no store of biqa" in result.stderr
