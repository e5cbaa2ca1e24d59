"""What frozen layers make of photos is computed once, and is what they would make of them again."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch
from biqa_cli.training.backbones import BackboneSlot, freeze
from biqa_cli.training.config import load_recipe, with_settings
from biqa_cli.training.data import normalised
from biqa_cli.training.frozen import is_kept
from biqa_cli.training.order import degraded_view, draw_degraded
from biqa_cli.training.photos import PhotoStore
from tiny_backbone import TinyBackbone
from torch import nn

from biqa_cli.errors import UsageError
from biqa_cli.models.spec import InputContract
from biqa_cli.networks.backbones.efficientnet_lite import efficientnet_lite0
from biqa_cli.networks.blockiqa import BlockIQA
from biqa_cli.networks.nlnet import NLNet
from biqa_cli.networks.qualitynet import QualityNet
from biqa_cli.networks.shdiqa import SHDIQA
from biqa_cli.training.degradation import degrade_pixels
from biqa_cli.training.families import blockiqa
from biqa_cli.training.families.base import Setting
from biqa_cli.training.features import (
    FeatureStore,
    Frozen,
    cache_blockwise,
    cache_degraded,
    cache_features,
)
from biqa_cli.training.job import Job
from biqa_cli.training.recipe import Recipe

CONTRACT = InputContract(64, 64, (0.4, 0.5, 0.6), (0.2, 0.3, 0.25))
RECIPE = with_settings(load_recipe("blockiqa", config="blockiqa-cpu"), ["flip=true"])


def networks() -> list[nn.Module]:
    torch.manual_seed(0)
    last_learns = [BlockIQA(TinyBackbone(), blocks=blocks) for blocks in (1, 3)]
    for network in last_learns:
        network.learns_above = (64 // network.blocks, 64 // network.blocks)
    return [
        BlockIQA(TinyBackbone()),
        BlockIQA(TinyBackbone(), blocks=3, use_afel=False, similarity="cosine"),
        QualityNet(TinyBackbone(), TinyBackbone()),
        QualityNet(TinyBackbone(), TinyBackbone(), chains=2, attention="CA"),
        QualityNet(TinyBackbone(), TinyBackbone(), levels="all"),
        NLNet(TinyBackbone(), nodes=6, pixels=5),
        SHDIQA(TinyBackbone(), depth=1, width=12, heads=2, input_size=64),
        SHDIQA(TinyBackbone(), depth=1, width=12, heads=2, input_size=64, patch=32, levels="all"),
        *last_learns,
    ]


@pytest.fixture
def store(tmp_path: Path) -> PhotoStore:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)
    (tmp_path / "part-0000.json").write_text("[[1, ''], [2, '']]")
    return PhotoStore(tmp_path, (pixels,), {index: (0, index) for index in range(20)}, {})


def cached(
    network: nn.Module,
    store: PhotoStore,
    *,
    recipe: Recipe = RECIPE,
    go_on: Callable[[int, int], bool] = lambda _done, _total: True,
) -> FeatureStore | None:
    return cache_features(frozen(network, store, recipe=recipe, go_on=go_on))


def frozen(
    network: nn.Module,
    store: PhotoStore,
    *,
    recipe: Recipe = RECIPE,
    go_on: Callable[[int, int], bool] = lambda _done, _total: True,
) -> Frozen:
    last_learns = getattr(network, "learns_above", None) is not None
    slots = (BackboneSlot("backbone.", "resnet50"),)
    freeze(network, slots, trainable="last" if last_learns else "head")
    return Frozen(
        network,
        store,
        (1, 3, *range(5, 20)),
        recipe=recipe,
        pooled_by=("blocks", "use_afel"),
        contract=CONTRACT,
        device="cpu",
        workers=2,
        autocast=nullcontext,
        go_on=go_on,
    )


@pytest.mark.parametrize("number", range(10))
def test_a_network_scores_what_is_kept_as_it_scores_the_photo(
    number: int, store: PhotoStore
) -> None:
    network = networks()[number].eval()
    kept = cached(network, store)
    assert kept is not None
    for index, mirrored in ((1, False), (19, True)):
        view = store.view(index)[:, ::-1] if mirrored else store.view(index)
        images = normalised(torch.from_numpy(view[None].copy()), CONTRACT)
        pooled = torch.from_numpy(kept.of(index, mirrored=mirrored)[None].astype(np.float32))
        with torch.inference_mode():
            assert torch.allclose(
                network.from_pooled(pooled).scores, network(images).scores, atol=1e-3
            )
            exact = network.from_pooled(network.pooled(images)).scores
            assert torch.allclose(exact, network(images).scores, atol=1e-6)


def test_what_is_kept_below_the_last_stage_serves_whatever_that_learns(store: PhotoStore) -> None:
    network = networks()[8].eval()
    assert isinstance(network, BlockIQA)
    kept = cached(network, store)
    assert kept is not None
    with torch.no_grad():
        network.get_parameter("backbone.layers.3.weight").normal_()
        network.get_parameter("backbone.layers.3.bias").normal_()
        again = cached(network, store)
        assert again is not None and len(list(store.home.glob("features-*.npy"))) == 1
        pooled = torch.from_numpy(kept.of(7, mirrored=False)[None].astype(np.float32))
        images = normalised(torch.from_numpy(store.view(7)[None].copy()), CONTRACT)
        scores = network.from_pooled(pooled).scores
        assert torch.allclose(scores, network(images).scores, atol=1e-3)
    assert pooled.shape[2] == network.kept_means + 4 * 4 * 8


def test_degraded_photos_are_kept_in_the_order_in_which_they_were_drawn(store: PhotoStore) -> None:
    network = networks()[4].eval()
    drawn = draw_degraded((1, 3, 7, 12), count=3, seed=5)
    kept = cache_degraded(frozen(network, store), drawn)
    assert kept is not None and kept.drawn == drawn and kept.values.shape[:2] == (3, 2)
    for number, one in enumerate(drawn):
        for place, level in enumerate(one.levels):
            view = degraded_view(store.view(one.index), one, level)
            with torch.inference_mode():
                found = network.pooled(normalised(torch.from_numpy(view[None].copy()), CONTRACT))
            expected = torch.from_numpy(kept.values[number, place].astype(np.float32))
            assert torch.allclose(found[0], expected, atol=1e-3)
    other = draw_degraded((1, 3, 7, 12), count=3, seed=6)
    assert cache_degraded(frozen(network, store), other) is not None
    assert len(list(store.home.glob("degraded-*.npy"))) == 2


def test_block_wise_degraded_photos_are_kept_with_what_is_wrong_with_them(
    store: PhotoStore,
) -> None:
    network = networks()[7].eval()
    chosen = (12, 3, 7)
    kept = cache_blockwise(frozen(network, store), chosen, "horizontal")
    assert kept is not None
    assert kept.values.shape[0] == 3 and kept.types.shape == kept.levels.shape == (3, 2)
    for place, index in enumerate(chosen):
        rng = np.random.default_rng((RECIPE.seed, 5, index))
        view, types, levels = degrade_pixels(store.view(index), rng, partition="horizontal")
        assert np.array_equal(types, kept.types[place])
        assert np.array_equal(levels, kept.levels[place])
        with torch.inference_mode():
            found = network.pooled(normalised(torch.from_numpy(view[None].copy()), CONTRACT))
        expected = torch.from_numpy(kept.values[place].astype(np.float32))
        assert torch.allclose(found[0], expected, atol=1e-3)
    assert cache_blockwise(frozen(network, store), chosen, "grid") is not None
    assert len(list(store.home.glob("blockwise-*.npy"))) == 2


def test_what_is_kept_is_not_computed_again(store: PhotoStore) -> None:
    network = networks()[0]
    assert cached(network, store) is not None
    calls: list[int] = []

    def count(done: int, _total: int) -> bool:
        calls.append(done)
        return True

    assert cached(network, store, go_on=count) is not None
    assert calls == []


def test_other_weights_or_photos_are_another_file_and_another_head_is_not(
    store: PhotoStore,
) -> None:
    network = networks()[0]
    assert isinstance(network, BlockIQA)

    def files() -> int:
        assert cached(network, store) is not None
        return len(list(store.home.glob("features-*.npy")))

    with torch.no_grad():
        network.backbone.layers[0].weight[0, 0, 0, 0] = 0.0
    assert files() == 1
    with torch.no_grad():
        network.backbone.layers[0].weight[0, 0, 0, 0] = -0.0
        network.fusion[0].weight.add_(1)
    network.aggregator[1].running_mean.add_(1)
    assert files() == 1
    with torch.no_grad():
        network.backbone.layers[0].weight.add_(1)
    assert files() == 2
    (store.home / "part-0000.json").write_text("[[1, ''], [3, '']]")
    assert files() == 3


def test_only_options_that_change_what_is_kept_make_another_file(store: PhotoStore) -> None:
    def files(*settings: str) -> int:
        assert cached(networks()[0], store, recipe=with_settings(RECIPE, settings)) is not None
        return len(list(store.home.glob("features-*.npy")))

    torch.manual_seed(0)
    assert files() == 1
    torch.manual_seed(0)
    assert files("similarity=cosine") == 1
    torch.manual_seed(0)
    assert files("blocks=3") == 2


def test_an_interrupted_pass_goes_on_where_it_was(store: PhotoStore) -> None:
    network = networks()[0]
    whole = cached(network, store)
    assert whole is not None
    expected = np.array(whole.values)
    next(store.home.glob("features-*.npy")).unlink()
    runs = 0
    while (kept := cached(network, store, go_on=lambda _done, _total: False)) is None:
        runs += 1
    # 34 views, 16 at once.
    assert runs == 2
    assert np.array_equal(kept.values, expected)


def test_features_that_float16_cannot_hold_are_refused(store: PhotoStore) -> None:
    network = networks()[0]
    assert isinstance(network, BlockIQA)
    assert network.afel is not None
    with torch.no_grad():
        network.afel.conv.bias.fill_(1e6)
    with pytest.raises(UsageError, match="a frozen layer leaves the range of float16"):
        cached(network, store)


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [
        ([], True),
        (["flip=false"], True),
        (["trainable=last"], False),
        (["rotate=10"], False),
        (["crop=128", "stride=0"], False),
        (["crops_per_photo=2"], False),
    ],
)
def test_only_what_every_epoch_sees_alike_is_kept(settings: list[str], *, allowed: bool) -> None:
    recipe = with_settings(RECIPE, ["noise=0", *settings])
    setting = Setting(recipe, CONTRACT, 1, build=lambda: BlockIQA(efficientnet_lite0()))
    (phase,) = blockiqa.phases(setting)
    assert is_kept(cast("Job", SimpleNamespace(recipe=recipe)), phase) == allowed
