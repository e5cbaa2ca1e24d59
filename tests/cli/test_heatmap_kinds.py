"""`biqa heatmap --kind` with networks of the catalogue and random weights."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import photo
from PIL import Image
from typer.testing import CliRunner, Result

from biqa_cli.cli import app
from biqa_cli.models.build import build_network
from biqa_cli.models.catalog import find_model
from biqa_cli.models.options import with_defaults
from biqa_cli.models.trained import TrainedNetwork
from biqa_cli.training.checkpoints import write_weights


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    photo(90, 60).save(tmp_path / "a.png")
    return tmp_path


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["heatmap", "a.png", *map(str, arguments)])


@pytest.mark.parametrize(
    ("model", "kind", "panels"),
    [
        pytest.param("reqa-lite", "feedback", 12, marks=pytest.mark.slow),
        pytest.param("shdiqa-lite", "attention", 7, marks=pytest.mark.slow),
        pytest.param("nlnet-lite", "attention", 1, marks=pytest.mark.slow),
    ],
)
def test_a_kind_is_a_picture_a_document_and_an_array(
    folder: Path, model: str, kind: str, panels: int
) -> None:
    torch.manual_seed(0)
    spec = find_model(model)
    trained = TrainedNetwork(
        family=spec.family,
        backbones=spec.backbones,
        options=with_defaults(spec.family, spec.options),
        input=spec.input,
        scale=spec.scale,
        dataset="csv:mine.csv",
    )
    write_weights(folder / "own.safetensors", build_network(spec), trained)
    options = ("-m", "own.safetensors", "--kind", kind, "-d", "cpu")
    result = _run(*options, "-o", ".", "--json", ".", "--npy", ".")
    assert result.exit_code == 0, result.stderr
    assert f"wrote a-{kind}.png" in result.stderr
    with Image.open(folder / f"a-{kind}.png") as picture:
        assert picture.width >= 640
    facts = json.loads((folder / f"a-{kind}.json").read_text())
    assert (facts["kind"], facts["width"], facts["height"]) == (kind, 90, 60)
    values = np.load(folder / f"a-{kind}.npy")
    assert values.shape == (panels, 60, 90) and values.dtype == np.float32
    assert [panel["max"] for panel in facts["panels"]] == pytest.approx(
        np.nanmax(values, axis=(1, 2)).tolist(), abs=1e-6
    )


@pytest.mark.parametrize(
    ("model", "kind", "message"),
    [
        ("reqa", "feedback", "reqa has no trained weights, so its scores would mean"),
        ("nlnet", "attention", "or a file of your own (-m FILE.safetensors)"),
        ("blockiqa-lite", "gradcam", "does not apply to blockiqa-lite: use --kind quality, simil"),
        ("reqa", "attention", "does not apply to reqa: use --kind quality, feedback"),
        ("nlnet", "gradcam", "does not apply to nlnet: use --kind quality, attention"),
    ],
)
def test_without_weights_or_with_another_family_one_line_says_what_to_do(
    folder: Path, model: str, kind: str, message: str
) -> None:
    result = _run("-m", model, "--kind", kind)
    assert result.exit_code == 2
    assert message in result.stderr and result.stderr.count("\n") == 1
    assert [path.name for path in folder.iterdir()] == ["a.png"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("kind", ["gradcam", "feedback", "attention"])
def test_kinds_refuse_what_is_for_quality_alone(kind: str) -> None:
    model = {"gradcam": "qualitynet", "feedback": "reqa", "attention": "nlnet"}[kind]
    assert "are for --kind quality" in _run("-m", model, "--kind", kind, "--grid", 3).stderr
    onnx = _run("-m", model, "--kind", kind, "--engine", "onnx")
    assert onnx.exit_code == 2 and "use --engine torch" in onnx.stderr
