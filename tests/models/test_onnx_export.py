"""ONNX files: they say what PyTorch says, and a graph serves every checkpoint of its network."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import onnx.parser
import pytest
import torch
from tiny_backbone import TinyBackbone
from torch import nn

from biqa_cli.distortions.flaws import FLAWS
from biqa_cli.errors import UsageError, WeightsError
from biqa_cli.models import onnx_export
from biqa_cli.models.catalog import find_model
from biqa_cli.models.onnx_engine import OnnxEngine
from biqa_cli.models.onnx_export import export_graph, export_model
from biqa_cli.models.onnx_runtime import onnxruntime
from biqa_cli.models.spec import Calibration, Crops, FullSize, InputContract, ModelSpec, ScoreScale
from biqa_cli.networks.blockiqa import BlockIQA
from biqa_cli.networks.nlnet import NLNet
from biqa_cli.networks.qualitynet import QualityNet
from biqa_cli.networks.reqa import REQA
from biqa_cli.networks.shdiqa import SHDIQA

CALIBRATION = Calibration((104, -3, 50, 12), places=(40.0, 60.0), widths=(9.0, 8.0), photos=200)


class Coarse(TinyBackbone):
    """Three maps in place of four: half as many pairs of levels to export."""

    channels: tuple[int, ...] = (4, 6, 8)
    strides: tuple[int, ...] = (4, 8, 16)


def spec_of(
    family: str, *, view: int, width: int | None = None, crops: Crops | None = None
) -> ModelSpec:
    contract = InputContract(view, width or view, (0.4, 0.5, 0.6), (0.2, 0.3, 0.25), crops=crops)
    # Lower is better here: the direction must come out right.
    scale = ScoreScale(0, 1, higher_is_better=False, meaning="DMOS", calibration=CALIBRATION)
    return replace(find_model(f"{family}-lite"), input=contract, scale=scale)


def family(name: str) -> tuple[ModelSpec, nn.Module]:
    torch.manual_seed(0)
    match name:
        case "blockiqa":
            found = spec_of(name, view=64), BlockIQA(Coarse())
        case "qualitynet":
            found = spec_of(name, view=64), QualityNet(TinyBackbone(), TinyBackbone())
        case "reqa":
            # Two crops, and two steps, of which the second starts from the state of the first.
            crops = Crops(size=112, stride=64)
            found = (
                spec_of(name, view=112, width=176, crops=crops),
                REQA(TinyBackbone(), input_size=112, steps=2),
            )
        case "shdiqa":
            crops = Crops(size=64, stride=32)
            found = (
                spec_of(name, view=64, width=96, crops=crops),
                SHDIQA(TinyBackbone(), depth=1, input_size=64),
            )
        case "nlnet":
            found = spec_of(name, view=224), NLNet(TinyBackbone(), branches="local")
    # Statistics of batch norms as after training, not 0 and 1.
    for module in found[1].modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return found[0], found[1].eval()


def tensors_of(network: nn.Module) -> dict[str, np.ndarray]:
    """Return what a checkpoint of a network holds."""
    return {n: t.numpy() for n, t in network.state_dict().items() if "num_batches" not in n}


def by_onnx(graph: bytes, network: nn.Module, images: torch.Tensor) -> np.ndarray:
    return OnnxEngine(graph, tensors_of(network)).predict(images.numpy()).scores


def by_torch(network: nn.Module, images: torch.Tensor) -> np.ndarray:
    with torch.inference_mode():
        return network(images).scores.double().numpy()


# Up to ten seconds for a family, with the exporter's start.
@pytest.mark.slow
@pytest.mark.parametrize("name", ["blockiqa", "qualitynet", "reqa", "shdiqa", "nlnet"])
def test_a_file_that_stands_alone_goes_from_rgb_to_the_score_of_biqa(name: str) -> None:
    from PIL import Image

    from biqa_cli.models.loading import LoadedModel
    from biqa_cli.models.torch_engine import TorchEngine
    from biqa_cli.scoring import score_photo

    spec, network = family(name)
    made = export_model(spec, network)
    assert made.difference < 1e-5
    size = (spec.input.height, spec.input.width, 3)
    pixels = np.random.default_rng(1).integers(0, 256, size, dtype=np.uint8)
    session = onnxruntime.InferenceSession(made.content)
    images = np.float32(pixels.transpose(2, 0, 1)[None] / 255)
    native, percent = session.run(["native_scores", "scores"], {"images": images})
    engine = TorchEngine(network, tensors_of(network), device="cpu")
    model = LoadedModel(spec, engine, "0" * 64)
    wanted = score_photo(Image.fromarray(pixels), model)
    assert native[0] == pytest.approx(wanted.native_score, abs=1e-5)
    assert percent[0] == pytest.approx(wanted.score, abs=1e-2)
    facts = {p.key: p.value for p in onnx.load_from_string(made.content).metadata_props}
    assert json.loads(facts["calibration"])["curve"] == [104, -3, 50, 12]
    assert "lower is better" in facts["native_scale"]
    assert str(Path(__file__).parent.parent.parent).encode() not in made.content


@pytest.mark.slow
@pytest.mark.parametrize("name", ["blockiqa", "shdiqa"])
def test_a_graph_takes_its_weights_from_any_checkpoint_of_the_network(name: str) -> None:
    spec, network = family(name)
    graph = export_graph(spec, network).content
    assert len(graph) < 300_000
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1.1)
    side = spec.input.crops.size if spec.input.crops else spec.input.height
    images = torch.randn(5, 3, side, side)
    assert by_onnx(graph, network, images) == pytest.approx(by_torch(network, images), abs=1e-5)


def network_with_flaws() -> QualityNet:
    torch.manual_seed(0)
    return QualityNet(
        TinyBackbone(), TinyBackbone(), chains=1, levels="all", pooling="mean+std", flaws=True
    ).eval()


@pytest.mark.slow
def test_a_graph_of_a_network_that_reads_deviations_is_cut_in_two() -> None:
    network = network_with_flaws()
    spec = replace(spec_of("qualitynet", view=64), options={"flaws": True})
    engine = OnnxEngine(export_graph(spec, network).content, tensors_of(network))
    views = np.random.default_rng(0).normal(size=(5, 3, 64, 64)).astype(np.float32)
    assert engine.parts is not None and engine.parts.cell == 32
    told, maps = engine.parts.maps(views)
    with torch.inference_mode():
        output = network(torch.from_numpy(views))
    assert told.scores == pytest.approx(output.scores.numpy(), abs=1e-5)
    for found, expected in zip(maps, output.maps, strict=True):
        assert found == pytest.approx(expected.numpy(), abs=1e-5)
    pooled = torch.cat([each.flatten(1) for each in output.pooled], dim=1).numpy()
    again = engine.parts.from_pooled(pooled)
    assert again.scores == pytest.approx(told.scores, abs=1e-5)
    assert again.ceilings == pytest.approx(told.ceilings, abs=1e-5)
    assert again.flaws == pytest.approx(told.flaws, abs=1e-5)


@pytest.mark.slow
def test_graphs_of_a_network_that_keeps_the_aspect_ratio_take_any_size() -> None:
    network = network_with_flaws()
    plain = spec_of("qualitynet", view=64)
    contract = replace(plain.input, keeps_aspect=True)
    spec = replace(plain, input=contract, options={"flaws": True})
    engine = OnnxEngine(export_graph(spec, network).content, tensors_of(network))
    assert engine.parts is not None and engine.parts.cell == 32
    alone = onnxruntime.InferenceSession(export_model(spec, network).content)
    mean, std = (torch.tensor(v).reshape(3, 1, 1) for v in (contract.mean, contract.std))
    for size in [(64, 64), (32, 96), (128, 32)]:
        rgb = torch.rand(2, 3, *size)
        views = (rgb - mean) / std
        expected = by_torch(network, views)
        assert engine.predict(views.numpy()).scores == pytest.approx(expected, abs=1e-5)
        assert len(engine.parts.maps(views.numpy())[1]) == 4
        (native,) = alone.run(["native_scores"], {"images": rgb.numpy()})
        assert native == pytest.approx(expected, abs=1e-5)


@pytest.mark.slow
def test_a_graph_of_shdiqa_without_transformer_blocks_takes_any_batch() -> None:
    torch.manual_seed(0)
    network = SHDIQA(TinyBackbone(), depth=0, input_size=64).eval()
    graph = export_graph(spec_of("shdiqa", view=64), network).content
    for batch in (1, 5):
        images = torch.randn(batch, 3, 64, 64)
        assert by_onnx(graph, network, images) == pytest.approx(by_torch(network, images), abs=1e-5)


@pytest.mark.slow
def test_a_file_that_stands_alone_tells_flaws_and_not_what_full_size_shows() -> None:
    torch.manual_seed(0)
    network = QualityNet(
        TinyBackbone(), TinyBackbone(), chains=2, pooling="mean+std", flaws=True
    ).eval()
    plain = spec_of("qualitynet", view=64)
    contract = replace(plain.input, full_size=FullSize(squares=4, size=32))
    spec = replace(plain, input=contract, options={"flaws": True})
    made = export_model(spec, network)
    assert made.difference < 1e-5
    session = onnxruntime.InferenceSession(made.content)
    names = [output.name for output in session.get_outputs()]
    assert names == ["native_scores", "scores", "ceilings", "flaws"]
    rgb = torch.rand(5, 3, 64, 64)
    told = dict(zip(names, session.run(None, {"images": rgb.numpy()}), strict=True))
    mean, std = (torch.tensor(v).reshape(3, 1, 1) for v in (contract.mean, contract.std))
    with torch.inference_mode():
        output = network((rgb - mean) / std)
    assert told["native_scores"] == pytest.approx(output.scores.numpy(), abs=1e-5)
    assert told["ceilings"] == pytest.approx(output.ceilings.numpy(), abs=1e-5)
    assert told["flaws"] == pytest.approx(output.flaws.numpy(), abs=1e-5)
    facts = {p.key: p.value for p in onnx.load_from_string(made.content).metadata_props}
    assert tuple(json.loads(facts["flaws"])) == FLAWS
    assert facts["full_size"] == (
        "not part of this file: of photos above 0.8 megapixels also the 4 most detailed squares "
        "of 32 pixels at full size"
    )


def test_superpixels_are_refused() -> None:
    with pytest.raises(UsageError, match="nlnet cannot be exported: it finds superpixels"):
        export_graph(spec_of("nlnet", view=224), NLNet(TinyBackbone()))


class Darkness(nn.Module):
    """A network without weights."""

    def forward(self, images: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(scores=1 - images.mean(dim=(1, 2, 3)))


def test_a_graph_that_differs_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    mean = onnx.parser.parse_model(
        """<ir_version: 10, opset_import: ["" : 20]>
        brightness (float[b, 3, 64, 64] images) => (float[b] scores)
        <int64[3] axes = {1, 2, 3}> { scores = ReduceMean<keepdims = 0>(images, axes) }"""
    )
    monkeypatch.setattr(onnx_export, "traced", lambda *_, **__: mean)
    with pytest.raises(WeightsError, match="differ by .* of the scale: nothing is written"):
        export_graph(spec_of("blockiqa", view=64), Darkness())
