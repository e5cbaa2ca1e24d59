"""A new head sees every channel of a pretrained trunk in units of its spread."""

from dataclasses import replace

import pytest
import torch
from tiny_trunk import TinyTrunk
from torch import nn

from biqa_cli.models.nlnet import NLNet
from biqa_cli.models.qualitynet import QualityNet
from biqa_cli.models.reqa import REQA
from biqa_cli.models.shdiqa import SHDIQA
from biqa_cli.models.spec import InputContract
from biqa_cli.training.config import load_recipe, with_settings
from biqa_cli.training.families import PHASES
from biqa_cli.training.families.base import Batch, Setting
from biqa_cli.training.families.start import places, standardise

CONTRACT = InputContract(224, 224, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
SIZES = {"reqa": 112, "nlnet": 112, "qualitynet": 64, "shdiqa": 64}
FAMILIES = tuple(SIZES)


def network_of(family: str) -> nn.Module:
    trunk = TinyTrunk()
    if family == "reqa":
        return REQA(trunk, input_size=112)
    if family == "nlnet":
        return NLNet(trunk, branches="local")
    if family == "qualitynet":
        return QualityNet(trunk, TinyTrunk())
    return SHDIQA(trunk, depth=1, input_size=64, use_baf=False)


def first_layer(network: nn.Module) -> nn.Module:
    names = {
        REQA: "transformer.embed",
        NLNet: "quality_head.0",
        QualityNet: "head.0",
        SHDIQA: "encoder.vit.embedding.project",
    }
    return network.get_submodule(names[type(network)])


def setting_of(family: str, network: nn.Module, *settings: str) -> Setting:
    options = {"nlnet": ["branches=local"], "shdiqa": ["use_baf=false"]}.get(family, [])
    recipe = with_settings(load_recipe(family, config=f"{family}-cpu"), [*options, *settings])
    return Setting(recipe=recipe, contract=CONTRACT, label_span=1.0, build=lambda: network)


def batch_of(family: str) -> Batch:
    size = SIZES[family]
    return Batch(
        images=torch.rand(24, 3, size, size),
        labels=torch.rand(24),
        types=torch.full((24,), -1),
        extras={},
        epoch=0,
        generator=torch.Generator(),
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_a_new_head_starts_from_standardised_features(family: str) -> None:
    torch.manual_seed(0)
    network = network_of(family).eval()
    (phase,) = PHASES[family](setting_of(family, network))
    layer, batch = first_layer(network), batch_of(family)
    assert phase.meet is not None
    with torch.no_grad():
        phase.meet(batch)
    seen: list[torch.Tensor] = []
    layer.register_forward_hook(lambda _m, _i, out: seen.append(out.detach()))
    with torch.no_grad():
        phase.loss(batch)
    out = seen[0]
    rows = places(out) if out.ndim == 4 else out
    # A random projection of features of mean 0 and spread 1.
    assert rows.mean(0).abs().max() < 1e-3
    assert 0.3 < rows.std() < 1.5


@pytest.mark.parametrize("family", FAMILIES)
def test_a_trained_head_and_a_recipe_of_the_papers_start_as_they_are(family: str) -> None:
    network = network_of(family)
    known = replace(setting_of(family, network), head_is_new=lambda: False)
    assert PHASES[family](known)[0].meet is None
    assert PHASES[family](setting_of(family, network, "trainable=all"))[0].meet is None


def test_a_channel_that_hardly_varies_does_not_rule() -> None:
    torch.manual_seed(0)
    spreads = torch.tensor([1e-9, 1.0, 1.0, 1.0, 1.0, 1.0, 100.0])
    layer = nn.Linear(len(spreads), 500)
    standardise(layer, torch.randn(200, len(spreads)) * spreads)
    said = (layer.weight.detach() * spreads).std(0)
    # The widest counts as much as the others, the narrowest hardly.
    assert said[6] == pytest.approx(float(said[1]), rel=0.2)
    assert said[0] < 1e-6 * said[1]
