"""Weights of one's own that tell flaws and declare a view at full size: from file to result."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import photo
from own_weights import own_network
from rated_miniature import use_tiny_backbones

from biqa_cli.distortions.flaws import FLAWS, SHOWN_AT_FULL_SIZE
from biqa_cli.errors import WeightsError
from biqa_cli.explain.inner_maps import inner_maps_of_file
from biqa_cli.images.full_size import full_size_view
from biqa_cli.images.reading import reading_photo
from biqa_cli.images.transforms import normalise, quarter_turns, resized
from biqa_cli.models.graphs import own_graph
from biqa_cli.models.judging import lowered
from biqa_cli.models.loading import LoadedModel, load_for_export, load_model
from biqa_cli.models.onnx_engine import OnnxEngine
from biqa_cli.models.spec import FullSize
from biqa_cli.models.views import view_of
from biqa_cli.results import ImageResult
from biqa_cli.scoring import score_files, score_photo
from biqa_cli.training.checkpoints import write_weights

FULL = FullSize(squares=4, size=32, above_pixels=40_000)


@pytest.fixture(scope="module", autouse=True)
def _tiny() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_backbones(patch)
        yield


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(3)
    chosen = {"chains": 2, "pooling": "mean+std", "flaws": True}
    network, trained = own_network(chosen, full_size=FULL)
    with torch.no_grad():
        # What is left of the quality, and how much motion there is.
        for name, biases in (("head", {0: 0.4}), ("flaw_head", {0: -0.5, 2: 9.0})):
            layers = [
                layer
                for layer in network.get_submodule(name).children()
                if isinstance(layer, torch.nn.Linear)
            ]
            # Small changes of a photo change what an untrained network says hardly at all.
            for layer in layers:
                layer.weight.mul_(4)
            layers[-1].bias.zero_()
            for index, value in biases.items():
                layers[-1].bias[index] = value
    path = tmp_path_factory.mktemp("flawed") / "own.safetensors"
    write_weights(path, network, trained)
    return path


def _checked(model: LoadedModel) -> ImageResult:
    """Return the result for a large photo, after it was compared with what the network says."""
    image = photo(320, 240)
    result = score_photo(image, model)
    contract = model.spec.input
    view = resized(image, height=contract.height, width=contract.width)
    mosaic = full_size_view(image, size=32, turns=quarter_turns(view))
    full = normalise(mosaic, mean=contract.mean, std=contract.std)
    found = model.engine.predict(np.stack([view_of(image, contract), full]))
    assert found.ceilings is not None and found.flaws is not None
    shown = found.flaws[1] * np.array(SHOWN_AT_FULL_SIZE)
    native = lowered(found.scores[0], ceiling=found.ceilings[1], flaws=shown)
    assert 0 < native < 0.99 * found.scores[0]
    assert result.full_size == pytest.approx(native / found.scores[0], abs=1e-4)
    assert result.native_score == pytest.approx(native, abs=1e-6)
    assert result.whole is not None and result.flaws is not None
    strongest = np.maximum(found.flaws[0], shown)
    assert {flaw.name for flaw in result.flaws} == {
        name for name, strength in zip(FLAWS, strongest, strict=True) if strength >= 0.35
    }
    assert result.flaws[0].name == "motion"
    return result


def test_the_result_is_what_the_network_says_of_both_views(weights: Path) -> None:
    model = load_model(weights, device="cpu")
    assert model.engine.name == "torch" and model.spec.tells_flaws
    assert model.spec.input.full_size == FULL
    _checked(model)
    small = score_photo(photo(200, 200), model)
    assert small.whole is small.full_size is None and small.flaws


def test_inner_maps_are_of_the_same_whole(weights: Path, tmp_path: Path) -> None:
    # At half size, as the codec may give it, the score would be another.
    photo(640, 480).save(tmp_path / "a.jpg", quality=60)
    model = load_model(weights, device="cpu")
    (result,) = score_files([str(tmp_path / "a.jpg")], model)
    assert result.whole is not None
    maps = inner_maps_of_file(str(tmp_path / "a.jpg"), model)
    assert maps.score == pytest.approx(result.whole, abs=2e-4)
    with reading_photo(tmp_path / "a.jpg", at_least=model.spec.input.decode_size) as reduced:
        assert reduced.image.size == (320, 240)
        other = model.engine.predict(view_of(reduced.image, model.spec.input)[None]).scores[0]
    assert model.spec.scale.to_percent(other) != pytest.approx(result.whole, abs=2e-4)


@pytest.mark.slow
def test_a_graph_of_ones_own_says_the_same(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from biqa_cli.models.onnx_export import export_graph

    spec, network = load_for_export(str(weights))
    graph = own_graph(weights, spec)
    graph.write_bytes(export_graph(spec, network).content)
    try:
        model = load_model(weights, device="cpu")
        assert model.engine.name == "onnx"
        found = _checked(model)
        # One that gives scores alone, such as a development version has made.
        monkeypatch.setattr(OnnxEngine, "tells_flaws", False)
        with pytest.raises(WeightsError, match="graph of .* is of another network"):
            load_model(weights, device="cpu")
    finally:
        graph.unlink()
    wanted = _checked(load_model(weights, device="cpu"))
    assert found.score == pytest.approx(wanted.score, abs=1e-3)
    assert found.full_size == pytest.approx(wanted.full_size, abs=1e-3)
    assert found.flaws is not None and wanted.flaws is not None
    for flaw, other in zip(found.flaws, wanted.flaws, strict=True):
        assert flaw.name == other.name and flaw.strength == pytest.approx(other.strength, abs=0.011)
