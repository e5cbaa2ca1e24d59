"""Features are computed once, and are what the network would compute of the photos again."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_backbone import TinyBackbone
from tiny_training import Listener
from torch import nn
from training_jobs import CONTRACT, TRAIN, random_job

from biqa_cli.distortions.blockwise import degrade_blocks
from biqa_cli.distortions.versions import draw_versions
from biqa_cli.errors import UsageError
from biqa_cli.images.transforms import ViewSize
from biqa_cli.images.view_store import FACTS
from biqa_cli.models.spec import Family
from biqa_cli.networks.blockiqa import BlockIQA
from biqa_cli.networks.nlnet import NLNet
from biqa_cli.networks.qualitynet import QualityNet
from biqa_cli.networks.shdiqa import SHDIQA
from biqa_cli.recipes.files import load_recipe, with_settings
from biqa_cli.training.augmentation import normalised
from biqa_cli.training.families import make_phases
from biqa_cli.training.families.base import Phase
from biqa_cli.training.features import cached_features
from biqa_cli.training.freezing import freeze, slots_of
from biqa_cli.training.further import drawn_examples
from biqa_cli.training.job import Job
from biqa_cli.training.request import TimeIsUpError
from biqa_cli.training.streams import Stream, numbers, numbers_of_choice

SHDIQA_SIZES = {"depth": 1, "input_size": 64}
NETWORKS: dict[str, tuple[Family, Callable[[], nn.Module]]] = {
    "blockiqa": ("blockiqa", lambda: BlockIQA(TinyBackbone())),
    "blockiqa, 3 blocks": (
        "blockiqa",
        lambda: BlockIQA(TinyBackbone(), blocks=3, use_afel=False, similarity="cosine"),
    ),
    "qualitynet": ("qualitynet", lambda: QualityNet(TinyBackbone(), TinyBackbone())),
    "qualitynet, chain 2": (
        "qualitynet",
        lambda: QualityNet(TinyBackbone(), TinyBackbone(), chains=2, attention="CA"),
    ),
    "qualitynet, all levels": (
        "qualitynet",
        lambda: QualityNet(TinyBackbone(), TinyBackbone(), levels="all"),
    ),
    "nlnet": ("nlnet", lambda: NLNet(TinyBackbone(), nodes=6, pixels=5)),
    "shdiqa": ("shdiqa", lambda: SHDIQA(TinyBackbone(), **SHDIQA_SIZES, width=12, heads=2)),
    "shdiqa, patch 32": (
        "shdiqa",
        lambda: SHDIQA(TinyBackbone(), **SHDIQA_SIZES, width=12, heads=2, patch=32, levels="all"),
    ),
}
PLAIN = ("input.flip=true", "input.noise=0", "monotonicity.weight=0", "optimiser.trainable=head")


def job_of(home: Path, family: Family, *settings: str) -> Job:
    recipe = with_settings(load_recipe(family, config=f"{family}-cpu"), [*PLAIN, *settings])
    return random_job(home, recipe)


def phase_with(job: Job, network: nn.Module) -> Phase:
    """Return the last phase of a family, around this network."""
    (*_, phase), _ = make_phases(job.recipe, job.trained, ())
    phase.learner, phase.network, phase.prefix = network, network, ""
    if job.recipe.family != "shdiqa":
        phase.blockwise = None
    freeze(network, slots_of(job.recipe), trainable="head")
    return phase


def pooled_of(network: nn.Module, view: np.ndarray) -> torch.Tensor:
    images = normalised(torch.from_numpy(view[None].copy()), CONTRACT)
    with torch.inference_mode():
        return cast("torch.Tensor", network.pooled(images)[0])  # type: ignore[operator]


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n == "nlnet" else []) for n in NETWORKS]
)
def test_cached_features_score_as_the_photo_does(name: str, tmp_path: Path) -> None:
    family, build = NETWORKS[name]
    torch.manual_seed(0)
    network = build().eval()
    job = job_of(tmp_path, family, *(("network.use_baf=false",) if family == "shdiqa" else ()))
    features = cached_features(job, phase_with(job, network))
    for index, mirrored in ((1, False), (19, True)):
        view = job.photos.store.view(index)
        images = normalised(
            torch.from_numpy((view[:, ::-1] if mirrored else view)[None].copy()), CONTRACT
        )
        cached = torch.from_numpy(features.of(index, mirrored=mirrored)[None].astype(np.float32))
        with torch.inference_mode():
            scores = network(images).scores
            found = network.from_pooled(cached).scores  # type: ignore[operator]
            assert torch.allclose(found, scores, atol=1e-3)
            exact = network.from_pooled(network.pooled(images)).scores  # type: ignore[operator]
            assert torch.allclose(exact, scores, atol=1e-6)


def test_features_of_degraded_photos_are_in_the_order_of_their_levels(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = QualityNet(TinyBackbone(), TinyBackbone(), levels="all").eval()
    settings = ("monotonicity.weight=1", "monotonicity.photos=3")
    job = job_of(tmp_path, "qualitynet", *settings)
    features = cached_features(job, phase_with(job, network))
    assert features.degraded is not None
    degraded = features.degraded
    assert degraded.values.shape[:2] == (3, 2)
    drawn = draw_versions(TRAIN, count=3, rng=numbers_of_choice(job.recipe.seed))
    assert degraded.known["indices"].tolist() == [one.index for one in drawn]
    assert degraded.known["levels"].tolist() == [list(one.levels) for one in drawn]
    for one, values in zip(drawn, degraded.values, strict=True):
        for level, found in zip(one.levels, values, strict=True):
            view = one.view(job.photos.store.view(one.index), level)
            expected = pooled_of(network, view)
            assert torch.allclose(torch.from_numpy(found.astype(np.float32)), expected, atol=1e-3)
    other = job_of(tmp_path, "qualitynet", *settings, "seed=6")
    cached_features(other, phase_with(other, network))
    assert len(list(tmp_path.glob("degraded-*.npy"))) == 2
    assert len(list(tmp_path.glob("features-*.npy"))) == 1


def test_features_of_examples_are_those_of_their_views(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = QualityNet(TinyBackbone(), TinyBackbone(), levels="all").eval()
    settings = ("network.flaws=true", "examples.weight=1", "examples.flaws_weight=1")
    settings += ("examples.count=6", "input.height=64", "input.width=64")
    job = job_of(tmp_path, "qualitynet", *settings)
    for index in TRAIN:
        Image.fromarray(job.photos.store.view(index)).save(job.dataset.file(index))
    features = cached_features(job, phase_with(job, network)).examples
    assert features is not None
    drawn = drawn_examples(job)
    assert features.known["kept"].tolist() == pytest.approx([one.kept for one in drawn])
    for one, found in zip(drawn, features.values, strict=True):
        expected = pooled_of(network, one.view(ViewSize(64, 64)))
        assert torch.allclose(torch.from_numpy(found.astype(np.float32)), expected, atol=1e-3)
    other = job_of(tmp_path, "qualitynet", *settings, "seed=6")
    cached_features(other, phase_with(other, network))
    assert len(list(tmp_path.glob("examples-*.npy"))) == 2


def test_features_of_blockwise_degraded_photos_know_what_was_done(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = NETWORKS["shdiqa, patch 32"][1]().eval()
    job = job_of(tmp_path, "shdiqa", "loss.degraded_photos=3", "seed=2")
    phase = phase_with(job, network)
    features = cached_features(job, phase)
    assert features.blockwise is not None
    kept, known = features.blockwise.values, features.blockwise.known
    assert len(kept) == 3 and known["types"].shape == known["levels"].shape == (3, 2)
    for values, types, levels in zip(kept, known["types"], known["levels"], strict=True):
        found = torch.from_numpy(values.astype(np.float32))
        matches = 0
        for index in TRAIN:
            rng = numbers(Stream.degraded_blocks, 2, index)
            view, drawn, at = degrade_blocks(
                job.photos.store.view(index), rng, partition="vertical"
            )
            if np.array_equal(drawn, types) and np.array_equal(at, levels):
                matches += torch.allclose(pooled_of(network, view), found, atol=1e-3)
        assert matches == 1


@pytest.mark.slow
def test_the_spread_is_that_of_the_features_that_may_be_noisy(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = NLNet(TinyBackbone(), nodes=6, pixels=5).eval()
    job = job_of(tmp_path, "nlnet", "input.noise=0.3")
    phase = phase_with(job, network)
    phase.noisy = network.local_features
    features = cached_features(job, phase)
    assert features.spread is not None
    known = np.stack([features.of(index) for index in TRAIN]).astype(np.float32)
    expected = known[..., : network.local_features].std(axis=0, ddof=1)
    assert np.allclose(features.spread, expected, rtol=1e-3, atol=1e-5)


def cached(job: Job, network: nn.Module) -> int:
    """Cache features and return how many files of them there are."""
    cached_features(job, phase_with(job, network))
    return len(list(job.photos.store.home.glob("features-*.npy")))


def test_other_weights_or_photos_are_another_file_and_another_head_is_not(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, job = BlockIQA(TinyBackbone()), job_of(tmp_path, "blockiqa")
    weight = network.get_parameter("backbone.layers.0.weight")
    with torch.no_grad():
        weight[0, 0, 0, 0] = 0.0
    assert cached(job, network) == 1
    with torch.no_grad():
        weight[0, 0, 0, 0] = -0.0
        network.get_parameter("fusion.0.weight").add_(1)
    network.get_buffer("aggregator.1.running_mean").add_(1)
    assert cached(job, network) == 1
    with torch.no_grad():
        weight.add_(1)
    assert cached(job, network) == 2
    (tmp_path / FACTS).write_text("[[1, ''], [3, '']]")
    assert cached(job, network) == 3


def test_only_options_that_change_features_make_another_file(tmp_path: Path) -> None:
    def files(*settings: str) -> int:
        torch.manual_seed(0)
        return cached(job_of(tmp_path, "blockiqa", *settings), BlockIQA(TinyBackbone()))

    assert files() == 1
    assert files("network.similarity=cosine", "optimiser.rate=1", "schedule.epochs=3") == 1
    assert files("network.blocks=3") == 2
    assert files("input.flip=false") == 3
    assert files("optimiser.precision=bfloat16") == 4


def test_another_normalisation_is_another_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, job = QualityNet(TinyBackbone(), TinyBackbone()), job_of(tmp_path, "qualitynet")
    assert cached(job, network) == 1
    black = replace(CONTRACT, mean=(0.0, 0.0, 0.0))
    assert cached(replace(job, trained=replace(job.trained, input=black)), network) == 2


def test_features_are_not_computed_again_and_a_stopped_pass_goes_on(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, job = QualityNet(TinyBackbone(), TinyBackbone()), job_of(tmp_path, "qualitynet")
    whole = cached_features(job, phase_with(job, network))
    expected = np.array(whole.values)
    watcher = Listener()
    cached_features(replace(job, watcher=watcher), phase_with(job, network))
    assert watcher.lines == []
    next(tmp_path.glob("features-*.npy")).unlink()
    late = replace(job, deadline=time.monotonic())
    # 36 views, 16 at once: two runs are stopped, the third has no more to compute.
    for _ in range(2):
        with pytest.raises(TimeIsUpError):
            cached_features(late, phase_with(job, network))
    found = cached_features(late, phase_with(job, network))
    assert np.array_equal(found.values, expected)


def test_features_that_float16_cannot_hold_are_refused(tmp_path: Path) -> None:
    network, job = BlockIQA(TinyBackbone()), job_of(tmp_path, "blockiqa")
    with torch.no_grad():
        network.get_parameter("afel.conv.bias").fill_(1e6)
    with pytest.raises(UsageError, match="a frozen layer leaves the range of float16"):
        cached_features(job, phase_with(job, network))
