"""`biqa export`: files that stand alone, and graphs that the CPU engine finds by itself."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import EXAMPLES
from own_weights import MODEL, own_network
from rated_miniature import use_tiny_backbones
from typer.testing import CliRunner, Result

from biqa_cli.cli import app
from biqa_cli.models.onnx_runtime import onnxruntime
from biqa_cli.training.checkpoints import write_weights
from biqa_cli.weights.cache import sha256_of
from biqa_cli.weights.manifest import load_manifest

PHOTO = str(EXAMPLES / "cat.jpg")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture(scope="module", autouse=True)
def _tiny() -> Iterator[None]:
    """Small backbones: the exporter takes half a minute for real ones."""
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_backbones(patch)
        yield


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "own.safetensors"
    write_weights(path, *own_network())
    return path


@pytest.fixture(scope="module")
def exported(weights: Path) -> Result:
    """Return how the weights were exported: it takes seconds, tests copy what it makes."""
    return run("export", str(weights))


@pytest.fixture
def own(weights: Path, tmp_path: Path) -> str:
    return str(shutil.copy(weights, tmp_path))


@pytest.fixture
def graph(exported: Result, own: str) -> Path:
    """Return the graph beside one's own weights."""
    made = Path(exported.stdout.strip())
    return Path(shutil.copy(made, Path(own).parent))


def engine_and_score(*arguments: str) -> tuple[str, float]:
    model = () if "-m" in arguments else ("-m", MODEL)
    result = run("score", PHOTO, *model, "-d", "cpu", "-f", "json", *arguments)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    return document["run"]["engine"], document["results"][0]["native_score"]


def test_without_a_graph_the_cpu_engine_says_how_to_make_one(own: str) -> None:
    assert engine_and_score("-m", own)[0] == "torch"
    refused = run("score", PHOTO, "-m", own, "--engine", "onnx")
    assert refused.exit_code == 2
    assert f"make it with `biqa export {own}`" in refused.output


@pytest.mark.slow
def test_an_export_lies_beside_the_weights(weights: Path, exported: Result, cache: Path) -> None:
    assert exported.exit_code == 0, exported.output
    path = Path(exported.stdout.strip())
    assert path.is_file() and path.parent == weights.parent
    assert f"-m {weights}` now runs in ONNX Runtime" in exported.stderr
    assert not list(cache.iterdir())


@pytest.mark.slow
def test_the_cpu_engine_uses_what_was_exported(own: str, graph: Path) -> None:
    assert graph.is_file()
    engine, score = engine_and_score("-m", own)
    assert engine == "onnx"
    engine, wanted = engine_and_score("-m", own, "--engine", "torch")
    assert engine == "torch"
    assert score == pytest.approx(wanted, abs=1e-5)


@pytest.mark.slow
def test_a_file_and_a_graph_are_written_where_they_are_asked_for(own: str, tmp_path: Path) -> None:
    whole, graph = tmp_path / "new" / "whole.onnx", tmp_path / "graph.onnx"
    made = run("export", own, "-o", str(whole))
    assert made.exit_code == 0, made.output
    assert made.stdout.strip() == str(whole)
    assert "differs from PyTorch by" in made.stderr
    session = onnxruntime.InferenceSession(whole)
    assert [one.name for one in session.get_outputs()] == ["native_scores", "scores"]
    assert run("export", own, "-o", str(graph), "--graph-only").exit_code == 0
    assert graph.stat().st_size < whole.stat().st_size / 10


def test_what_cannot_be_exported_is_said(own: str) -> None:
    assert "--graph-only needs -o FILE.onnx" in run("export", "--graph-only").output
    assert "what is to be written? name a file with -o" in run("export", "reqa-lite").output
    assert run("export", f"{own}/nothing").exit_code == 2
    assert "no trained weights" in run("export", "nlnet", "-o", "n.onnx").output


@pytest.mark.slow
def test_a_graph_in_the_cache_decides_no_score(own: str, graph: Path, cache: Path) -> None:
    """Others may write to a cache; only what lies beside one's own weights is trusted."""
    planted = cache / "graphs" / graph.name
    planted.parent.mkdir()
    graph.rename(planted)
    assert engine_and_score("-m", own)[0] == "torch"
    assert run("weights", "prune").stdout.split() == [str(planted)]
    assert not planted.exists()


@pytest.mark.slow
def test_a_report_names_the_graph_that_has_scored(own: str, graph: Path) -> None:
    def named(*arguments: str) -> str:
        result = run("score", PHOTO, "-d", "cpu", "-f", "json", *arguments)
        return str(json.loads(result.stdout)["run"]["graph_sha256"])

    checkpoint = load_manifest().find(MODEL)
    assert checkpoint is not None and checkpoint.graph is not None
    assert named("-m", MODEL) == checkpoint.graph.sha256
    assert named("-m", own) == sha256_of(graph)
    assert named("-m", own, "--engine", "torch") == ""


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"no graph", b"\x3a\xff\xff\xff\xff\x0f"])
def test_a_damaged_graph_is_told_in_one_line(own: str, graph: Path, content: bytes) -> None:
    graph.write_bytes(content)
    result = run("score", PHOTO, "-d", "cpu", "-m", own)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "not an ONNX graph" in result.stderr or "of another network" in result.stderr


def test_an_export_does_not_replace_the_weights_that_it_reads(tmp_path: Path) -> None:
    weights = tmp_path / "own.safetensors"
    weights.write_bytes(b"precious")
    result = run("export", str(weights), "-o", str(weights))
    assert result.exit_code == 2 and "is a file that is read" in result.stderr
    assert weights.read_bytes() == b"precious"
