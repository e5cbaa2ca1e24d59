import pytest
import torch
from tiny_backbone import TinyBackbone
from torch import Tensor
from training_jobs import UNIT

from biqa_cli.models.build import assemble_network
from biqa_cli.models.spec import InputContract
from biqa_cli.networks.blockiqa import BlockIQA
from biqa_cli.recipes.files import load_recipe, with_settings
from biqa_cli.training.batch import Batch, Triples
from biqa_cli.training.families.base import Setting
from biqa_cli.training.families.blockiqa import BlockIQAPhase
from biqa_cli.training.families.monotonicity import monotonicity_loss

CONTRACT = InputContract(64, 64, (0.0,) * 3, (1.0,) * 3)


@pytest.fixture(autouse=True)
def tiny() -> None:
    """The stem of the real EfficientNet-Lite0 is needed here."""


def phase_of(network: BlockIQA, *settings: str, config: str = "blockiqa") -> BlockIQAPhase:
    recipe = with_settings(load_recipe("blockiqa", config=config), settings)
    return BlockIQAPhase(Setting(recipe, CONTRACT, scale=UNIT, network=network))


def test_the_loss_is_the_squared_error_and_if_asked_for_the_correlation() -> None:
    torch.manual_seed(0)
    network = BlockIQA(TinyBackbone()).eval()
    images, labels = torch.rand(6, 3, 64, 64), torch.linspace(0.1, 0.9, 6)
    batch = Batch(images, labels, torch.full((6,), -1), 0, torch.Generator())
    losses = [phase_of(network, f"loss.plcc_weight={w}").loss(batch)["loss"] for w in (0, 0.5)]
    scores = network(images).scores
    assert torch.allclose(losses[0], ((scores - labels) ** 2).mean())
    plcc = torch.corrcoef(torch.stack([scores, labels]))[0, 1]
    assert torch.allclose(losses[1] - losses[0], 0.5 * (1 - plcc), atol=1e-4)


def test_triples_cost_what_they_miss_and_are_no_rated_samples() -> None:
    torch.manual_seed(0)
    network = BlockIQA(TinyBackbone()).eval()
    images, labels = torch.rand(6, 3, 64, 64), torch.linspace(0.1, 0.9, 6)
    degraded, levels = torch.rand(2, 3, 3, 64, 64), torch.tensor([[1, 3], [2, 4]])
    triples = Triples(degraded, levels)
    phase = phase_of(network, "monotonicity.weight=7", config="blockiqa-cpu")
    found = []
    for given in (None, triples):
        types = torch.full((6,), -1)
        batch = Batch(images, labels, types, 0, torch.Generator(), triples=given)
        found.append(phase.loss(batch))
    shares = network(degraded.flatten(0, 1)).scores.reshape(2, 3)
    missed = monotonicity_loss(shares, levels)
    assert missed > 0 and torch.allclose(found[1]["monotonicity"], missed, atol=1e-6)
    assert torch.allclose(found[1]["loss"] - found[0]["loss"], 7 * missed, atol=1e-5)


def test_maps_of_any_scale_count_alike_in_a_new_head() -> None:
    torch.manual_seed(0)
    network = BlockIQA(TinyBackbone()).eval()
    with torch.inference_mode():
        pooled = network.pooled(torch.rand(40, 3, 64, 64))
    levels, responses = network.parts_of(pooled)

    def shares(scale: float) -> Tensor:
        """Return the spread of the parts of f_FPN that come from F_1 … F_4."""
        scaled = [[means.clone() for means in level] for level in levels]
        for level in scaled:
            level[-1][..., :-1] *= scale
        fresh = BlockIQA(TinyBackbone()).eval()
        parts = torch.cat([means.flatten(1) for level in scaled for means in level], dim=1)
        again = torch.cat([parts, responses], dim=1).reshape(40, 4, -1)
        torch.manual_seed(1)
        phase_of(fresh).init_head(again)
        with torch.inference_mode():
            return fresh.fpn.from_windows(scaled).std(0).reshape(4, -1).mean(1)

    assert torch.allclose(shares(1), shares(1000), rtol=1e-3)
    assert shares(1).max() < 2 * shares(1).min()


def test_the_filters_of_a_frozen_backbones_stem_are_those_of_afel() -> None:
    network = assemble_network("blockiqa", ("efficientnet-lite0",))
    assert isinstance(network, BlockIQA) and network.afel is not None
    stem = network.backbone.get_submodule("stem")  # type: ignore[attr-defined]
    stem[1].running_mean.uniform_(-1, 1)
    stem[1].running_var.uniform_(0.5, 2)
    phase_of(network, config="blockiqa-cpu")
    # Away from the border, which the two pad differently, one colour gives one response.
    images = torch.rand(1, 3, 1, 1).expand(1, 3, 32, 32)
    network.eval()
    with torch.inference_mode():
        theirs, ours = stem[:2](images)[..., 8, 8], network.afel.conv(images)[..., 8, 8]
    assert torch.allclose(ours, torch.cat([theirs, -theirs], dim=1), atol=1e-5)
    assert network.afel.conv.weight.std(dim=(0, 2, 3)).min() > 0
