"""The terms of NLNet's loss against values worked by hand."""

import pytest
import torch
from tiny_backbone import TinyBackbone
from training_jobs import UNIT

from biqa_cli.models.spec import InputContract
from biqa_cli.networks.nlnet import NLNet
from biqa_cli.recipes.files import load_recipe, with_settings
from biqa_cli.training.batch import Batch
from biqa_cli.training.families.base import Setting
from biqa_cli.training.families.nlnet import NLNetPhase, ranking_loss
from biqa_cli.training.families.qualitynet import plcc_loss

_PREDICTED, _MOS = torch.tensor([1.0, 3.0, 2.0]), torch.tensor([1.0, 1.0, 1.5])


def test_the_ranking_term_is_the_mean_over_all_pairs() -> None:
    # Differences: -2 for 0, -1 for -0.5, 1 for -0.5: 1.5, 0.125, 1.
    assert ranking_loss(_PREDICTED, _MOS).item() == pytest.approx(2.625 / 3)


def test_a_shift_of_all_scores_does_not_change_the_ranking_term() -> None:
    assert ranking_loss(_PREDICTED + 5, _MOS).item() == pytest.approx(2.625 / 3)


def phase_of(network: NLNet, *settings: str) -> NLNetPhase:
    recipe = with_settings(load_recipe("nlnet", config="nlnet-cpu"), settings)
    contract = InputContract(112, 112, (0.0,) * 3, (1.0,) * 3)
    network.eval()
    return NLNetPhase(Setting(recipe, contract, scale=UNIT, network=network))


def test_the_total_has_the_weights_100_1_1_and_types_are_optional() -> None:
    torch.manual_seed(0)
    images, labels = torch.rand(3, 3, 112, 112), torch.tensor([0.1, 0.5, 0.9])
    types = torch.tensor([0, 3, 1])
    batch = Batch(images, labels, types, 0, torch.Generator())
    for count in (0, 4):
        network = NLNet(TinyBackbone(), types=count, branches="local")
        found = phase_of(network, "loss.plcc_weight=0", "network.branches=local").loss(batch)
        output = network(images)
        distance = (output.scores - labels).abs()
        quality = torch.where(distance < 1, distance**2 / 2, distance - 0.5).mean()
        expected = 100 * quality + ranking_loss(output.scores, labels)
        assert ("type" in found) == bool(count)
        if count:
            shares = output.type_logits.softmax(dim=1)[torch.arange(3), types]
            expected = expected - shares.log().mean()
        assert found["loss"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_cached_features_cost_what_the_photos_cost() -> None:
    torch.manual_seed(0)
    network = NLNet(TinyBackbone(), nodes=12, pixels=10)
    phase, plain = phase_of(network), phase_of(network, "loss.plcc_weight=0")
    assert phase.extras is None
    # Noise is for the CNN's features of a photo; superpixels are its pixels.
    assert phase.noisy == network.local_features
    images, labels = torch.rand(3, 3, 224, 112), torch.tensor([0.1, 0.5, 0.9])
    with torch.no_grad():
        pooled, scores = network.pooled(images), network(images).scores
    types, generator = torch.full((3,), -1), torch.Generator()
    photos = Batch(images, labels, types, 0, generator)
    cached = Batch(pooled, labels, types, 0, generator, is_cached=True)
    expected = plain.loss(photos)["loss"] + 10 * plcc_loss(scores, labels)
    assert torch.allclose(phase.loss(photos)["loss"], expected)
    assert torch.allclose(phase.loss(cached)["loss"], expected)
