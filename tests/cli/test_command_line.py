"""The command line as a shell sees it: each test starts a process."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fakes import EXAMPLES, photo
from typer.testing import CliRunner

from biqa_cli.cli import app
from biqa_cli.models.catalog import MODELS
from biqa_cli.weights.manifest import load_manifest

# Commands that are not groups; their help imports nothing heavy.
LIGHT = ("score", "heatmap", "evaluate", "compare", "distort", "train")
BIQA = [sys.executable, "-m", "biqa_cli"]


def _imported_by(*arguments: str) -> set[str]:
    code = (
        "import sys, runpy\n"
        f"sys.argv = ['biqa', *{list(arguments)!r}]\n"
        "try: runpy.run_module('biqa_cli', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stderr.splitlines())


@pytest.mark.parametrize(
    "arguments", [["--help"], ["models", "list"], *([c, "--help"] for c in LIGHT)]
)
def test_help_and_lists_import_nothing_heavy(arguments: list[str]) -> None:
    heavy = {"torch", "numpy", "PIL", "onnxruntime", "scipy"}
    assert not heavy & _imported_by(*arguments)


def test_scoring_on_the_cpu_imports_no_torch() -> None:
    imported = _imported_by("score", str(EXAMPLES / "cat.jpg"), "-d", "cpu")
    assert "onnxruntime" in imported
    assert not {"torch", "torchvision", "scipy", "rich"} & imported


def test_every_command_has_help_with_an_example() -> None:
    for command in (
        *([name] for name in LIGHT),
        *(["models", name] for name in ("list", "info")),
        *(["weights", name] for name in ("list", "download", "verify", "path", "prune")),
        *(["datasets", name] for name in ("list", "info", "check")),
    ):
        result = CliRunner().invoke(app, [*command, "--help"])
        assert "Example: biqa " + " ".join(command) in result.stdout, command


def test_every_command_has_a_page_in_the_docs() -> None:
    docs = Path(__file__).parents[2] / "docs"
    for command in (*LIGHT, "models", "weights", "datasets"):
        assert (docs / "cli" / f"{command}.md").read_text().startswith(f"# biqa {command}")


def test_the_models_are_listed_with_the_keys_that_scripts_rely_on() -> None:
    facts = json.loads(CliRunner().invoke(app, ["models", "list", "-f", "json"]).stdout)
    assert {"name", "family", "parameters", "macs", "checkpoint"} <= facts[0].keys()
    assert [fact["name"] for fact in facts] == list(MODELS)
    trained = {checkpoint.name for checkpoint in load_manifest().checkpoints}
    assert {fact["name"] for fact in facts if fact["checkpoint"] is not None} == trained
    info = CliRunner().invoke(app, ["models", "info", "blockiqa-lite"])
    assert "MOS of BIQ2021, 0 to 1, higher is better" in info.stdout
    assert "blocks=1, similarity=gaussian, use_afel=True" in info.stdout


def test_a_model_without_trained_weights_does_not_score_by_accident() -> None:
    result = CliRunner().invoke(app, ["score", str(EXAMPLES), "-m", "reqa"])
    assert result.exit_code == 2
    assert "reqa has no trained weights, so its scores would mean nothing" in result.stderr


def test_weights_are_listed_verified_and_found() -> None:
    runner = CliRunner()
    rows = json.loads(runner.invoke(app, ["weights", "list", "-f", "json"]).stdout)
    keys = ["name", "file", "bytes", "sha256", "licence", "present", "verified"]
    assert {row["name"] for row in rows} == {c.name for c in load_manifest().checkpoints}
    assert all(list(row) == keys for row in rows)
    assert all(row["present"] and row["verified"] for row in rows)
    assert runner.invoke(app, ["weights", "verify"]).exit_code == 0
    paths = runner.invoke(app, ["weights", "path", "blockiqa-lite"]).stdout.split()
    assert all(Path(path).is_file() for path in paths)
    unknown = runner.invoke(app, ["weights", "path", "none"])
    assert unknown.exit_code == 2 and "there is no checkpoint 'none'" in unknown.stderr


def test_pruning_deletes_strangers_only_when_it_is_meant(cache: Path) -> None:
    stranger = cache / "old.safetensors"
    stranger.write_bytes(b"old")
    runner = CliRunner()
    assert str(stranger) in runner.invoke(app, ["weights", "prune", "--dry-run"]).stdout
    assert stranger.exists()
    runner.invoke(app, ["weights", "prune"])
    assert not stranger.exists()


def test_an_interrupted_run_keeps_its_rows_and_exits_130(tmp_path: Path) -> None:
    photo(512, 512).save(tmp_path / "a.jpg")
    listing = tmp_path / "list"
    names = []
    for index in range(400):
        os.link(tmp_path / "a.jpg", tmp_path / f"{index}.jpg")
        (tmp_path / f"copy{index}.jpg").write_bytes((tmp_path / "a.jpg").read_bytes())
        names.append(str(tmp_path / f"copy{index}.jpg"))
    listing.write_text("\n".join(names))
    output = tmp_path / "scores.csv"
    # Who runs tests in the background of a shell ignores the signal, and so would its children.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    run = subprocess.Popen(
        [*BIQA, "score", "--files-from", str(listing), "-o", str(output)],
        stderr=subprocess.PIPE,
        text=True,
    )
    signal.signal(signal.SIGINT, before)
    partial = tmp_path / "scores.csv.partial"
    deadline = time.monotonic() + 30
    while not (partial.exists() and partial.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    run.send_signal(signal.SIGINT)
    _, stderr = run.communicate(timeout=30)
    assert run.returncode == 130
    assert "Traceback" not in stderr and "interrupted" in stderr
    assert str(partial) in stderr and not output.exists()
    assert partial.read_text().startswith("path,score")


def test_a_reader_that_stops_early_sees_no_traceback(tmp_path: Path) -> None:
    photo().save(tmp_path / "a.png")
    names = "\n".join([str(tmp_path / "a.png"), *[f"gone{i}.jpg" for i in range(20_000)]])
    command = f"{sys.executable} -m biqa_cli score --files-from - -f ndjson | head -n 1"
    run = subprocess.run(
        ["bash", "-c", command], input=names, capture_output=True, text=True, check=False
    )
    assert json.loads(run.stdout)["status"] == "ok"
    assert "Traceback" not in run.stderr and "Exception ignored" not in run.stderr


def test_a_name_that_is_not_utf8_survives_the_pipe(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.png"
    photo().save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(os.fsdecode(name))
    run = subprocess.run([*BIQA, "score", str(tmp_path), "-q"], capture_output=True, check=True)
    assert name in run.stdout


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_simplest_questions_are_answered(option: str) -> None:
    run = subprocess.run([*BIQA, option], capture_output=True, text=True, check=True)
    assert "biqa" in run.stdout.lower() and run.stderr == ""


def test_a_misspelt_option_is_an_error() -> None:
    run = subprocess.run([*BIQA, "score", "--devise", "cpu"], capture_output=True, check=False)
    assert run.returncode == 2


@pytest.mark.parametrize("format_name", ["table", "csv", "ndjson", "json"])
def test_a_terminal_receives_no_control_character_of_a_name(
    tmp_path: Path, format_name: str
) -> None:
    photo().save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "e\x07v\x1b]0;il.png")
    terminal, slave = os.openpty()
    subprocess.run(
        [*BIQA, "score", str(tmp_path), "-q", "-f", format_name], stdout=slave, check=True
    )
    shown = os.read(terminal, 100_000)
    os.close(slave)
    os.close(terminal)
    assert b"il.png" in shown.replace(b"\r\n", b"").replace(b" ", b"")
    assert b"\x07" not in shown and b"\x1b]" not in shown
