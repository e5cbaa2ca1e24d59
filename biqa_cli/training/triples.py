"""Photos and their degraded versions as a step sees them: what teaches a network their order."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from biqa_cli.training.data import (
    Arrays,
    Triples,
    normalised,
    random_crop,
    to_device,
    with_noise,
)
from biqa_cli.training.families.base import OrderBatch, Phase
from biqa_cli.training.features import FeatureStore
from biqa_cli.training.job import Job
from biqa_cli.training.order import degraded_view, draw_degraded

_ORDER_STREAM = 4
# Photos of a batch for each triple: fewer triples where each image has to pass the backbone.
_KEPT_SHARE, _SEEN_SHARE = 2, 8


def kept_order(job: Job, features: FeatureStore, *, epoch: int, step: int) -> OrderBatch | None:
    """Return some degraded photos; None where a recipe has none.

    Args:
        job: The training.
        features: With what is kept of degraded photos.
        epoch: Counted over all phases: what is drawn depends on seed, epoch and step alone.
        step: Of the epoch.
    """
    degraded = features.degraded
    if degraded is None:
        return None
    recipe = job.recipe
    rng = np.random.default_rng((recipe.seed, _ORDER_STREAM, epoch, step))
    chosen = rng.integers(len(degraded.drawn), size=recipe.optimiser.batch // _KEPT_SHARE)
    drawn = [degraded.drawn[number] for number in chosen]
    photos = np.stack([features.of(one.index, mirrored=False) for one in drawn])
    seen = np.concatenate([photos[:, None], degraded.values[chosen]], axis=1)
    cut = features.cut
    if cut is not None:
        # The same part of a photo and its degraded versions.
        shape = (*seen.shape[1:3], -1)
        seen = np.stack([cut(one.reshape(-1, one.shape[-1]), rng).reshape(shape) for one in seen])
    seen = with_noise(seen, features.spread, rng, share=recipe.input.noise)
    images = torch.from_numpy(seen).float().to(job.device)
    return _order_batch(job, images, np.array([one.levels for one in drawn]))


def order_triples(job: Job, phase: Phase, *, epoch: int) -> Triples | None:
    """Return what makes crops of some photos and their degraded versions.

    None where a recipe has none, or a phase does not score.
    """
    recipe = job.recipe
    if not recipe.order.order_weight or phase.network is None:
        return None
    drawn = draw_degraded(job.photos.indices, count=recipe.order.order_photos, seed=recipe.seed)

    def triples(step: int) -> Arrays:
        rng = np.random.default_rng((recipe.seed, _ORDER_STREAM, epoch, step))
        chosen = rng.integers(len(drawn), size=max(1, recipe.optimiser.batch // _SEEN_SHARE))
        made = []
        for one in (drawn[number] for number in chosen):
            crop = random_crop(job.photos.store.view(one.index), recipe.input, rng)
            made.append([crop, *(degraded_view(crop, one, level) for level in one.levels)])
        levels = np.array([drawn[number].levels for number in chosen])
        return {"pixels": np.array(made), "levels": levels}

    return triples


def seen_order(job: Job, triples: Arrays) -> OrderBatch | None:
    """Return what `order_triples` has made as a loss sees it; None where it has made nothing."""
    if not triples:
        return None
    pixels = to_device({"pixels": triples["pixels"]}, job.device)["pixels"]
    images = normalised(pixels.flatten(0, 1), job.contract)
    return _order_batch(job, images.view(*pixels.shape[:2], *images.shape[1:]), triples["levels"])


def _order_batch(job: Job, images: Tensor, levels: NDArray[np.int64]) -> OrderBatch:
    scale = job.trained.scale
    span = scale.highest - scale.lowest
    return OrderBatch(
        images=images,
        levels=torch.from_numpy(levels).to(job.device),
        weight=job.recipe.order.order_weight,
        span=span if scale.higher_is_better else -span,
    )
