import pytest
import torch
from msgspec import structs

from biqa_cli.models.build import assemble_network
from biqa_cli.recipes.files import load_recipe, with_settings
from biqa_cli.training.freezing import freeze, set_training_mode, slots_of
from biqa_cli.training.optimisation import make_optimiser


@pytest.fixture(autouse=True)
def tiny() -> None:
    """The backbones are the real ones here."""


@pytest.mark.slow
def test_a_frozen_backbone_neither_learns_nor_moves_its_statistics() -> None:
    recipe = load_recipe("blockiqa", config="blockiqa-cpu")
    network = assemble_network("blockiqa", recipe.backbones)
    slots = slots_of(recipe)
    last = ("backbone.stages.5.", "backbone.stages.6.")
    upper = tuple(f"backbone.stages.{n}." for n in range(3, 7))
    for trainable, moves in (("head", ()), ("last", last), ("upper", upper)):
        state = network.state_dict().items()
        before = {n: t.clone() for n, t in state if n.startswith("backbone.")}
        freeze(network, slots, trainable=trainable)
        set_training_mode(network, slots, trainable=trainable)
        optimiser = make_optimiser(network, structs.replace(recipe.optimiser, rate=1e-3), slots)
        network(torch.rand(2, 3, 64, 64)).scores.sum().backward()
        optimiser.step()
        changed = {n for n, t in network.state_dict().items() if n in before}
        changed = {n for n in changed if not torch.equal(before[n], network.state_dict()[n])}
        assert all(name.startswith(moves) for name in changed) if moves else not changed
        assert bool(changed) == bool(moves)
        depthwise = {n for n in changed if before[n].ndim == 4 and before[n].shape[1] == 1}
        assert bool(depthwise) == (trainable == "last")
        assert network.fusion.training


@pytest.mark.parametrize("trainable", ["rating", "flaws"])
def test_one_of_two_heads_learns_where_a_recipe_says_so(trainable: str) -> None:
    settings = ("network.chains=1", "network.flaws=true", "examples.weight=1")
    recipe = with_settings(
        load_recipe("qualitynet", config="qualitynet-cpu"),
        (*settings, "examples.flaws_weight=1", f"optimiser.trainable={trainable}"),
    )
    assert recipe.is_cached
    with torch.device("meta"):
        network = assemble_network("qualitynet", recipe.backbones, options=recipe.network)
    freeze(network, slots_of(recipe), trainable=trainable)
    set_training_mode(network, slots_of(recipe), trainable=trainable)
    learning = {name for name, p in network.named_parameters() if p.requires_grad}
    heads = {name for name, _ in network.named_parameters() if not name.startswith("backbones.")}
    flaws = {name for name in heads if name.startswith("flaw_head.")}
    assert learning == (flaws if trainable == "flaws" else heads - flaws) != set()
    assert network.flaw_head.training == (trainable == "flaws") != network.head.training
    assert not any(module.training for module in network.backbones[0].modules())
    # Otherwise it would run the head for flaws over rated photos, too.
    assert network.training


@pytest.mark.parametrize(
    ("family", "settings", "prefixes"),
    [
        ("blockiqa", (), ["backbone."]),
        pytest.param("qualitynet", (), ["backbones.0.", "backbones.1."], marks=pytest.mark.slow),
        ("qualitynet", ("network.chains=2",), ["backbones.0."]),
        ("shdiqa", (), ["encoder.vit."]),
        ("nlnet", ("network.branches=nonlocal",), []),
    ],
)
def test_backbones_are_where_the_networks_have_them(
    family: str, settings: tuple[str, ...], prefixes: list[str]
) -> None:
    recipe = with_settings(load_recipe(family), settings)
    slots = slots_of(recipe)
    assert [slot.prefix for slot in slots] == prefixes
    with torch.device("meta"):
        network = assemble_network(recipe.family, recipe.backbones, options=recipe.network)
    for slot in slots:
        assert network.get_submodule(slot.prefix.rstrip("."))
        for trainable in ("last", "upper"):
            freeze(network, slots, trainable=trainable)
            learns = [n for n, p in network.named_parameters() if p.requires_grad]
            assert any(n.startswith(slot.prefix) for n in learns)
            assert not all(p.requires_grad for p in network.parameters())
            set_training_mode(network, slots, trainable=trainable)
    if settings == ("network.chains=2",):
        assert slots[0].backbone == "efficientnet-b7"


def test_what_reads_pixels_beside_a_frozen_backbone_is_frozen_with_it() -> None:
    recipe = with_settings(
        load_recipe("blockiqa", config="blockiqa-cpu"), ["optimiser.trainable=head"]
    )
    network = assemble_network(recipe.family, recipe.backbones, options=recipe.network)
    for trainable in ("head", "last"):
        freeze(network, slots_of(recipe), trainable=trainable)
        learns = {n: p.requires_grad for n, p in network.named_parameters()}
        assert not any(learns[f"afel.conv.{tensor}"] for tensor in ("weight", "bias"))
    freeze(network, slots_of(recipe), trainable="all")
    assert all(p.requires_grad for n, p in network.named_parameters() if n.startswith("afel.conv."))


def test_superpixels_learn_beside_a_frozen_backbone() -> None:
    recipe = with_settings(load_recipe("nlnet", config="nlnet-cpu"), ["optimiser.trainable=head"])
    network = assemble_network(recipe.family, recipe.backbones, options=recipe.network)
    freeze(network, slots_of(recipe), trainable="head")
    learns = {n for n, p in network.named_parameters() if p.requires_grad}
    assert {n for n, _ in network.named_parameters() if n.startswith("nonlocal_branch.")} < learns
    assert not any(n.startswith("local_branch.") for n in learns)
