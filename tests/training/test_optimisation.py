import pytest
import torch
from msgspec import structs
from tiny_backbone import TinyBackbone
from torch import nn

from biqa_cli.errors import UsageError
from biqa_cli.networks.blockiqa import BlockIQA
from biqa_cli.networks.shdiqa import SHDIQA
from biqa_cli.recipes.files import load_recipe, with_settings
from biqa_cli.recipes.record import OptimiserRecipe
from biqa_cli.training.freezing import freeze, slots_of
from biqa_cli.training.optimisation import make_optimiser, make_schedule, rate_factor


def rates_of(network: nn.Module, family: str, *settings: str) -> dict[str, tuple[float, float]]:
    recipe = with_settings(load_recipe(family), settings)
    slots = slots_of(recipe)
    freeze(network, slots, trainable=recipe.optimiser.trainable)
    optimiser = make_optimiser(network, recipe.optimiser, slots)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    return {
        names[id(parameter)]: (group["lr"], group["weight_decay"])
        for group in optimiser.param_groups
        for parameter in group["params"]
    }


def test_the_backbone_has_a_rate_of_its_own() -> None:
    rates = rates_of(
        BlockIQA(TinyBackbone()), "blockiqa", "optimiser.rate=3e-4", "optimiser.backbone_rate=2e-5"
    )
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


def test_nothing_that_learns_is_an_error() -> None:
    network = BlockIQA(TinyBackbone()).requires_grad_(requires_grad=False)
    recipe = load_recipe("blockiqa")
    with pytest.raises(UsageError, match="nothing would learn"):
        make_optimiser(network, recipe.optimiser, slots_of(recipe))


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
    cosine = curve("blockiqa", [0, 5, 10], "schedule.curve=cosine", "schedule.epochs=10")
    assert cosine == pytest.approx([1, 0.5, 0])
    shortest = structs.replace(recipe, curve="cosine", warmup=0.0)
    assert rate_factor(1, shortest, epochs=1, steps=1) == pytest.approx(0)


def test_rates_fall_on_a_plateau_and_never_below_the_lowest() -> None:
    parameter = nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.Adam([parameter], lr=1e-4)
    recipe = structs.replace(load_recipe("qualitynet").schedule, lowest=3e-5)
    schedule = make_schedule(optimiser, recipe, epochs=9, steps=1)
    rates = []
    for _ in range(8):
        schedule.step(1.0)
        rates.append(optimiser.param_groups[0]["lr"])
    assert rates[:3] == [1e-4] * 3 and rates[3] == pytest.approx(4e-5)
    assert rates[-1] == pytest.approx(3e-5)


@pytest.mark.parametrize("algorithm", ["adam", "adamw"])
def test_adamw_decays_weights_apart_from_the_gradient(algorithm: str) -> None:
    learner = nn.Linear(3, 2)
    before = learner.weight.detach().clone()
    recipe = OptimiserRecipe(algorithm=algorithm, rate=0.01, weight_decay=0.5)  # type: ignore[arg-type]
    optimiser = make_optimiser(learner, recipe, ())
    (0 * learner(torch.ones(1, 3))).sum().backward()
    optimiser.step()
    if algorithm == "adamw":
        # Loshchilov and Hutter: w - rate · decay · w, whatever the gradient.
        assert torch.allclose(learner.weight, before * (1 - 0.01 * 0.5), atol=1e-7)
    else:
        # The decay is a gradient, of which Adam's first step takes the sign.
        assert torch.allclose(learner.weight, before - 0.01 * before.sign(), atol=1e-5)


def test_a_rate_on_a_curve_never_falls_below_the_lowest() -> None:
    parameters = [nn.Parameter(torch.zeros(1)) for _ in range(2)]
    groups = [{"params": [p], "lr": lr} for p, lr in zip(parameters, (1e-3, 1e-5), strict=True)]
    optimiser = torch.optim.Adam(groups)
    recipe = structs.replace(load_recipe("blockiqa").schedule, curve="cosine", lowest=2e-4)
    schedule = make_schedule(optimiser, recipe, epochs=2, steps=2)
    for _ in range(4):
        optimiser.step()
        schedule.step()
    assert [group["lr"] for group in optimiser.param_groups] == pytest.approx([2e-4, 2e-4])
