"""What turns a batch into a loss; the losses themselves have their own tests."""

import numpy as np
import pytest
import torch
from biqa_cli.training.config import load_recipe, with_settings
from biqa_cli.training.losses.nlnet import nlnet_loss
from biqa_cli.training.losses.qualitynet import plcc_loss
from biqa_cli.training.losses.reqa import coarse_to_fine_loss, micro_batches, stage_weights
from biqa_cli.training.order import order_loss
from tiny_backbone import TinyBackbone
from torch import Tensor, nn

from biqa_cli.errors import UsageError
from biqa_cli.models.build import assemble_network
from biqa_cli.models.options import OPTIONS
from biqa_cli.models.spec import Family, InputContract
from biqa_cli.networks.blockiqa import BlockIQA
from biqa_cli.networks.nlnet import NLNet
from biqa_cli.networks.qualitynet import QualityNet
from biqa_cli.networks.reqa import REQA
from biqa_cli.training.families import blockiqa, nlnet, qualitynet, reqa
from biqa_cli.training.families.base import Batch, OrderBatch, Setting
from biqa_cli.training.families.blockiqa import standardise
from biqa_cli.training.recipe import Recipe

CONTRACT = InputContract(112, 112, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def test_every_option_of_the_table_is_an_argument_of_its_network() -> None:
    backbones: dict[Family, tuple[str, ...]] = {
        "blockiqa": ("efficientnet-lite0",),
        "qualitynet": ("efficientnet-lite0", "efficientnet-lite0"),
        "reqa": ("efficientnet-lite0",),
        "shdiqa": ("efficientnet-lite0",),
        "nlnet": ("efficientnet-lite0",),
    }
    with torch.device("meta"):
        for family, options in OPTIONS.items():
            for name, option in options.items():
                for value in option.choices:
                    # SHDIQA's patches of 32 need an even number a side.
                    size = {"input_size": 448} if family == "shdiqa" else {}
                    network = assemble_network(
                        family, backbones[family], options={name: value} | size
                    )  # type: ignore[arg-type]
                    assert isinstance(network, nn.Module), (family, name, value)


def test_reqa_moves_through_four_stages_of_equal_length() -> None:
    recipe = with_settings(load_recipe("reqa"), ["epochs=8"])
    torch.manual_seed(0)
    network = REQA(TinyBackbone(), input_size=112)
    setting = Setting(recipe, CONTRACT, label_span=100, build=lambda: network)
    (phase,) = reqa.phases(setting)
    network.eval()
    images, labels = torch.rand(10, 3, 112, 112), torch.linspace(0, 90, 10)
    for epoch, stage in ((0, 1), (1, 1), (2, 2), (5, 3), (7, 4)):
        generator = torch.Generator().manual_seed(epoch)
        found = phase.loss(Batch(images, labels, labels, {}, epoch, generator))["loss"]
        groups = micro_batches(labels, generator=torch.Generator().manual_seed(epoch))
        expected = coarse_to_fine_loss(
            network(images).step_scores, labels, groups=groups, weights=stage_weights(stage)
        )
        assert torch.equal(found, expected)


def test_reqa_goes_on_at_the_stage_that_a_recipe_names() -> None:
    network = REQA(TinyBackbone(), input_size=112).eval()
    images, labels = torch.rand(10, 3, 112, 112), torch.linspace(0, 90, 10)
    recipe = with_settings(load_recipe("reqa"), ["epochs=2", "first_stage=4"])
    (phase,) = reqa.phases(Setting(recipe, CONTRACT, label_span=100, build=lambda: network))
    network.eval()
    for epoch in (0, 1):
        generator = torch.Generator().manual_seed(0)
        found = phase.loss(Batch(images, labels, labels, {}, epoch, generator))["loss"]
        expected = coarse_to_fine_loss(
            network(images).step_scores,
            labels,
            groups=micro_batches(labels, generator=torch.Generator().manual_seed(0)),
            weights=stage_weights(4),
        )
        assert torch.equal(found, expected)
    beyond = with_settings(load_recipe("reqa"), ["first_stage=5"])
    with pytest.raises(UsageError, match="stages 1 to 4, got 5"):
        reqa.phases(Setting(beyond, CONTRACT, label_span=100, build=lambda: network))


def test_reqa_pays_for_degraded_photos_that_do_not_score_below() -> None:
    recipe = load_recipe("reqa")
    torch.manual_seed(0)
    network = REQA(TinyBackbone(), input_size=112)
    (phase,) = reqa.phases(Setting(recipe, CONTRACT, label_span=100, build=lambda: network))
    network.eval()
    images, labels = torch.rand(6, 3, 112, 112), torch.linspace(0, 90, 6)
    triples = torch.rand(2, 3, 3, 112, 112)
    levels = torch.tensor([[1, 3], [2, 4]])
    found = []
    for order in (None, OrderBatch(triples, levels, weight=7.0, span=100.0)):
        generator = torch.Generator().manual_seed(0)
        batch = Batch(images, labels, labels, {}, 0, generator, order=order)
        found.append(phase.loss(batch))
    missed = order_loss(network(triples.flatten(0, 1)).scores.reshape(2, 3) / 100, levels)
    assert missed > 0 and torch.allclose(found[1]["order"], missed, atol=1e-6)
    assert torch.allclose(found[1]["loss"] - found[0]["loss"], 7 * missed, atol=1e-4)


def test_blockiqas_loss_may_have_qualitynets_second_term() -> None:
    torch.manual_seed(0)
    network = BlockIQA(TinyBackbone()).eval()
    images, labels = torch.rand(6, 3, 64, 64), torch.linspace(0.1, 0.9, 6)
    batch = Batch(images, labels, labels, {}, 0, torch.Generator())
    losses = []
    for weight in (0, 0.5):
        recipe = with_settings(load_recipe("blockiqa"), [f"plcc_weight={weight}"])
        (phase,) = blockiqa.phases(Setting(recipe, CONTRACT, label_span=1, build=lambda: network))
        network.eval()
        losses.append(phase.loss(batch)["loss"])
    scores = network(images).scores
    assert torch.allclose(losses[0], ((scores - labels) ** 2).mean())
    assert torch.allclose(losses[1] - losses[0], 0.5 * plcc_loss(scores, labels))


def window_recipe(*more: str) -> Recipe:
    settings = ["trainable=last", "height=128", "width=96", "window=64", "rotate=0", *more]
    return with_settings(load_recipe("blockiqa"), ["blocks=1", *settings])


def test_a_window_of_what_is_kept_is_one_of_the_map_and_of_the_teachers() -> None:
    torch.manual_seed(0)
    network = BlockIQA(TinyBackbone(), blocks=1).eval()
    build = Setting(window_recipe(), CONTRACT, label_span=1, build=lambda: network)
    (phase,) = blockiqa.phases(build)
    assert phase.cut is not None and phase.keeps_below_last
    with torch.inference_mode():
        kept = network.pooled(torch.rand(1, 3, 128, 96))[0].numpy()
    means = network.kept_means
    c3 = kept[:, means:].reshape(8, 6, 8)
    # Both maps are told from their places: the teacher's has 4 × 3 of two channels.
    c3[...] = np.arange(8)[:, None, None] + 10 * np.arange(6)[:, None]
    theirs = np.arange(4)[:, None] + 100 * np.arange(3) + np.zeros((2, 1, 1))
    whole = np.concatenate([kept, theirs.reshape(1, -1)], axis=1).astype(np.float32)
    seen = set()
    for seed in range(40):
        part = phase.cut(whole, np.random.default_rng(seed))
        assert np.array_equal(part[:, :means], kept[:, :means])
        mine = part[0, means : means + 4 * 4 * 8].reshape(4, 4, 8)
        beside = part[0, means + 4 * 4 * 8 :].reshape(2, 2, 2)
        y, x = int(mine[0, 0, 0] % 10), int(mine[0, 0, 0] // 10)
        assert np.array_equal(mine, c3[y : y + 4, x : x + 4])
        assert np.array_equal(beside, theirs[:, y // 2 : y // 2 + 2, x // 2 : x // 2 + 2])
        seen.add((y, x))
        with torch.inference_mode():
            levels, _ = network.parts_of(torch.from_numpy(part)[None])
            c4 = network.backbone.last(torch.from_numpy(mine).permute(2, 0, 1)[None])  # type: ignore[attr-defined]
        # The middle of the nine windows is the whole map.
        assert torch.allclose(levels[3][0][0, 4, :-1], c4.mean(dim=(0, 2, 3)), atol=1e-5)
    assert seen == {(y, x) for y in (0, 2, 4) for x in (0, 2)}


@pytest.mark.parametrize("side", [48, 128])
def test_a_window_that_does_not_fit_is_refused(side: int) -> None:
    build = Setting(
        window_recipe(f"window={side}"),
        CONTRACT,
        1,
        build=lambda: BlockIQA(TinyBackbone(), blocks=1),
    )
    with pytest.raises(UsageError, match="a multiple of 32 that fits"):
        blockiqa.phases(build)


def test_maps_of_any_scale_count_alike_in_a_new_head() -> None:
    torch.manual_seed(0)
    network = BlockIQA(TinyBackbone()).eval()
    with torch.inference_mode():
        pooled = network.pooled(torch.rand(40, 3, 64, 64))
    standardise(network, pooled)
    levels, _ = network.parts_of(pooled)

    def shares(scale: float) -> Tensor:
        """Return the spread of the parts of f_FPN that come from F_1 … F_4."""
        scaled = [[means.clone() for means in level] for level in levels]
        for level in scaled:
            level[-1][..., :-1] *= scale
        fresh = BlockIQA(TinyBackbone()).eval()
        parts = torch.cat([means.flatten(1) for level in scaled for means in level], dim=1)
        responses = network.parts_of(pooled)[1]
        again = torch.cat([parts, responses], dim=1).reshape(40, 4, -1)
        torch.manual_seed(1)
        standardise(fresh, again)
        with torch.inference_mode():
            return fresh.fpn.from_windows(scaled).std(0).reshape(4, -1).mean(1)

    assert torch.allclose(shares(1), shares(1000), rtol=1e-3)
    assert shares(1).max() < 2 * shares(1).min()


def test_qualitynets_new_head_starts_with_features_of_equal_weight() -> None:
    recipe = load_recipe("qualitynet", config="qualitynet-cpu")
    torch.manual_seed(0)
    network = QualityNet(TinyBackbone(), TinyBackbone(), levels="all", attention="none")
    (phase,) = qualitynet.phases(Setting(recipe, CONTRACT, label_span=1, build=lambda: network))
    assert phase.meet is not None
    width = sum(network.widths)
    pooled = torch.randn(300, width) * torch.logspace(-3, 3, width) + 7
    phase.meet(pooled)
    weight = network.head[0].weight
    shares = (weight * pooled.std(0)).std(0)
    # What hardly varies is not blown up; all else counts alike, however large its numbers.
    assert shares[-width // 2 :].max() < 1.5 * shares[-width // 2 :].min()
    found = network.head[0](pooled)
    assert found.mean(0).abs().max() < 0.1 and 0.3 < found.std() < 1.5
    going_on = Setting(
        recipe, CONTRACT, label_span=1, build=lambda: network, head_is_new=lambda: False
    )
    assert qualitynet.phases(going_on)[0].meet is None


def test_the_filters_of_a_frozen_backbones_stem_are_those_of_afel() -> None:
    recipe = load_recipe("blockiqa", config="blockiqa-cpu")
    network = assemble_network("blockiqa", recipe.backbones)
    assert isinstance(network, BlockIQA)
    stem = network.backbone.get_submodule("stem")  # type: ignore[attr-defined]
    stem[1].running_mean.uniform_(-1, 1)
    stem[1].running_var.uniform_(0.5, 2)
    blockiqa.phases(Setting(recipe, CONTRACT, label_span=1, build=lambda: network))
    assert network.afel is not None
    # Away from the border, which the two pad differently, one colour gives one response.
    images = torch.rand(1, 3, 1, 1).expand(1, 3, 32, 32)
    network.eval()
    with torch.inference_mode():
        theirs, ours = stem[:2](images)[..., 8, 8], network.afel.conv(images)[..., 8, 8]
    assert torch.allclose(ours, torch.cat([theirs, -theirs], dim=1), atol=1e-5)
    assert network.afel.conv.weight.std(dim=(0, 2, 3)).min() > 0


def test_nlnet_learns_from_what_is_kept_of_photos_what_it_learns_from_photos() -> None:
    recipe = load_recipe("nlnet", config="nlnet-cpu")
    torch.manual_seed(0)
    network = NLNet(TinyBackbone(), nodes=12, pixels=10)
    setting = Setting(recipe, CONTRACT, label_span=1, build=lambda: network)
    (phase,) = nlnet.phases(setting)
    assert phase.extras is None
    # Noise is for what the CNN makes of a photo; superpixels are its pixels.
    assert phase.noisy == network.local_features
    network.eval()
    images, labels = torch.rand(3, 3, 224, 112), torch.tensor([0.1, 0.5, 0.9])
    with torch.no_grad():
        pooled, scores = network.pooled(images), network(images).scores
    alone = nlnet_loss(scores, labels).total
    expected = nlnet_loss(scores, labels, plcc_weight=10.0).total
    assert torch.allclose(expected, alone + 10 * plcc_loss(scores, labels))
    generator = torch.Generator()
    for seen, is_pooled in ((images, False), (pooled, True)):
        batch = Batch(seen, labels, labels, {}, 0, generator, is_pooled=is_pooled)
        assert torch.allclose(phase.loss(batch)["loss"], expected)
