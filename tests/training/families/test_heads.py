import pytest
import torch
from tiny_backbone import TinyBackbone
from torch import nn
from training_jobs import UNIT

from biqa_cli.models.spec import InputContract
from biqa_cli.networks.qualitynet import QualityNet
from biqa_cli.networks.shdiqa import SHDIQA
from biqa_cli.recipes.files import load_recipe, with_settings
from biqa_cli.training.families.base import Setting
from biqa_cli.training.families.heads import project_at_random
from biqa_cli.training.families.qualitynet import QualityNetPhase, mae_weight_of
from biqa_cli.training.families.shdiqa import QualityPhase


def test_features_of_any_size_weigh_alike_and_what_hardly_varies_less() -> None:
    torch.manual_seed(0)
    sizes = torch.tensor([1e-9, 0.5, 1.0, 1000.0])
    features = torch.randn(500, 4) * sizes + 7
    layer = nn.Linear(4, 200)
    project_at_random(layer, features)
    with torch.no_grad():
        assert layer(features).mean(0).abs().max() < 1e-2
        shares = (layer.weight * features.std(0)).std(0)
    assert shares[0] < 1e-3 * shares[1]
    assert shares[1:].max() < 1.3 * shares[1:].min()


def test_qualitynets_new_head_starts_with_features_of_equal_weight() -> None:
    recipe = load_recipe("qualitynet", config="qualitynet-cpu")
    torch.manual_seed(0)
    network = QualityNet(TinyBackbone(), TinyBackbone(), levels="all", attention="none")
    contract = InputContract(112, 112, (0.0,) * 3, (1.0,) * 3)
    phase = QualityNetPhase(Setting(recipe, contract, scale=UNIT, network=network))
    width = sum(network.widths)
    pooled = torch.randn(300, width) * torch.logspace(-3, 3, width) + 7
    phase.init_head(pooled)
    shares = (network.head[0].weight * pooled.std(0)).std(0)
    assert shares[-width // 2 :].max() < 1.5 * shares[-width // 2 :].min()
    found = network.head[0](pooled)
    assert found.mean(0).abs().max() < 0.1 and 0.3 < found.std() < 1.5


@pytest.mark.parametrize("kept", [True, False])
def test_a_head_for_flaws_starts_anew_beside_one_that_goes_on(kept: bool) -> None:
    settings = ("network.chains=1", "network.flaws=true", "examples.weight=1")
    settings += ("examples.flaws_weight=1", "optimiser.trainable=flaws")
    recipe = with_settings(load_recipe("qualitynet", config="qualitynet-cpu"), settings)
    torch.manual_seed(0)
    network = QualityNet(TinyBackbone(), TinyBackbone(), chains=1, levels="all", flaws=True)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for module in network.flaw_head.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.fill_(3)
    contract = InputContract(64, 64, (0.0,) * 3, (1.0,) * 3)
    setting = Setting(recipe, contract, scale=UNIT, network=network, head_is_new=not kept)
    assert setting.has_new_head
    QualityNetPhase(setting).init_head(torch.randn(50, sum(network.widths)))
    changed = {
        n for n, tensor in network.state_dict().items() if not torch.equal(tensor, before[n])
    }
    weights = {f"flaw_head.{n}.weight" for n in (0, 4, 8, 12)}
    assert weights <= changed
    assert not any("running" in name for name in changed)
    assert any(name.startswith("head.") for name in changed) != kept


def test_shdiqas_tokens_start_with_channels_of_equal_weight() -> None:
    torch.manual_seed(0)
    network = SHDIQA(TinyBackbone(), depth=1, input_size=64)
    project = network.encoder.vit.embedding.project
    assert isinstance(project, nn.Conv2d)
    contract = InputContract(64, 64, (0.0,) * 3, (1.0,) * 3)
    phase = QualityPhase(Setting(load_recipe("shdiqa"), contract, scale=UNIT, network=network))
    width = project.in_channels
    sizes = torch.logspace(-1, 1, width)[:, None, None]
    features = torch.randn(40, width, 3, 5) * sizes + 7
    phase.init_head(features)
    # Of each channel over all photos and places.
    spread = features.std((0, 2, 3))
    shares = (project.weight[:, :, 0, 0] * spread).std(0)
    assert shares[-width // 2 :].max() < 1.5 * shares[-width // 2 :].min()
    assert project(features).mean((0, 2, 3)).abs().max() < 0.1


@pytest.mark.parametrize(("span", "weight"), [(0.5, 10.0), (1.0, 10.0), (1.5, 1.0), (100.0, 1.0)])
def test_the_absolute_error_of_narrow_labels_weighs_ten_times(span: float, weight: float) -> None:
    assert mae_weight_of("auto", label_span=span) == weight
    assert mae_weight_of(3.0, label_span=span) == 3.0
