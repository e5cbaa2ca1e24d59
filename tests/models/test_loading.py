"""What `load_model` believes: listed files to the last byte, one's own after every check."""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import EXAMPLES
from safetensors.numpy import load, save
from typer.testing import CliRunner, Result

from biqa_cli.cli import app
from biqa_cli.errors import DependencyError, UsageError, WeightsError
from biqa_cli.models import installed_torch
from biqa_cli.models.devices import resolve_device
from biqa_cli.models.loading import load_for_export, load_model
from biqa_cli.weights import cache as weights_cache
from biqa_cli.weights import download
from biqa_cli.weights.cache import locate
from biqa_cli.weights.header import read_header
from biqa_cli.weights.manifest import Checkpoint, load_manifest

MODEL = "reqa-lite"
PHOTO = str(EXAMPLES / "cat.jpg")


def checkpoint_of(name: str) -> Checkpoint:
    found = load_manifest().find(name)
    assert found is not None
    return found


def score(*arguments: str) -> Result:
    model = () if "-m" in arguments else ("-m", MODEL)
    return CliRunner().invoke(app, ["score", PHOTO, *model, "-d", "cpu", *arguments])


@pytest.fixture
def only_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder in which weights are looked for; the listed files lie in it."""
    for file in checkpoint_of(MODEL).files:
        source = locate(file)
        assert source is not None
        (tmp_path / file.file).write_bytes(source.read_bytes())
    monkeypatch.setattr(weights_cache, "search_folders", lambda: (tmp_path,))
    return tmp_path


def test_listed_weights_with_another_content_score_nothing(only_folder: Path) -> None:
    assert score().exit_code == 0
    path = only_folder / checkpoint_of(MODEL).file
    changed = bytearray(path.read_bytes())
    # The last number of the last tensor: a well-formed file of the same network.
    changed[-2] ^= 1
    path.write_bytes(changed)
    result = score()
    assert result.exit_code == 2
    assert "reqa-lite.safetensors is not the file that weights.toml lists" in result.stderr


def test_a_listed_graph_with_another_content_scores_nothing(only_folder: Path) -> None:
    graph = checkpoint_of(MODEL).graph
    assert graph is not None
    path = only_folder / graph.file
    content = path.read_bytes()
    # The name of the tool that has made it: still a well-formed graph of the same network.
    assert b"pytorch" in content
    path.write_bytes(content.replace(b"pytorch", b"pytorcX", 1))
    result = score()
    assert result.exit_code == 2
    assert "reqa-lite.onnx is not the file that weights.toml lists" in result.stderr


@pytest.mark.parametrize("name", ["safetensors", "onnx"])
def test_offline_downloads_nothing(
    only_folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    asked: list[str] = []

    def refuse(address: Any, *_: object, **__: object) -> None:
        asked.append(address.shown)
        raise WeightsError("asked")

    monkeypatch.setattr(download, "transfer", refuse)
    monkeypatch.setenv("BIQA_WEIGHTS_URL", "https://example.org/w")
    (only_folder / f"{MODEL}.{name}").unlink()
    with pytest.raises(WeightsError, match="--offline forbids downloading"):
        load_model(MODEL, device="cpu", offline=True)
    assert not asked
    assert "--offline forbids downloading" in score("--offline").stderr
    assert not asked
    with pytest.raises(WeightsError, match="asked"):
        load_model(MODEL, device="cpu")
    assert asked == [f"https://example.org/w/{MODEL}.{name}"]


def test_the_calibration_of_listed_weights_is_used() -> None:
    scale = load_model(MODEL, device="cpu").spec.scale
    assert scale.calibration is not None
    assert scale.calibration.photos == 951
    assert scale.calibration.places[0] == 37.599 and scale.calibration.widths[0] == 17.673


@pytest.fixture(scope="module")
def listed() -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return the tensors as they are stored and the metadata of the listed weights."""
    path = locate(checkpoint_of(MODEL).weights)
    assert path is not None
    return load(path.read_bytes()), dict(read_header(path).metadata)


Tensors = dict[str, np.ndarray]


def _without_one(tensors: Tensors) -> None:
    del tensors[next(name for name in tensors if name.endswith("bias"))]


def _with_another(tensors: Tensors) -> None:
    tensors["stranger"] = np.zeros(3, np.float32)


def _reshaped(tensors: Tensors) -> None:
    name = next(name for name in tensors if name.endswith("bias"))
    tensors[name] = tensors[name][:-1].copy()


def _nan(tensors: Tensors) -> None:
    name = next(name for name, tensor in tensors.items() if tensor.dtype == np.float32)
    tensors[name] = np.full_like(tensors[name], np.nan)


def _overflowing(tensors: Tensors) -> None:
    name = next(name for name, tensor in tensors.items() if tensor.ndim == 1)
    tensors[name] = np.full(tensors[name].shape, 1e300)


def _scales_lost(tensors: Tensors) -> None:
    del tensors[next(name for name in tensors if name.endswith(".scale"))]


def _scales_without_tensor(tensors: Tensors) -> None:
    tensors["stranger.scale"] = np.zeros(3, np.float32)


def _scales_too_few(tensors: Tensors) -> None:
    name = next(name for name in tensors if name.endswith(".scale"))
    tensors[name] = tensors[name][:-1].copy()


def _integers(tensors: Tensors) -> None:
    name = next(name for name in tensors if name.endswith("bias"))
    tensors[name] = tensors[name].astype(np.uint8)


def _counted(tensors: Tensors) -> None:
    name = next(name for name in tensors if name.endswith("bias"))
    tensors[name] = tensors[name].astype(np.int32)


