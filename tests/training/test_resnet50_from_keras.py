"""`tools/resnet50_from_keras.py`: torch's layers make of RGB what Keras's make of BGR."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tool_loading import load_tool
from torch import nn
from torch.nn import functional as F

from biqa_cli.models.backbones.installed_torchvision import torchvision_models
from biqa_cli.models.catalog import IMAGENET_MEAN, IMAGENET_STD
from biqa_cli.models.networks import build_trunk
from biqa_cli.training.initial import set_starting_weights
from biqa_cli.training.trunks import TrunkSlot

tool = load_tool("resnet50_from_keras")


@pytest.fixture(scope="module")
def keras() -> dict[str, np.ndarray]:
    """Return random weights under Keras's names, in its order of axes."""
    rng = np.random.default_rng(0)
    weights = {}

    def layer(conv: str, norm: str, shape: tuple[int, ...]) -> None:
        out = shape[-1]
        weights[f"{conv}/kernel"] = rng.normal(0, 0.05, shape).astype(np.float32)
        weights[f"{conv}/bias"] = rng.normal(size=out).astype(np.float32)
        for name in ("gamma", "beta", "moving_mean"):
            weights[f"{norm}/{name}"] = rng.normal(size=out).astype(np.float32)
        weights[f"{norm}/moving_variance"] = rng.uniform(1e-4, 1, out).astype(np.float32)

    layer("conv1", "bn_conv1", (7, 7, 3, 64))
    before = 64
    for stage, blocks in {2: 3, 3: 4, 4: 6, 5: 3}.items():
        width = 64 * 2 ** (stage - 2)
        for block in "abcdef"[:blocks]:
            if block == "a":
                shape = (1, 1, before, 4 * width)
                layer(f"res{stage}a_branch1", f"bn{stage}a_branch1", shape)
            for branch, one in (
                ("2a", (1, 1, before, width)),
                ("2b", (3, 3, width, width)),
                ("2c", (1, 1, width, 4 * width)),
            ):
                layer(f"res{stage}{block}_branch{branch}", f"bn{stage}{block}_branch{branch}", one)
            before = 4 * width
    return weights


@pytest.fixture(scope="module")
def network(keras: dict[str, np.ndarray]) -> nn.Module:
    """Return torchvision's ResNet-50 with these weights."""
    made = {n: torch.from_numpy(a) for n, a in tool.with_names_of_torchvision(keras).items()}
    built = torchvision_models().resnet50(weights=None).eval()
    told = built.load_state_dict(made, strict=False)
    assert not told.unexpected_keys
    assert all(n.startswith("fc.") or n.endswith("tracked") for n in told.missing_keys)
    return built


def as_keras(x: torch.Tensor, keras: dict[str, np.ndarray], conv: str, norm: str) -> torch.Tensor:
    """Return what a convolution of Keras and the batch norm behind it make of maps."""
    weights = {name: torch.from_numpy(array) for name, array in keras.items()}
    x = F.conv2d(x, weights[f"{conv}/kernel"].permute(3, 2, 0, 1), weights[f"{conv}/bias"])
    mean, variance = weights[f"{norm}/moving_mean"], weights[f"{norm}/moving_variance"]
    gamma, beta = weights[f"{norm}/gamma"], weights[f"{norm}/beta"]
    return F.batch_norm(x, mean, variance, gamma, beta, eps=1e-3)


def test_the_stem_sees_in_rgb_what_keras_sees_in_bgr(
    keras: dict[str, np.ndarray], network: nn.Module
) -> None:
    photo = torch.rand(1, 3, 9, 9)
    mean, std = (torch.tensor(c).view(3, 1, 1) for c in (IMAGENET_MEAN, IMAGENET_STD))
    bgr = 255 * photo.flip(1) - torch.tensor([103.939, 116.779, 123.68]).view(3, 1, 1)
    # The third place of stride 2 sees pixels 1 to 7, and no border.
    ours = network.bn1(network.conv1((photo - mean) / std))[:, :, 2, 2]
    theirs = as_keras(bgr[:, :, 1:8, 1:8], keras, "conv1", "bn_conv1")[:, :, 0, 0]
    assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-3 * theirs.abs().max().item())


@pytest.mark.parametrize(
    ("conv", "norm", "layer", "theirs"),
    [
        ("conv1", "bn1", "layer2.0", "3a_branch2a"),
        ("conv3", "bn3", "layer3.5", "4f_branch2c"),
        ("downsample.0", "downsample.1", "layer4.0", "5a_branch1"),
    ],
)
def test_convolution_and_norm_of_a_block_make_the_same(
    conv: str,
    norm: str,
    layer: str,
    theirs: str,
    keras: dict[str, np.ndarray],
    network: nn.Module,
) -> None:
    block = network.get_submodule(layer)
    ours_conv, ours_norm = block.get_submodule(conv), block.get_submodule(norm)
    x = torch.rand(1, ours_conv.in_channels, 1, 1)
    expected = as_keras(x, keras, f"res{theirs}", f"bn{theirs}")
    assert torch.allclose(ours_norm(ours_conv(x)), expected, rtol=1e-3, atol=1e-3)


def test_a_folder_becomes_a_file_that_training_starts_from(
    keras: dict[str, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = b"".join(array.tobytes() for array in keras.values())
    (tmp_path / "a.bin").write_bytes(raw[: len(raw) // 2])
    (tmp_path / "b.bin").write_bytes(raw[len(raw) // 2 :])
    told = [{"name": name, "shape": array.shape} for name, array in keras.items()]
    manifest = {"weightsManifest": [{"paths": ["a.bin", "b.bin"], "weights": told}]}
    (tmp_path / "model.json").write_text(json.dumps(manifest))
    file = tmp_path / "resnet50.safetensors"
    monkeypatch.setattr("sys.argv", ["tool", str(tmp_path), str(file)])
    tool.main()
    trunk = nn.ModuleDict({"trunk": build_trunk("resnet50")})
    slots = [TrunkSlot("trunk.", "resnet50")]
    set_starting_weights(trunk, slots, [str(file)], family="blockiqa")
    last = trunk["trunk"].layers[3][2].conv3.weight
    assert torch.equal(last[5, 7, 0, 0], torch.tensor(keras["res5c_branch2c/kernel"][0, 0, 7, 5]))
    (tmp_path / "b.bin").write_bytes(b"")
    with pytest.raises(ValueError, match="bytes of weights"):
        tool.main()
