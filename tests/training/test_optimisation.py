from dataclasses import replace

import pytest
import torch
from biqa_cli.training.backbones import backbone_slots, freeze, set_training_mode
from biqa_cli.training.config import load_recipe, with_backbones, with_settings
from tiny_backbone import TinyBackbone
from torch import nn

from biqa_cli.errors import UsageError
from biqa_cli.models.build import assemble_network
from biqa_cli.networks.blockiqa import BlockIQA
from biqa_cli.networks.shdiqa import SHDIQA
from biqa_cli.training.optimisation import make_optimiser, make_schedule, rate_factor


def rates_of(network: nn.Module, family: str, *settings: str) -> dict[str, tuple[float, float]]:
    recipe = with_settings(load_recipe(family), settings)
    slots = backbone_slots(recipe)
    freeze(network, slots, trainable=recipe.optimiser.trainable)
    optimiser = make_optimiser(network, recipe.optimiser, slots)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    return {
        names[id(parameter)]: (group["lr"], group["weight_decay"])
        for group in optimiser.param_groups
        for parameter in group["params"]
    }


def test_the_backbone_has_a_rate_of_its_own() -> None:
    rates = rates_of(BlockIQA(TinyBackbone()), "blockiqa", "rate=3e-4", "backbone_rate=2e-5")
    assert rates["backbone.layers.0.weight"][0] == 2e-5
    assert rates["fusion.0.weight"][0] == 3e-4


def test_vectors_and_tokens_do_not_decay_where_the_recipe_says_so() -> None:
    network = SHDIQA(TinyBackbone(), depth=1, input_size=64)
    rates = rates_of(network, "shdiqa")
    assert len(rates) == len(list(network.named_parameters()))
    still = {name for name, (_, decay) in rates.items() if decay == 0}
    assert {"encoder.tokens", "encoder.vit.class_token", "encoder.vit.positions"} <= still
    assert all(p.ndim > 1 or name in still for name, p in network.named_parameters())
    assert rates["encoder.filter.weight"][1] == 0.05


def test_a_frozen_backbone_neither_learns_nor_moves_its_statistics() -> None:
    recipe = with_backbones(load_recipe("blockiqa"), ("efficientnet-lite0",))
    network = assemble_network("blockiqa", recipe.backbones)
    slots = backbone_slots(recipe)
    before = {n: t.clone() for n, t in network.state_dict().items() if n.startswith("backbone.")}
    last = ("backbone.stages.5.", "backbone.stages.6.")
    half = ("backbone.stages.3.", "backbone.stages.4.", *last)
    for trainable, moves in (("head", ()), ("last", last), ("half", half)):
        freeze(network, slots, trainable=trainable)
        set_training_mode(network, slots, trainable=trainable)
        optimiser = make_optimiser(network, replace(recipe.optimiser, rate=1e-3), slots)
        network(torch.rand(2, 3, 64, 64)).scores.sum().backward()
        optimiser.step()
        changed = {n for n, t in network.state_dict().items() if n in before}
        changed = {n for n in changed if not torch.equal(before[n], network.state_dict()[n])}
        assert all(name.startswith(moves) for name in changed) if moves else not changed
        assert bool(changed) == bool(moves)
        assert network.fusion.training


@pytest.mark.parametrize(
    ("family", "settings", "prefixes"),
    [
        ("blockiqa", (), ["backbone."]),
        ("qualitynet", (), ["backbones.0.", "backbones.1."]),
        ("qualitynet", ("chains=2",), ["backbones.0."]),
        ("shdiqa", (), ["encoder.vit."]),
        ("nlnet", ("branches=nonlocal",), []),
    ],
)
def test_backbones_are_where_the_networks_have_them(
    family: str, settings: tuple[str, ...], prefixes: list[str]
) -> None:
    recipe = with_settings(load_recipe(family), settings)
    slots = backbone_slots(recipe)
    assert [slot.prefix for slot in slots] == prefixes
    with torch.device("meta"):
        network = assemble_network(recipe.family, recipe.backbones, options=recipe.network)
    for slot in slots:
        assert network.get_submodule(slot.prefix.rstrip("."))
        freeze(network, slots, trainable="last")
        learns = [n for n, p in network.named_parameters() if p.requires_grad]
        assert any(n.startswith(slot.prefix) for n in learns)
        assert not all(p.requires_grad for p in network.parameters())
        set_training_mode(network, slots, trainable="last")
    if settings == ("chains=2",):
        assert slots[0].backbone == "efficientnet-b7"


