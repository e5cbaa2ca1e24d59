from dataclasses import replace

import pytest
import torch
from msgspec import structs
from tiny_backbone import TinyBackbone
from torch.nn import functional

from biqa_cli.networks.qualitynet import QualityNet
from biqa_cli.recipes.record import ExamplesRecipe
from biqa_cli.training.batch import Batch, Examples, output_of
from biqa_cli.training.families.flaw_terms import with_examples

WEIGHTS = ExamplesRecipe(weight=2.0, unflawed_weight=3.0, flaws_weight=5.0)
FEATURES = 2 * (4 + 6 + 8 + 10)
KEPT = torch.tensor([0.1, 1.0, 0.9])
FLAWS = torch.tensor([[0.9] + 11 * [0.0], 12 * [0.0], [0.0, 0.1] + 10 * [0.0]])


@pytest.fixture
def network() -> QualityNet:
    torch.manual_seed(0)
    backbones = (TinyBackbone(), TinyBackbone())
    return QualityNet(*backbones, chains=1, levels="all", pooling="mean+std", flaws=True).eval()


@pytest.fixture
def batch() -> Batch:
    examples = Examples(
        inputs=torch.randn(3, FEATURES),
        labels=torch.tensor([10.0, 50.0, 80.0]),
        are_rated=torch.tensor([False, True, False]),
        have_known_flaws=torch.tensor([True, True, False]),
        kept=KEPT,
        flaws=FLAWS,
        unflawed=torch.randn(2, FEATURES),
    )
    labels = torch.tensor([90.0, 20.0])
    inputs, types = torch.randn(2, FEATURES), torch.full((2,), -1)
    return Batch(inputs, labels, types, 0, torch.Generator(), is_cached=True, examples=examples)


def test_flaws_are_learnt_from_examples_and_from_good_rated_photos(
    network: QualityNet, batch: Batch
) -> None:
    assert batch.examples is not None
    output = output_of(network, batch)
    # Two rated photos, and the example that is worth what a photo was rated.
    assert len(output.rated) == 3
    found = with_examples(
        {"loss": torch.tensor(1.0)},
        network,
        output.rated,
        batch,
        weights=WEIGHTS,
        label_span=100.0,
    )
    unflawed = ((output.rated[2] - 50) / 100) ** 2
    assert found["unflawed"].item() == pytest.approx(unflawed.item())
    # Nobody knows what other flaws the last example has.
    inputs = torch.cat([batch.examples.unflawed, batch.examples.inputs[:2]])
    ceilings, flaws = network.flaws_of(inputs)
    wanted = 1.3 * torch.tensor([1.0, 1.0, 0.1, 1.0])
    distance = (ceilings / 100 - wanted).square().mean()
    entropy = functional.binary_cross_entropy(flaws, torch.cat([torch.zeros(2, 12), FLAWS[:2]]))
    assert found["ceilings"].item() == pytest.approx(distance.item(), rel=1e-5)
    assert found["flaws"].item() == pytest.approx(entropy.item(), rel=1e-5)
    expected = 1 + 2 * distance + 3 * unflawed + 5 * entropy
    assert found["loss"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_ceiling_of_a_photo_without_a_flaw_is_the_recipes(
    network: QualityNet, batch: Batch
) -> None:
    rated = output_of(network, batch).rated
    terms = {"loss": torch.tensor(0.0)}
    found = [
        with_examples(
            terms,
            network,
            rated,
            batch,
            weights=structs.replace(WEIGHTS, ceiling=ceiling),
            label_span=100.0,
        )["ceilings"].item()
        for ceiling in (0.5, 1.0, 1.5)
    ]
    # Squares of (said - ceiling · kept), which has a second difference of 2 · 0.5² · mean(kept²).
    kept = torch.tensor([1.0, 1.0, 0.1, 1.0])
    bend = found[0] - 2 * found[1] + found[2]
    assert bend == pytest.approx(0.5 * kept.square().mean().item(), rel=1e-3)


def test_neither_head_learns_from_what_the_other_is_for(network: QualityNet, batch: Batch) -> None:
    rated = output_of(network, batch).rated
    terms = {"loss": torch.tensor(0.0)}
    found = with_examples(terms, network, rated, batch, weights=WEIGHTS, label_span=100.0)
    (found["ceilings"] + found["flaws"]).backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None for p in network.head.parameters())
    assert network.flaw_head is not None
    assert all(p.grad is not None for p in network.flaw_head.parameters())


def test_without_examples_nothing_is_added(network: QualityNet, batch: Batch) -> None:
    terms = {"loss": torch.tensor(1.0)}
    bare = replace(batch, examples=None)
    rated = output_of(network, bare).rated
    found = with_examples(terms, network, rated, bare, weights=WEIGHTS, label_span=100.0)
    assert found == terms
