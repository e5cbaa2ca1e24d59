"""Where output goes, and what happens when it cannot: each test starts a process."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fakes import grey_png, photo
from image_files import dng, saved
from processes import BRIGHTNESS, run, start, wait_for

# Each test starts a process, or several.
pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name, value in {"a": 51, "b": 204}.items():
        grey_png(photos / f"{name}.png", value)
    return photos


def _shell(redirection: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f'"$@" {redirection}', "bash", *BRIGHTNESS, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        # As for most users: Python keeps what is printed until its buffer is full.
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )


@pytest.mark.parametrize("format_name", ["csv", "table", "ndjson"])
def test_a_full_stdout_is_one_line_and_exits_4(folder: Path, format_name: str) -> None:
    full = _shell("> /dev/full", "score", folder, "-f", format_name)
    assert full.returncode == 4
    assert full.stderr == "biqa: cannot write to standard output: No space left on device\n"


def test_a_closed_stdout_is_one_line_and_exits_4(folder: Path) -> None:
    closed = _shell(">&-", "score", folder)
    assert closed.returncode == 4
    assert closed.stderr == "biqa: cannot write to standard output: it is closed: use -o FILE\n"


def test_what_is_not_a_report_meets_a_full_disk_too() -> None:
    for arguments in (["models", "list"], ["--version"]):
        full = _shell("> /dev/full", *arguments)
        assert full.returncode == 4, arguments
        assert full.stderr.endswith("No space left on device\n") and full.stderr.count("\n") == 1


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_talk_that_nobody_can_hear_stops_nothing(folder: Path, redirection: str) -> None:
    (folder / "c.png").write_text("no photo")
    result = _shell(redirection, "score", folder, "-v")
    assert result.returncode == 3
    assert [row["status"] for row in csv.DictReader(io.StringIO(result.stdout))] == [
        *("ok", "ok", "error")
    ]


def test_a_full_disk_under_an_output_file_is_one_line_and_exits_4(folder: Path) -> None:
    result = run("score", folder, "-o", "/dev/full", "-f", "csv")
    assert result.returncode == 4
    assert result.stderr == "biqa: cannot write /dev/full: No space left on device\n"


def test_an_output_folder_that_goes_away_exits_4(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "there" / "scores.csv"
    target.parent.mkdir()
    process = start("score", "--files-from", "-", "-o", target, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(f"{folder / 'a.png'}\n")
    process.stdin.flush()
    wait_for(lambda: list(target.parent.iterdir()))
    wait_for(lambda: "a.png" in next(target.parent.iterdir()).read_text())
    next(target.parent.iterdir()).unlink()
    target.parent.rmdir()
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 4
    assert stderr == f"biqa: cannot write {target}: No such file or directory\n"


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_names_leave_as_utf_8_whatever_the_locale(tmp_path: Path, encoding: str) -> None:
    name = grey_png(tmp_path / "写真.png", 51)
    bad = str(tmp_path / "写真-gone.png")
    result = run("score", name, bad, env=os.environ | {"PYTHONIOENCODING": encoding})
    assert result.returncode == 3
    assert [row["path"] for row in csv.DictReader(io.StringIO(result.stdout))] == [name, bad]


def test_talk_shows_no_control_character_of_a_name(tmp_path: Path) -> None:
    bad = tmp_path / "e\x1b]0;v\x07il.png"
    bad.write_text("no photo")
    result = run("heatmap", bad, cwd=tmp_path)
    assert "e\\x1b]0;v\\x07il.png: not an image" in result.stderr
    assert not {"\x1b", "\x07"} & set(result.stderr)


def test_an_output_that_is_a_pipe_receives_the_rows(folder: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    process = start("score", folder, "-o", pipe)
    rows = list(csv.DictReader(io.StringIO(pipe.read_text())))
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert [row["score"] for row in rows] == ["20.0", "80.0"]
    assert pipe.is_fifo()


def test_an_output_that_is_stdout_is_written_through(folder: Path) -> None:
    result = run("score", folder, "-o", "/dev/stdout", "-f", "ndjson")
    assert [json.loads(line)["score"] for line in result.stdout.splitlines()] == [20, 80]


def test_two_runs_with_one_output_leave_the_whole_rows_of_one(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "scores.csv"
    slow = os.environ | {"BRIGHTNESS_SECONDS": "0.1"}
    runs = [start("score", folder / name, "-o", output, env=slow) for name in ("a.png", "b.png")]
    assert [process.communicate(timeout=30)[1] for process in runs] != ["", ""]
    assert [process.returncode for process in runs] == [0, 0]
    header, row = output.read_text().splitlines()
    assert header.startswith("path,score") and row.startswith(str(folder))
    assert {path.name for path in tmp_path.iterdir()} == {"photos", "scores.csv"}


def test_names_from_a_slow_pipe_are_scored_as_they_come(folder: Path) -> None:
    process = start(
        *("score", "--files-from", "-", "--batch-size", 8, "-j", 4, "-f", "csv"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    for name, score in (("a", "20.0"), ("b", "80.0")):
        process.stdin.write(f"{folder / name}.png\n")
        process.stdin.flush()
        if name == "a":
            assert process.stdout.readline().startswith("path,score")
        # Blocks for ever where the row waits for further names.
        assert process.stdout.readline().split(",")[1] == score
    process.communicate(timeout=30)
    assert process.returncode == 0


# ONNX Runtime complains of a missing cache before it is told not to use one.
_SILENT = {"ORT_DISABLE_TELEMETRY": "1"}


@pytest.mark.parametrize("home", [{}, {"HOME": "/dev/null"}])
def test_the_default_model_needs_no_home_no_cache_and_no_account(
    folder: Path, home: dict[str, str]
) -> None:
    code = (
        "import pwd, sys\n"
        "def unknown(_): raise KeyError('uid not found')\n"
        "pwd.getpwuid = unknown\n"
        "sys.argv = ['biqa', 'score', '-', '-q', '-d', 'cpu']\n"
        "from biqa_cli.cli import main\n"
        "main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        input=(folder / "a.png").read_bytes(),
        capture_output=True,
        env=home | {"PYTHONPATH": os.environ.get("PYTHONPATH", ""), **_SILENT},
        cwd="/",
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.splitlines()[1].startswith(b"-,")


@pytest.mark.parametrize("command", ["score", "heatmap"])
def test_decoders_print_nothing_beside_the_error_of_a_photo(tmp_path: Path, command: str) -> None:
    damaged = bytearray(saved(photo(200, 200), "TIFF", compression="tiff_lzw"))
    damaged[5000:5100] = bytes(100)
    (tmp_path / "damaged.tif").write_bytes(damaged)
    result = run(command, tmp_path / "damaged.tif", "-q", cwd=tmp_path)
    assert result.returncode == 3
    assert "LZWDecode" not in result.stderr and "Warning" not in result.stderr
    assert len(result.stderr.splitlines()) == (command == "heatmap")


def test_folders_have_raw_and_jpeg_xl_photos_even_without_their_extras(tmp_path: Path) -> None:
    (tmp_path / "a.NEF").write_bytes(dng(np.zeros((24, 36), np.uint16)))
    (tmp_path / "b.jxl").write_bytes(b"\xff\x0a" + bytes(60))
    grey_png(tmp_path / "c.png", 51)
    without = tmp_path / "without"
    without.mkdir()
    for module in ("rawpy", "pillow_jxl"):
        (without / f"{module}.py").write_text("raise ImportError")
    path = os.pathsep.join([str(without), os.environ.get("PYTHONPATH", "")])
    result = run("score", tmp_path, env=os.environ | {"PYTHONPATH": path})
    assert result.returncode == 3
    raw, jxl, grey = csv.DictReader(io.StringIO(result.stdout))
    assert "biqa-cli[raw]" in raw["error"]
    assert "biqa-cli[jxl]" in jxl["error"]
    assert grey["status"] == "ok"
