"""Runs that are stopped: what is scored stays, and the code says what has stopped them."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fakes import EXAMPLES
from PIL import Image
from processes import start, wait_for

# Each test starts a process, or several.
pytestmark = pytest.mark.slow


def _slow() -> dict[str, str]:
    """Return the sealed environment, with a model that takes its time."""
    return os.environ | {"BRIGHTNESS_SECONDS": "0.02"}


@pytest.fixture(scope="module")
def listing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    names = [str(folder / f"{index}.png") for index in range(300)]
    for index, name in enumerate(names):
        # No two alike: the second would be known from the first.
        Image.new("RGB", (8, 8 + index), (51, 51, 51)).save(name)
    path = folder / "list"
    path.write_text("\n".join(names))
    return path


def _partial(output: Path) -> Path | None:
    return next(iter(output.parent.glob(f"{output.name}.*.partial")), None)


def _rows_of(output: Path) -> list[str]:
    partial = _partial(output)
    return [] if partial is None else partial.read_text().splitlines()[1:]


@pytest.mark.parametrize(
    ("sent", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -9)],
)
def test_a_stopped_run_keeps_its_rows(
    listing: Path, tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    output = tmp_path / "scores.csv"
    process = start("score", "--files-from", listing, "-o", output, env=_slow())
    wait_for(lambda: len(_rows_of(output)) >= 3)
    time.sleep(0.2)
    before = len(_rows_of(output))
    process.send_signal(sent)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == code
    rows = list(csv.DictReader(io.StringIO((_partial(output) or output).read_text())))
    # At 50 photos a second some ten were scored in the meantime.
    assert before >= 5 and len(rows) >= before
    assert {row["score"] for row in rows} == {"20.0"} and not output.exists()
    if sent is not signal.SIGKILL:
        assert stderr.splitlines() == [
            f"the results so far are in {_partial(output)}",
            "biqa: interrupted",
        ]


def test_a_second_run_does_not_touch_what_a_killed_one_has_left(
    listing: Path, tmp_path: Path
) -> None:
    output = tmp_path / "scores.csv"
    process = start("score", "--files-from", listing, "-o", output, env=_slow())
    wait_for(lambda: len(_rows_of(output)) >= 2)
    process.kill()
    process.communicate(timeout=30)
    left = _partial(output)
    assert left is not None
    before = left.read_bytes()
    again = start("score", listing.parent / "0.png", "-o", output)
    again.communicate(timeout=30)
    assert again.returncode == 0 and output.exists()
    assert left.read_bytes() == before


@pytest.mark.parametrize("options", [[], ["--sort", "score"], ["--top", "200"]])
def test_an_interrupted_json_is_a_document_of_what_was_scored(
    listing: Path, tmp_path: Path, options: list[str]
) -> None:
    output = tmp_path / "scores.json"
    process = start("score", "--files-from", listing, "-o", output, *options, env=_slow())
    wait_for(lambda: _partial(output))
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143
    document = json.loads((_partial(output) or output).read_text())
    assert document["counts"]["complete"] is False
    scored = document["counts"]["images"]
    assert 0 < len(document["results"]) == (min(scored, 200) if "--top" in options else scored)


def test_a_signal_that_is_ignored_stays_ignored(listing: Path, tmp_path: Path) -> None:
    output = tmp_path / "scores.csv"
    arguments = ("score", listing.parent, "-o", output, "--exclude", "?[1-9]*")
    process = start(*arguments, env=_slow(), ignores_hangup=True)
    wait_for(lambda: _partial(output))
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=30)
    assert process.returncode == 0 and output.exists()


def test_a_run_that_waits_for_a_name_can_be_stopped(listing: Path) -> None:
    process = start(
        "score", "--files-from", "-", "-f", "csv", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{listing.parent / '0.png'}\n")
    process.stdin.flush()
    assert process.stdout.readline().startswith("path,")
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (143, "biqa: interrupted\n")


@pytest.mark.parametrize("module", ["typer", "biqa_cli.cli.score", "numpy", "onnxruntime"])
def test_a_signal_during_an_import_is_no_fault_whatever_comes_of_it(module: str) -> None:
    code = f"""
import os, signal, sys
class Disguise:
    def find_spec(self, name, *_):
        if name == {module!r}:
            sys.meta_path.remove(self)
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt as error:
                raise ImportError("numpy.core.multiarray failed to import") from error
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Disguise())
sys.argv = ["biqa", "score", {str(EXAMPLES / "coffee.jpg")!r}, "--no-store", "-q"]
from biqa_cli.__main__ import main
main()
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 130
    assert ended.stdout == "" and ended.stderr in ("", "biqa: interrupted\n")