def test_what_reads_pixels_beside_a_frozen_backbone_is_frozen_with_it() -> None:
    recipe = with_settings(load_recipe("blockiqa", config="blockiqa-cpu"), ["trainable=head"])
    network = assemble_network(recipe.family, recipe.backbones, options=recipe.network)
    for trainable in ("head", "last"):
        freeze(network, backbone_slots(recipe), trainable=trainable)
        learns = {n: p.requires_grad for n, p in network.named_parameters()}
        assert not any(learns[f"afel.conv.{tensor}"] for tensor in ("weight", "bias"))
    freeze(network, backbone_slots(recipe), trainable="half")
    assert all(p.requires_grad for n, p in network.named_parameters() if n.startswith("afel.conv."))


def test_superpixels_learn_beside_a_frozen_backbone() -> None:
    recipe = with_settings(load_recipe("nlnet", config="nlnet-cpu"), ["trainable=head"])
    network = assemble_network(recipe.family, recipe.backbones, options=recipe.network)
    freeze(network, backbone_slots(recipe), trainable="head")
    learns = {n for n, p in network.named_parameters() if p.requires_grad}
    assert {n for n, _ in network.named_parameters() if n.startswith("nonlocal_branch.")} < learns
    assert not any(n.startswith("local_branch.") for n in learns)


def test_nothing_that_learns_is_an_error() -> None:
    network = BlockIQA(TinyBackbone()).requires_grad_(requires_grad=False)
    recipe = load_recipe("blockiqa")
    with pytest.raises(UsageError, match="nothing would learn"):
        make_optimiser(network, recipe.optimiser, backbone_slots(recipe))


def curve(family: str, epochs: list[int], *settings: str) -> list[float]:
    recipe = with_settings(load_recipe(family), settings)
    last = recipe.schedule.epochs
    return [rate_factor(4 * e, recipe.schedule, epochs=last, steps=4) for e in epochs]


def test_the_curves_are_those_of_the_papers() -> None:
    assert curve("blockiqa", [0, 9, 10, 20]) == pytest.approx([1, 1, 0.8, 0.64])
    assert curve("reqa", [0, 10, 20, 39]) == pytest.approx([1, 0.1, 0.01, 0.001])
    assert curve("nlnet", [19, 20, 99]) == pytest.approx([1, 0.5, 0.0625])
    # DEIQT: 2e-7 rises to 2e-4 over three epochs, then 2e-5, then 2e-6.
    assert curve("shdiqa", [0, 3, 5, 6, 8]) == pytest.approx([1e-3, 0.1, 0.1, 0.01, 0.01])
    recipe = load_recipe("shdiqa").schedule
    assert rate_factor(6, recipe, epochs=9, steps=4) == pytest.approx(0.5005)
    cosine = curve("blockiqa", [0, 5, 10], "curve=cosine", "epochs=10")
    assert cosine == pytest.approx([1, 0.5, 0])


def test_rates_fall_on_a_plateau_and_never_below_the_lowest() -> None:
    parameter = nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.Adam([parameter], lr=1e-4)
    recipe = replace(load_recipe("qualitynet").schedule, lowest=3e-5)
    schedule = make_schedule(optimiser, recipe, epochs=9, steps=1)
    rates = []
    for _ in range(8):
        schedule.step(1.0)
        rates.append(optimiser.param_groups[0]["lr"])
    assert rates[:3] == [1e-4] * 3 and rates[3] == pytest.approx(4e-5)
    assert rates[-1] == pytest.approx(3e-5)
