import json
from pathlib import Path

import pytest
from fakes import EXAMPLES
from rated_photos import rated_greys
from typer.testing import CliRunner, Result

from biqa_cli.cli import app

LABELS = {0: 1.0, 60: 2.0, 120: 3.0, 180: 4.5, 240: 4.0}


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return rated_greys(tmp_path, LABELS)


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    path = tmp_path / "tool.csv"
    rows = "".join(f"{value}.png,{value}\n" for value in LABELS)
    path.write_text(f"path,score\n{rows}", encoding="utf-8")
    return path


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_tools_csv_is_measured(labels: Path, tool: Path) -> None:
    run = _run("evaluate", "--dataset", f"csv:{labels}", "--predictions", tool, "-f", "json")
    assert run.exit_code == 0, run.stderr
    record = json.loads(run.stdout)
    assert (record["model"], record["n"], record["srcc"]) == ("tool", 5, pytest.approx(0.9))


def test_the_default_model_is_measured_with_the_code_of_score(tmp_path: Path) -> None:
    names = ["cat.jpg", "cat-noisy.jpg", "coffee.jpg", "coffee-blurred.jpg"]
    scores = {}
    for line in _run("score", *(EXAMPLES / n for n in names), "-f", "ndjson").stdout.splitlines():
        row = json.loads(line)
        scores[Path(row["path"]).name] = row["score"]
    table = tmp_path / "labels.csv"
    rows = "".join(f"{name},{scores[name] / 10}\n" for name in names)
    table.write_text(f"path,mos\n{rows}", encoding="utf-8")
    run = _run(
        *("evaluate", "--dataset", f"csv:{table}", "--root", EXAMPLES, "--label-range", "0:10"),
        *("-f", "json", "--offline"),
    )
    record = json.loads(run.stdout)
    assert (record["n"], record["failed"]) == (4, 0)
    assert record["rmse"] == pytest.approx(0, abs=1e-9)
    assert record["plcc"] == pytest.approx(1)


def test_missing_and_broken_images_are_counted_and_named(labels: Path, tmp_path: Path) -> None:
    (tmp_path / "60.png").unlink()
    (tmp_path / "120.png").write_bytes(b"no image")
    with labels.open("a") as file:
        file.write("180.png,bad\n")
    run = _run("evaluate", "--dataset", f"csv:{labels}", "-f", "json")
    assert run.exit_code == 3
    record = json.loads(run.stdout)
    assert (record["n"], record["failed"]) == (3, 2)
    assert "60.png: no such file" in run.stderr
    assert "120.png: not an image in a known format" in run.stderr
    assert "row 7: mos is 'bad', not a number" in run.stderr


def test_a_wrong_root_is_one_line_that_says_what_was_expected(tmp_path: Path) -> None:
    run = _run("evaluate", "--dataset", "tid2013", "--root", tmp_path)
    assert run.exit_code == 2
    assert "expected" in run.stderr and "mos_with_names.txt" in run.stderr
    assert run.stdout == ""


def test_a_split_is_saved_and_used_again(tool: Path, tmp_path: Path) -> None:
    more = rated_greys(tmp_path, {v: v / 50 for v in range(0, 240, 8)})
    rows = "".join(f"{v}.png,{v}\n" for v in range(0, 240, 8))
    tool.write_text(f"path,score\n{rows}", encoding="utf-8")
    common = ("evaluate", "--dataset", f"csv:{more}", "--predictions", tool, "-f", "json")
    saved = tmp_path / "split.txt"
    first = _run(*common, "--split", "image:test", "--seeds", 4, "--save-split", saved)
    again = _run(*common, "--split", f"{saved}:test")
    assert json.loads(first.stdout)["split_sha256"] == json.loads(again.stdout)["split_sha256"]
    refused = _run(*common, "--split", "image:test", "--seeds", "1-3", "--save-split", saved)
    assert refused.exit_code == 2 and "one split" in refused.stderr


def test_the_table_goes_to_a_file_that_is_whole_or_absent(
    labels: Path, tool: Path, tmp_path: Path
) -> None:
    output = tmp_path / "result.md"
    run = _run("evaluate", "--dataset", f"csv:{labels}", "--predictions", tool, "-o", output)
    assert run.exit_code == 0 and run.stdout == ""
    assert output.read_text("utf-8").startswith("| model | split | n |")
    wrong = _run("evaluate", "--dataset", f"csv:{labels}", "-o", tmp_path / "result.xyz")
    assert wrong.exit_code == 2 and "what format" in wrong.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--label-range", "5"], "no range of labels"),
        (["--label-range", "2:3"], "does not fit labels"),
        (["--seeds", "x"], "no list of seeds"),
        (["--split", "reference:test"], "cannot be split by reference"),
        (["-m", "blockiqa-lite", "-m", "blockiqa", "--weights", "x"], "--weights are those of one"),
    ],
)
def test_wrong_options_are_one_line(labels: Path, options: list[str], message: str) -> None:
    run = _run("evaluate", "--dataset", f"csv:{labels}", *options)
    assert run.exit_code == 2
    assert message in run.stderr and len(run.stderr.splitlines()) == 1


def test_two_tools_are_compared(labels: Path, tool: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("image,pred\n0.png,1\n60.png,5\n120.png,2\n180.png,3\n240.png,1\n", "utf-8")
    options = ("compare", tool, other, "--dataset", f"csv:{labels}")
    record = json.loads(_run(*options, "-f", "json").stdout)
    assert (record["first"], record["second"], record["n"]) == ("tool", "other", 5)
    assert record["metrics"]["srcc"]["first"] == pytest.approx(0.9)
    run = _run(*options)
    assert run.exit_code == 0 and "On 5 images" in run.stdout
