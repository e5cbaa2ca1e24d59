"""The command line as a shell sees it; many of these tests start a process."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from fakes import EXAMPLES, photo
from processes import BRIGHTNESS, imported_by
from typer.testing import CliRunner, Result

from biqa_cli.cli import app
from biqa_cli.models.catalog import MODELS
from biqa_cli.weights.manifest import load_manifest

# Commands that are not groups; their help imports nothing heavy.
LIGHT = (
    *(
        "score",
        "group",
        "cull",
        "heatmap",
        "evaluate",
        "compare",
        "gmad",
        "distort",
        "train",
        "study",
        "tune",
        "rate",
        "export",
        "tabulate",
    ),
)
BIQA = [sys.executable, "-m", "biqa_cli"]


@pytest.mark.slow
def test_help_and_lists_import_nothing_heavy() -> None:
    commands = [
        *(["--help"], ["models", "list"], ["weights", "list"], ["datasets", "list"]),
        *([command, "--help"] for command in LIGHT),
    ]
    # One process for all of them: the first that imports something is named.
    code = (
        "import sys, runpy\n"
        f"for arguments in {commands!r}:\n"
        "    sys.argv = ['biqa', *arguments]\n"
        "    try: runpy.run_module('biqa_cli', run_name='__main__')\n"
        "    except SystemExit as ended: assert not ended.code, arguments\n"
        "    heavy = {'torch', 'numpy', 'PIL', 'onnxruntime', 'scipy'} & {*sys.modules}\n"
        "    assert not heavy, (arguments, heavy)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count("Usage: ") == 1 + len(LIGHT) and "koniq10k" in ran.stdout


@pytest.mark.slow
def test_scoring_on_the_cpu_imports_no_torch() -> None:
    imported = imported_by("score", str(EXAMPLES / "cat.jpg"), "-d", "cpu")
    assert "onnxruntime" in imported
    assert not {"torch", "torchvision", "scipy", "rich"} & imported


def _commands(group: Any, *names: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, *names, name)
        else:
            yield (*names, name)


COMMANDS = tuple(_commands(typer.main.get_command(app)))


def test_no_command_is_forgotten_here() -> None:
    assert {command[0] for command in COMMANDS} == {
        *LIGHT,
        "models",
        "weights",
        "datasets",
        "store",
    }


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"])
    assert "Example: biqa " + " ".join(command) in result.stdout
    assert "-v, --verbose" in result.stdout


def test_an_option_is_declared_once_and_means_the_same_everywhere() -> None:
    declared: dict[str, set[tuple[tuple[str, ...], str | None]]] = {}
    for command in COMMANDS:
        found: Any = typer.main.get_command(app)
        for name in command:
            found = found.commands[name]
        for option in found.params:
            if option.param_type_name == "option":
                for name in option.opts:
                    short = tuple(sorted(option.opts))
                    declared.setdefault(name, set()).add((short, option.envvar))
    spellings = {name: {spelling for spelling, _ in ways} for name, ways in declared.items()}
    assert {name: ways for name, ways in spellings.items() if len(ways) > 1} == {}


def _run_without(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run biqa as where a package is not installed."""
    code = (
        "import importlib.util as util, sys\n"
        "usual = util.find_spec\n"
        f"util.find_spec = lambda name, *_: None if name == {module!r} else usual(name)\n"
        f"sys.modules[{module!r}] = None\n"
        "from biqa_cli.__main__ import main\n"
        f"sys.argv = ['biqa', *{list(arguments)!r}]\n"
        "main()\n"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "arguments", "told"),
    [
        (
            *("torch", ("train", "reqa", "--dataset", "tid2013", "--out", "run")),
            "training needs PyTorch, which is not installed: pip install 'biqa-cli[torch]'",
        ),
        (
            *("torch", ("heatmap", "photo.jpg", "--kind", "gradcam")),
            "--kind gradcam needs PyTorch, which is not installed: pip install 'biqa-cli[torch]'",
        ),
        (
            *("torch", ("export", "-o", "model.onnx")),
            "an export needs torch, not installed here: pip install 'biqa-cli[export]'",
        ),
        (
            *("onnx", ("export", "-o", "model.onnx")),
            "an export needs onnx, not installed here: pip install 'biqa-cli[export]'",
        ),
    ],
)
def test_a_missing_package_is_one_line_that_says_what_to_install(
    module: str, arguments: tuple[str, ...], told: str
) -> None:
    run = _run_without(module, *arguments)
    assert (run.returncode, run.stderr) == (2, f"biqa: {told}\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands_options_models_and_formats(shell: str) -> None:
    wanted = {
        "biqa dist": "distort",
        "biqa score --fail": "--fail-under",
        "biqa score -m qualitynet-l": "qualitynet-lite",
        "biqa score -f ndj": "ndjson",
        "biqa weights ver": "verify",
        "biqa heatmap -d cu": "cuda",
    }
    for line, answer in wanted.items():
        words = line.split()
        asked = {
            "bash": {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)},
            "zsh": {"_TYPER_COMPLETE_ARGS": line},
            "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
        }[shell]
        env = {"_BIQA_COMPLETE": f"complete_{shell}", **asked}
        result = CliRunner().invoke(app, [], prog_name="biqa", env=env)
        assert answer in result.stdout, (line, result.output)


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_can_be_had(shell: str) -> None:
    env = {"_BIQA_COMPLETE": f"source_{shell}", "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    result = CliRunner().invoke(app, [], prog_name="biqa", env=env)
    assert result.exit_code == 0 and f"complete_{shell}" in result.stdout


@pytest.mark.slow
def test_bash_completes_with_that_script(tmp_path: Path) -> None:
    biqa = tmp_path / "biqa"
    biqa.write_text(f'#!/bin/sh\nexec {sys.executable} -m biqa_cli "$@"\n')
    biqa.chmod(0o755)
    script = (
        'eval "$(_BIQA_COMPLETE=source_bash biqa)"\n'
        'COMP_WORDS=(biqa sco); COMP_CWORD=1; _biqa_completion biqa; echo "${COMPREPLY[@]}"'
    )
    env = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    run = subprocess.run(
        ["bash", "-c", script], env=env, capture_output=True, text=True, check=True
    )
    assert run.stdout == "score\n"


@pytest.mark.parametrize("listing", [["models"], ["weights"], ["datasets"], ["distort"]])
def test_a_list_has_one_line_an_entry_and_whole_names(
    listing: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["distort", "--list"] if listing == ["distort"] else [*listing, "list"]
    column = "file" if listing == ["weights"] else "name"
    names = [
        row[column] for row in json.loads(CliRunner().invoke(app, [*asked, "-f", "json"]).stdout)
    ]
    for width in (80, 120):
        monkeypatch.setenv("COLUMNS", str(width))
        _, *rows = CliRunner().invoke(app, asked).stdout.splitlines()
        assert [row.split()[0] for row in rows] == names
        assert max(map(len, rows)) <= width


@pytest.mark.parametrize("listing", ["models", "datasets"])
@pytest.mark.parametrize("width", [40, 60])
def test_a_narrow_list_leaves_columns_out_and_cuts_no_number(
    listing: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed(columns: int) -> Result:
        monkeypatch.setenv("COLUMNS", str(columns))
        return CliRunner().invoke(app, [listing, "list"])

    whole, narrow = listed(200), listed(width)
    assert "…" not in narrow.stdout and "too narrow" not in whole.stderr
    assert max(map(len, narrow.stdout.splitlines())) <= width
    lines, all_lines = narrow.stdout.splitlines(), whole.stdout.splitlines()
    assert len(lines) == len(all_lines)
    gone = narrow.stderr.split("too narrow for ")[1].split(": -f json")[0].split(", ")
    assert set(_columns(all_lines[0])) - set(_columns(lines[0])) == set(gone)


def _columns(line: str) -> list[str]:
    return [name for name in map(str.strip, line.split("  ")) if name]


def test_every_command_has_a_page_in_the_docs() -> None:
    docs = Path(__file__).parents[2] / "docs"
    for command in (*LIGHT, "models", "weights", "datasets", "store"):
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
    close = runner.invoke(app, ["weights", "verify", "blockiqa-light"])
    assert close.exit_code == 2 and "did you mean 'blockiqa-lite'?" in close.stderr


def test_pruning_deletes_strangers_only_when_it_is_meant(cache: Path) -> None:
    stranger = cache / "old.safetensors"
    stranger.write_bytes(b"old")
    runner = CliRunner()
    assert str(stranger) in runner.invoke(app, ["weights", "prune", "--dry-run"]).stdout
    assert stranger.exists()
    runner.invoke(app, ["weights", "prune"])
    assert not stranger.exists()


@pytest.mark.slow
def test_a_reader_that_stops_early_sees_no_traceback(tmp_path: Path) -> None:
    photo().save(tmp_path / "a.png")
    names = "\n".join([str(tmp_path / "a.png"), *[f"gone{i}.jpg" for i in range(20_000)]])
    command = f"{shlex.join(BRIGHTNESS)} score --files-from - -f ndjson | head -n 1"
    run = subprocess.run(
        ["bash", "-c", command], input=names, capture_output=True, text=True, check=False
    )
    assert json.loads(run.stdout)["status"] == "ok"
    assert "Traceback" not in run.stderr and "Exception ignored" not in run.stderr


@pytest.mark.slow
def test_a_name_that_is_not_utf8_survives_the_pipe(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.png"
    photo().save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(os.fsdecode(name))
    run = subprocess.run(
        [*BRIGHTNESS, "score", str(tmp_path), "-q"], capture_output=True, check=True
    )
    assert name in run.stdout


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_simplest_questions_are_answered(option: str) -> None:
    run = subprocess.run([*BIQA, option], capture_output=True, text=True, check=True)
    assert "biqa" in run.stdout.lower() and run.stderr == ""


@pytest.mark.slow
def test_a_misspelt_option_is_an_error() -> None:
    run = subprocess.run([*BIQA, "score", "--devise", "cpu"], capture_output=True, check=False)
    assert run.returncode == 2


@pytest.mark.slow
@pytest.mark.parametrize("format_name", ["table", "csv", "ndjson", "json"])
def test_a_terminal_receives_no_control_character_of_a_name(
    tmp_path: Path, format_name: str
) -> None:
    photo().save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "e\x07v\x1b]0;il.png")
    terminal, slave = os.openpty()
    subprocess.run(
        [*BRIGHTNESS, "score", str(tmp_path), "-q", "-f", format_name], stdout=slave, check=True
    )
    shown = os.read(terminal, 100_000)
    os.close(slave)
    os.close(terminal)
    assert b"il.png" in shown.replace(b"\r\n", b"").replace(b" ", b"")
    assert b"\x07" not in shown and b"\x1b]" not in shown


def test_what_is_known_of_one_thing_is_told_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    told = CliRunner().invoke(app, ["models", "info", "qualitynet-lite"]).stdout
    assert "…" not in told and "trained_on" in told
