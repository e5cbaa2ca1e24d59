import torch
from tiny_backbone import TinyBackbone
from torch import nn

from biqa_cli.models.spec import InputContract
from biqa_cli.networks.qualitynet import QualityNet
from biqa_cli.training.families.base import Setting
from biqa_cli.training.families.heads import project_at_random
from biqa_cli.training.families.qualitynet import QualityNetPhase
from biqa_cli.training.recipe_files import load_recipe


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
    phase = QualityNetPhase(Setting(recipe, contract, label_span=1, network=network))
    width = sum(network.widths)
    pooled = torch.randn(300, width) * torch.logspace(-3, 3, width) + 7
    phase.init_head(pooled)
    shares = (network.head[0].weight * pooled.std(0)).std(0)
    assert shares[-width // 2 :].max() < 1.5 * shares[-width // 2 :].min()
    found = network.head[0](pooled)
    assert found.mean(0).abs().max() < 0.1 and 0.3 < found.std() < 1.5
