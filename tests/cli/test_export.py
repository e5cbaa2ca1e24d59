"""`biqa export`: files that stand alone, and graphs that the CPU engine finds by itself."""

import json
from pathlib import Path

import onnxruntime
import pytest
from fakes import EXAMPLES
from typer.testing import CliRunner, Result

from biqa_cli.cli import app
from biqa_cli.models.build import assemble_network
from biqa_cli.models.catalog import find_model
from biqa_cli.models.options import with_defaults
from biqa_cli.models.spec import InputContract
from biqa_cli.models.trained import TrainedNetwork
from biqa_cli.training.checkpoints import write_weights

MODEL = "blockiqa-lite"
PHOTO = str(EXAMPLES / "cat.jpg")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def own(tmp_path: Path) -> str:
    """Return weights of a network that no listed graph fits: one block, a small view."""
    spec, options = find_model(MODEL), with_defaults("blockiqa", {"blocks": 1})
    trained = TrainedNetwork(
        family="blockiqa",
        backbones=spec.backbones,
        options=options,
        input=InputContract(64, 64, spec.input.mean, spec.input.std),
        scale=spec.scale,
        dataset="csv:mine.csv",
    )
    network = assemble_network("blockiqa", spec.backbones, options=options)
    write_weights(tmp_path / "own.safetensors", network, trained)
    return str(tmp_path / "own.safetensors")


def engine_and_score(*arguments: str) -> tuple[str, float]:
    result = run("score", PHOTO, "-m", MODEL, "-d", "cpu", "-f", "json", *arguments)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    return document["run"]["engine"], document["results"][0]["native_score"]


def test_the_cpu_engine_uses_what_was_exported(own: str) -> None:
    before, wanted = engine_and_score("--weights", own)
    assert before == "torch"
    refused = run("score", PHOTO, "-m", MODEL, "--weights", own, "--engine", "onnx")
    assert refused.exit_code == 2
    assert "make it with `biqa export blockiqa-lite` (the same --weights)" in refused.output
    made = run("export", MODEL, "--weights", own)
    assert made.exit_code == 0, made.output
    assert Path(made.stdout.strip()).is_file()
    assert "now runs in ONNX Runtime on the CPU" in made.stderr
    after, score = engine_and_score("--weights", own)
    assert after == "onnx"
    assert score == pytest.approx(wanted, abs=1e-5)
    assert engine_and_score("--weights", own, "--engine", "torch")[0] == "torch"


def test_a_file_and_a_graph_are_written_where_they_are_asked_for(own: str, tmp_path: Path) -> None:
    whole, graph = tmp_path / "new" / "whole.onnx", tmp_path / "graph.onnx"
    made = run("export", MODEL, "--weights", own, "-o", str(whole))
    assert made.exit_code == 0, made.output
    assert made.stdout.strip() == str(whole)
    assert "differs from PyTorch by" in made.stderr
    session = onnxruntime.InferenceSession(whole)
    assert [one.name for one in session.get_outputs()] == ["native_scores", "scores"]
    assert run("export", MODEL, "--weights", own, "-o", str(graph), "--graph-only").exit_code == 0
    assert graph.stat().st_size < whole.stat().st_size / 10


def test_what_cannot_be_exported_is_said(own: str) -> None:
    assert "--graph-only needs -o FILE.onnx" in run("export", "--graph-only").output
    assert run("export", "reqa-lite", "--weights", own).exit_code == 2
    assert "no trained weights" in run("export", "nlnet").output