def _negative_scales(tensors: Tensors) -> None:
    name = next(name for name in tensors if name.endswith(".scale"))
    tensors[name] = -tensors[name]


def _exploding(tensors: Tensors) -> None:
    for name, tensor in tensors.items():
        if name.endswith("running_var"):
            tensors[name] = np.full_like(tensor, -1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without_one, "is of another network: it lacks"),
        (_with_another, "is of another network: the network has no 'stranger'"),
        (_reshaped, "is of another network: .* expected"),
        (_nan, "holds numbers that are not finite"),
        (_overflowing, "holds numbers that are not finite"),
        (_scales_lost, "is damaged: .* expected floats, or int8 with a scale for each row"),
        (_scales_without_tensor, "is damaged: 'stranger.scale' is the scale of a tensor"),
        (_scales_too_few, "is damaged: .* expected floats, or int8 with a scale for each row"),
        (_integers, "is of type U8"),
        (_counted, "is damaged: .* is int32 .* expected floats"),
        (_negative_scales, "is damaged: .* none below 0"),
        (_exploding, "cannot be used: the network gives no finite score"),
    ],
)
def test_wrong_weights_are_blamed_and_no_photo(
    tmp_path: Path,
    listed: tuple[Tensors, dict[str, str]],
    change: Callable[[Tensors], None],
    message: str,
) -> None:
    tensors = dict(listed[0])
    change(tensors)
    path = tmp_path / "own.safetensors"
    path.write_bytes(save(tensors, metadata=listed[1]))
    with pytest.raises(WeightsError, match=message):
        load_model(path, device="cpu")
    result = score("-m", str(path))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1 and "own.safetensors" in result.stderr
    assert "cat.jpg" not in result.stderr


@pytest.mark.slow
def test_good_weights_of_ones_own_score_like_the_listed(
    tmp_path: Path, listed: tuple[Tensors, dict[str, str]]
) -> None:
    path = tmp_path / "own.safetensors"
    path.write_bytes(save(listed[0], metadata=listed[1]))
    own, known = score("-m", str(path), "-f", "csv"), score("-f", "csv")
    assert own.stdout == known.stdout.replace(f",{MODEL},", f",{path},")


def test_a_calibration_that_is_not_finite_is_refused(
    tmp_path: Path, listed: tuple[Tensors, dict[str, str]]
) -> None:
    told = json.loads(listed[1]["biqa"])
    told["scale"]["calibration"]["curve"][2] = float("nan")
    path = tmp_path / "own.safetensors"
    path.write_bytes(save(listed[0], metadata={"biqa": json.dumps(told)}))
    result = score("-m", str(path), "--fail-under", "90")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "NaN is not a finite number" in result.stderr


@pytest.mark.slow
def test_a_sparse_giant_is_refused_in_little_memory(
    tmp_path: Path, listed: tuple[Tensors, dict[str, str]]
) -> None:
    giant = 200 * 2**30
    text = json.dumps(
        {
            "__metadata__": listed[1],
            "w": {"dtype": "F32", "shape": [giant // 4], "data_offsets": [0, giant]},
        }
    ).encode()
    path = tmp_path / "giant.safetensors"
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + giant)
    run = subprocess.run(
        [sys.executable, "-m", "biqa_cli", "score", PHOTO, "-m", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32)),
    )
    assert run.returncode == 2
    assert "giant.safetensors is of another network" in run.stderr
    assert run.stderr.count("\n") == 1


def test_where_torch_is_missing_one_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed_torch, "has_torch", lambda: False)
    for arguments in ({"name": "nlnet-lite"}, {"engine": "torch"}, {"device": "cuda"}):
        with pytest.raises(DependencyError, match=r"pip install 'biqa-cli\[torch\]'"):
            load_model(**arguments)  # type: ignore[arg-type]  one of three
    with pytest.raises(DependencyError, match=r"-d mps needs PyTorch"):
        resolve_device("mps")


def test_weights_of_ones_own_run_on_the_listed_graph_of_their_network(tmp_path: Path) -> None:
    listed = checkpoint_of(MODEL)
    path = locate(listed.weights)
    assert path is not None and listed.graph is not None
    (tmp_path / "own.safetensors").write_bytes(path.read_bytes())
    model = load_model(tmp_path / "own.safetensors", engine="onnx", device="cpu")
    assert model.engine.name == "onnx"
    assert model.graph_sha256 == listed.graph.sha256


def test_a_file_that_does_not_say_its_network_is_told_from_a_name_that_is_unknown(
    tmp_path: Path,
) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(save({"w": np.zeros((2, 2), np.float32)}))
    for engine in ("onnx", "torch"):
        with pytest.raises(WeightsError, match="does not say which network it is of"):
            load_model(path, engine=engine)
    with pytest.raises(WeightsError, match=r"cannot read .*missing.safetensors"):
        load_model(str(tmp_path / "missing.safetensors"))
    with pytest.raises(
        UsageError, match=r"no model 'other'.* a file of your own ends in .safetens"
    ):
        load_model("other")


@pytest.mark.slow
def test_a_network_for_an_export_comes_with_what_it_declares() -> None:
    spec, network = load_for_export(MODEL, offline=True)
    assert spec.name == MODEL and not network.training


def test_onnx_runtime_is_not_asked_for_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="^ONNX Runtime computes in float32, .* leave out"):
        load_model("shdiqa-lite", engine="onnx", precision="bfloat16")
    monkeypatch.setattr("biqa_cli.models.openvino_engine.saves_time", lambda: True)
    assert load_model("shdiqa-lite", engine="onnx", precision="auto").engine.name == "onnx"
