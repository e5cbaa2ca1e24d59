from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import EXAMPLES, brightness_model, photo
from PIL import Image
from tiny_backbone import TinyBackbone
from torch import Tensor, nn
from torch.nn import functional as F

from biqa_cli.blocks.grid import covering_grid
from biqa_cli.errors import ImageError, UsageError
from biqa_cli.explain.inner_maps import (
    CropBatch,
    grad_cam,
    hidden_states,
    inner_maps_of_file,
    joined,
    node_attention,
    panel_attention,
    resized,
    weighted_map,
)
from biqa_cli.models.catalog import find_model
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.torch_engine import TorchEngine
from biqa_cli.networks.nlnet import NLNet, NodeAttention
from biqa_cli.networks.qualitynet import QualityNet
from biqa_cli.networks.reqa import REQA
from biqa_cli.networks.shdiqa import SHDIQA
from biqa_cli.networks.superpixels import SuperpixelNodes
from biqa_cli.scoring import score_files


class BrightnessBackbone(nn.Module):
    """Its map is the photo itself at stride 32."""

    channels: tuple[int, ...] = (3,)
    strides: tuple[int, ...] = (32,)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return (F.avg_pool2d(x, 32),)


def _loaded(name: str, network: nn.Module) -> LoadedModel:
    tensors = {
        key: tensor.numpy()
        for key, tensor in network.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    return LoadedModel(find_model(name), TorchEngine(network, tensors, device="cpu"), "0" * 64)


def _tiny(name: str) -> LoadedModel:
    torch.manual_seed(0)
    networks = {
        "qualitynet-lite": lambda: QualityNet(TinyBackbone(), TinyBackbone()),
        "reqa": lambda: REQA(TinyBackbone()),
        "reqa-lite": lambda: REQA(TinyBackbone(), input_size=448),
        "shdiqa": lambda: SHDIQA(TinyBackbone(), depth=1, width=24, heads=2),
        "nlnet": lambda: NLNet(TinyBackbone()),
        "nlnet-lite": lambda: NLNet(TinyBackbone(), patch=448),
    }
    return _loaded(name, networks[name]())


def _crops(side: int, *, size: int, stride: int) -> CropBatch:
    grid = covering_grid(side, side, size=size, stride=stride)
    generator = torch.Generator().manual_seed(0)
    return CropBatch(torch.rand(len(grid), 3, size, size, generator=generator), grid)


def test_grad_cam_shows_what_raises_the_score_where_it_is(tmp_path: Path) -> None:
    network = QualityNet(BrightnessBackbone(), BrightnessBackbone(), attention="none")
    # Brightness raises the score by way of chain 1 and lowers it by way of chain 2.
    network.head = nn.Sequential(nn.Linear(6, 1, bias=False))
    network.head[0].weight.data[:] = torch.tensor([1.0, 1, 1, -1, -1, -1])
    image = Image.new("RGB", (448, 224))
    image.paste((255, 255, 255), (0, 0, 128, 64))
    image.save(tmp_path / "a.png")
    found = inner_maps_of_file(str(tmp_path / "a.png"), _loaded("qualitynet", network))
    first, second = (panel.values for panel in found.panels)
    assert first.shape == (224, 448) and found.picture.size == (448, 224)
    # A cell of the 14×14 map is 16 × 32 pixels of the photo; white is 2.2 to 2.6 after
    # normalisation, and each place gets 1/196 of the weight.
    white = (1 - 0.485) / 0.229 + (1 - 0.456) / 0.224 + (1 - 0.406) / 0.225
    assert first[10, 10] == pytest.approx(white / 196, rel=1e-4)
    assert first[:48, :96].min() > 0.9 * first.max()
    assert not first[100:].any() and not first[:, 200:].any()
    assert not second[:40, :80].any() and second[100:, 200:].min() > 0


def test_grad_cam_has_a_map_for_each_chain_the_coarsest_of_its_levels() -> None:
    torch.manual_seed(0)
    network = QualityNet(TinyBackbone(), TinyBackbone(), levels="all", pooling="mean+std")
    crops = _crops(64, size=64, stride=64)
    seen = grad_cam(_loaded("qualitynet", network.eval()).engine, crops)  # type: ignore[arg-type]
    assert [panel.title for panel in seen.panels] == ["chain 1", "chain 2"]
    assert seen.columns == 2
    maps = [each.requires_grad_() for each in network.maps(crops.images)]
    output = network.from_maps(maps)
    last = [output.maps[network.levels - 1], output.maps[2 * network.levels - 1]]
    for panel, each, gradient in zip(
        seen.panels, last, torch.autograd.grad(output.scores.sum(), last), strict=True
    ):
        assert np.allclose(panel.values, joined(weighted_map(each, gradient), crops.grid))


def test_grad_cam_weighs_channels_by_their_mean_gradient() -> None:
    maps, gradients = torch.rand(1, 2, 3, 4), torch.zeros(1, 2, 3, 4)
    gradients[0, 0, 1, 1] = 12
    gradients[0, 1] = -0.5
    expected = (maps[:, 0] - 0.5 * maps[:, 1]).clamp(min=0)
    assert torch.allclose(weighted_map(maps, gradients), expected)


def test_hidden_states_are_a_row_for_each_block_and_a_column_for_each_step() -> None:
    model = _tiny("reqa")
    crops = _crops(512, size=224, stride=144)
    seen = hidden_states(model.engine, crops)  # type: ignore[arg-type]
    assert (len(seen.panels), seen.columns) == (12, 4)
    with torch.inference_mode():
        output = model.engine.network(crops.images)  # type: ignore[attr-defined]
    for panel, (d, t) in zip(seen.panels, np.ndindex(3, 4), strict=True):
        assert panel.title == f"feedback block {d + 1}, step {t + 1}"
        coarse = output.hidden[d][t].abs().mean(dim=1, keepdim=True)
        fine = F.interpolate(coarse, size=224, mode="bilinear")[:, 0].numpy()
        # The corners of the view lie in one crop each.
        assert np.allclose(panel.values[:144, :144], fine[0, :144, :144], atol=1e-6)
        assert np.allclose(panel.values[-144:, :144], fine[6, -144:, :144], atol=1e-6)
        both = (fine[0, :144, 144:] + fine[1, :144, :80]) / 2
        assert np.allclose(panel.values[:144, 144:224], both, atol=1e-6)
    steps = [panel.value for panel in seen.panels]
    assert steps[:8] == [None] * 8
    assert steps[8:] == pytest.approx(output.step_scores.mean(dim=0).tolist())


def test_attention_of_panels_is_relative_to_even_attention() -> None:
    model = _tiny("shdiqa")
    crops = _crops(448, size=224, stride=224)
    seen = panel_attention(model.engine, crops)  # type: ignore[arg-type]
    with torch.inference_mode():
        share = model.engine.network.panel_attention(crops.images).sum(dim=(2, 3))  # type: ignore[attr-defined]
    mean, *panels = seen.panels
    # The mean and the first three panels lie above the other three.
    assert seen.columns == 4
    titles = [panel.title for panel in seen.panels]
    assert titles == ["mean of the panels", *(f"panel {k}" for k in range(1, 7))]
    for k, panel in enumerate(panels):
        assert panel.values[:224, 224:].mean() == pytest.approx(float(share[1, k]), abs=1e-4)
    together = np.mean([panel.values for panel in panels], axis=0)
    assert np.allclose(mean.values, together, atol=1e-5)
    assert np.mean([panel.value for panel in panels]) == pytest.approx(mean.value)


def test_attention_of_nodes_lies_on_their_superpixels() -> None:
    model = _tiny("nlnet")
    view = np.asarray(photo(224, 112), np.float32).transpose(2, 0, 1) / 255
    crops = CropBatch(torch.from_numpy(view[None]), covering_grid(112, 224, size=224, stride=224))
    (panel,) = node_attention(model.engine, crops).panels  # type: ignore[arg-type]
    assert panel.values.shape == (112, 224)
    # A node that is looked at as all others are has 1, so that 1 is the mean over the nodes.
    assert 0 < np.nanmin(panel.values) < 1 < np.nanmax(panel.values)


def test_attention_of_nodes_is_relative_to_even_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    model = _tiny("nlnet-lite")
    # Three nodes a patch: superpixel 1 of the left one is a node twice, superpixel 2 is none.
    nodes = SuperpixelNodes(
        features=np.zeros((2, 3, 1, 3), np.float32),
        regions=np.array([[0, 1, 1], [2, 0, 1]]),
        labels=np.array([[[0, 1], [2, 2]], [[0, 0], [1, 2]]]),
    )
    weights = torch.tensor([[[0.5, 0.3, 0.2], [0.6, 0.3, 0.1]]])
    seen = NodeAttention(weights, nodes, covering_grid(2, 4, size=2, stride=2))
    monkeypatch.setattr(NLNet, "node_attention", lambda *_: seen)
    (panel,) = node_attention(model.engine, _crops(112, size=112, stride=112)).panels  # type: ignore[arg-type]
    nan = np.nan
    assert np.allclose(
        panel.values, [[1.5, 0.75, 0.9, 0.9], [nan, nan, 0.3, 1.8]], equal_nan=True, atol=1e-6
    )


@pytest.mark.parametrize("name", ["qualitynet-lite", "reqa", "reqa-lite", "shdiqa", "nlnet-lite"])
def test_the_score_is_that_of_the_photo(name: str) -> None:
    model = _tiny(name)
    path = str(EXAMPLES / "cat.jpg")
    found = inner_maps_of_file(path, model)
    (whole,) = score_files([path], model)
    assert found.score == pytest.approx(whole.score, abs=2e-4)
    assert (found.width, found.height) == (whole.width, whole.height)
    assert all(panel.values.shape == found.picture.size[::-1] for panel in found.panels)
    assert all(panel.values.dtype == np.float32 for panel in found.panels)


def test_large_photos_have_maps_of_640_pixels(tmp_path: Path) -> None:
    Image.new("RGB", (1300, 30)).save(tmp_path / "wide.png")
    found = inner_maps_of_file(str(tmp_path / "wide.png"), _tiny("qualitynet-lite"))
    assert found.picture.size == (640, 15)
    assert found.panels[0].values.shape == (15, 640)


def test_maps_of_crops_lie_where_the_crops_do() -> None:
    grid = covering_grid(6, 8, size=4, stride=4)
    maps = torch.zeros(len(grid), 2, 2)
    maps[1] = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    found = joined(maps, grid)
    assert found.shape == (6, 8) and not found[:, :4].any()
    assert found[0, 4] == 1 and found[0, 7] == 2
    # Rows 2 and 3 lie in the lower crop, too, whose map is 0.
    assert found[3, 4] == 1.5 and found[3, 7] == 2 and not found[4:].any()


def test_a_map_keeps_its_sides_and_nan_does_not_spread() -> None:
    values = np.array([[0.0, 1.0, np.nan]], np.float32)
    larger = resized(values, width=6, height=2)
    assert np.array_equal(larger, [[0, 0, 1, 1, np.nan, np.nan]] * 2, equal_nan=True)
    smooth = resized(values[:, :2], width=4, height=1)
    assert smooth.tolist() == [[0, 0.25, 0.75, 1]]


def test_other_families_and_engines_are_explained() -> None:
    with pytest.raises(UsageError, match="need a model of the families qualitynet, reqa, shdiqa"):
        inner_maps_of_file(str(EXAMPLES / "cat.jpg"), brightness_model())


def test_a_score_that_is_not_finite_is_an_error() -> None:
    model = _tiny("qualitynet-lite")
    for parameter in model.engine.network.head.parameters():  # type: ignore[attr-defined]
        parameter.data[:] = torch.nan
    with pytest.raises(ImageError, match="no finite score"):
        inner_maps_of_file(str(EXAMPLES / "cat.jpg"), model)
