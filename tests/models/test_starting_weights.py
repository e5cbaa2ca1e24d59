import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from biqa_cli.errors import UsageError, WeightsError
from biqa_cli.models.backbone_slots import BackboneSlot, backbone_slots
from biqa_cli.models.build import assemble_network
from biqa_cli.models.options import with_defaults
from biqa_cli.models.spec import BackboneName, Family, OptionValue
from biqa_cli.models.starting_weights import set_starting_weights
from biqa_cli.networks.backbones.installed_torchvision import torchvision_models


def keep_offline(monkeypatch: pytest.MonkeyPatch, home: Path, error: Exception) -> None:
    """Let torch keep its downloads in a folder, and raise an error for who looks up an address."""

    def ask(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setenv("TORCH_HOME", str(home))
    monkeypatch.setattr(socket, "getaddrinfo", ask)


def start(
    family: Family,
    backbones: tuple[BackboneName, ...],
    starts: Sequence[str],
    options: dict[str, OptionValue] | None = None,
    *,
    offline: bool = False,
) -> tuple[nn.Module, list[str]]:
    if "none" in starts:
        network = assemble_network(family, backbones, options=options)
    else:
        # What is overwritten, or refused, needs no random numbers: they take longer than the rest.
        with torch.device("meta"):
            network = assemble_network(family, backbones, options=options)
        network = network.to_empty(device="cpu")
    slots = backbone_slots(family, backbones, with_defaults(family, options or {}))
    is_whole, notes = set_starting_weights(network, slots, starts, family=family, offline=offline)
    assert is_whole == any(note.startswith("the whole network") for note in notes)
    return network, notes


@pytest.fixture(scope="module")
def resnet50(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights under the names of torchvision; matrices in half precision."""
    torch.manual_seed(5)
    state = torchvision_models().resnet50(weights=None).state_dict()
    path = tmp_path_factory.mktemp("published") / "r.safetensors"
    save_file({n: t.half() if t.ndim > 1 else t for n, t in state.items()}, path)
    return path


@pytest.mark.slow
def test_published_backbones_are_found_by_their_names(resnet50: Path) -> None:
    state = load_file(resnet50)
    network, notes = start("blockiqa", ("resnet50",), [str(resnet50)])
    assert notes == [f"resnet50 starts from {resnet50}"]
    assert torch.equal(
        network.get_parameter("backbone.layers.3.2.conv3.weight"),
        state["layer4.2.conv3.weight"].float(),
    )
    assert torch.equal(
        network.get_parameter("backbone.stem.0.weight"), state["conv1.weight"].float()
    )


@pytest.mark.slow
def test_each_backbone_of_two_has_a_start_of_its_own(resnet50: Path) -> None:
    state = load_file(resnet50)
    backbones = ("efficientnet-lite0", "resnet50")
    network, notes = start("qualitynet", backbones, ["imagenet", str(resnet50)])
    assert "the backbone of qualitynet-lite" in notes[0]
    assert torch.equal(
        network.get_parameter("backbones.1.layers.0.0.conv1.weight"),
        state["layer1.0.conv1.weight"].float(),
    )
    swapped: tuple[BackboneName, ...] = ("efficientnet-lite2", "efficientnet-lite0")
    network, notes = start("qualitynet", swapped, ["imagenet"])
    assert [note.partition(" starts from the backbone of ")[0] for note in notes] == list(swapped)
    one, _ = start("blockiqa", ("efficientnet-lite0",), ["imagenet"])
    name = "stages.6.0.layers.0.weight"
    lite0 = network.get_parameter(f"backbones.1.{name}")
    assert torch.equal(lite0, one.get_parameter(f"backbone.{name}"))
    with pytest.raises(UsageError, match="--init was given 3 times, the network has 1 backbones"):
        start("blockiqa", ("resnet50",), ["none", "none", "none"])


@pytest.mark.slow
def test_a_whole_checkpoint_gives_the_whole_network_and_to_another_its_backbone(
    tmp_path: Path,
) -> None:
    lite: tuple[BackboneName, ...] = ("efficientnet-lite0",)
    given, _ = start("blockiqa", lite, ["none"])
    state = {n: t for n, t in given.state_dict().items() if not n.endswith("num_batches_tracked")}
    file = tmp_path / "whole.safetensors"
    save_file(state, file)
    same, notes = start("blockiqa", lite, [str(file)])
    assert notes == [f"the whole network starts from {file}"]
    assert torch.equal(same.get_parameter("fusion.0.weight"), state["fusion.0.weight"])
    name = "stages.6.0.layers.0.weight"
    for family, prefix in (("reqa", "backbone."), ("nlnet", "local_branch.backbone.")):
        other, notes = start(family, lite, [str(file)])  # type: ignore[arg-type]
        assert notes == [f"efficientnet-lite0 starts from {file}"]
        assert torch.equal(other.get_parameter(prefix + name), state[f"backbone.{name}"])


def test_reqa_starts_from_a_checkpoint_for_crops_of_another_size(tmp_path: Path) -> None:
    lite: tuple[BackboneName, ...] = ("efficientnet-lite0",)
    given, _ = start("reqa", lite, ["none"])
    state = {n: t for n, t in given.state_dict().items() if not n.endswith("num_batches_tracked")}
    file = tmp_path / "small.safetensors"
    save_file(state, file)
    large, notes = start("reqa", lite, [str(file)], {"input_size": 336})
    assert notes == [f"the whole network starts from {file}"]
    assert torch.equal(large.get_parameter("mlp_3.0.weight"), state["mlp_3.0.weight"])
    assert large.get_parameter("transformer.position").shape == (1, 11**2 + 1, 224)


def test_a_file_of_another_backbone_is_refused_with_the_names_that_are_expected(
    tmp_path: Path,
) -> None:
    save_file({"0.weight": torch.zeros(2, 2)}, tmp_path / "x.safetensors")
    for backbone in ("resnet50", "vgg16", "efficientnet-lite2"):
        with pytest.raises(WeightsError, match=f"does not hold the weights of {backbone}"):
            start("blockiqa", (backbone,), [str(tmp_path / "x.safetensors")])
    save_file({"weights": torch.zeros(9)}, tmp_path / "tuned.safetensors")
    with pytest.raises(WeightsError, match="correction of a tuned model alone: start from its bas"):
        start("blockiqa", ("vgg16",), [str(tmp_path / "tuned.safetensors")])
    with pytest.raises(WeightsError, match="cannot read"):
        start("blockiqa", ("resnet50",), [str(tmp_path / "gone.safetensors")])


def test_without_internet_the_error_names_the_file_to_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_offline(monkeypatch, tmp_path, OSError("no internet"))
    with pytest.raises(WeightsError, match="cannot download https://.*resnet50.* --init FILE"):
        start("blockiqa", ("resnet50",), ["imagenet"])
    with pytest.raises(WeightsError, match="torchvision has no ImageNet weights of vit-s16"):
        start("shdiqa", ("vit-s16",), ["imagenet"])


def test_offline_asks_nobody_for_what_torchvision_does_not_keep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_offline(monkeypatch, tmp_path, AssertionError("a socket was about to be opened"))
    with pytest.raises(WeightsError, match="--offline forbids downloading: run once without it"):
        start("blockiqa", ("resnet50",), ["imagenet"], offline=True)


@pytest.mark.slow
def test_offline_starts_from_what_torchvision_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_offline(monkeypatch, tmp_path, AssertionError("a socket was about to be opened"))
    torch.manual_seed(2)
    state = torchvision_models().resnet50(weights=None).state_dict()
    kept = tmp_path / "hub" / "checkpoints" / "resnet50-11ad3fa6.pth"
    kept.parent.mkdir(parents=True)
    torch.save(state, kept)
    network, notes = start("blockiqa", ("resnet50",), ["imagenet"], offline=True)
    assert notes == ["resnet50 starts from torchvision's ResNet50_Weights.IMAGENET1K_V2"]
    assert torch.equal(network.get_parameter("backbone.stem.0.weight"), state["conv1.weight"])


def test_a_branch_that_is_left_out_needs_no_start() -> None:
    assert start("nlnet", ("vgg16",), ["imagenet"], {"branches": "nonlocal"})[1] == []


def test_none_leaves_the_network_as_it_was() -> None:
    torch.manual_seed(3)
    fresh = assemble_network("blockiqa", ("efficientnet-lite0",))
    torch.manual_seed(3)
    network, notes = start("blockiqa", ("efficientnet-lite0",), ["none"])
    assert notes == ["efficientnet-lite0 starts at random"]
    for name, tensor in fresh.state_dict().items():
        assert torch.equal(tensor, network.state_dict()[name])


def test_a_file_that_lacks_one_tensor_of_the_backbone_is_refused(tmp_path: Path) -> None:
    lite: tuple[BackboneName, ...] = ("efficientnet-lite0",)
    given, _ = start("blockiqa", lite, ["none"])
    state = {n: t for n, t in given.state_dict().items() if n.startswith("backbone.")}
    del state["backbone.stages.6.0.layers.0.weight"]
    save_file(state, tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match="does not hold the weights of efficientnet-lite0"):
        start("blockiqa", lite, [str(tmp_path / "x.safetensors")])


TWO_SLOTS = (BackboneSlot("first.", "resnet50"), BackboneSlot("second.", "efficientnet-lite0"))


def test_one_start_serves_all_backbones_and_chance_changes_nothing() -> None:
    network = nn.ModuleDict({"first": nn.Linear(2, 2), "second": nn.Linear(2, 2)})
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for starts in (["none"], ["none", "none"]):
        found = set_starting_weights(network, TWO_SLOTS, starts, family="qualitynet")
        assert found == (
            False,
            ["resnet50 starts at random", "efficientnet-lite0 starts at random"],
        )
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())


def test_three_starts_for_two_backbones_are_refused() -> None:
    with pytest.raises(UsageError, match="given 3 times, the network has 2 backbones"):
        set_starting_weights(nn.Identity(), TWO_SLOTS, ["none"] * 3, family="qualitynet")
