"""Training on what frozen layers make of photos; and how a new head meets a backbone."""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import cast

import numpy as np
import torch
from torch import Tensor

from biqa_cli.errors import UsageError
from biqa_cli.training.data import (
    Arrays,
    normalised,
    random_crop,
    to_device,
)
from biqa_cli.training.families.base import Phase, Poolable
from biqa_cli.training.features import (
    FeatureStore,
    Frozen,
    cache_blockwise,
    cache_degraded,
    cache_features,
)
from biqa_cli.training.job import Job, autocast
from biqa_cli.training.order import draw_degraded

_BLOCKS_STREAM, _MEETING_STREAM = 6, 7
_LINES = 8
_PHOTOS_TO_MEET = 500
# Fewer where each has to pass the backbone first.
_PHOTOS_TO_SEE = 128
_AT_ONCE = 16
_NOT_FROZEN = (
    "noise is for what frozen layers make of whole photos: set trainable=head, crop=0, rotate=0 "
    "and crops_per_photo=1 (all families but reqa; qualitynet with order=gap_first; blockiqa on "
    "resnet50 with trainable=last too), or noise=0"
)

_NOTHING_TO_CUT = (
    "window is for maps that are kept below a last stage which learns: set trainable=last, crop=0, "
    "rotate=0 and crops_per_photo=1 (blockiqa on resnet50), or window=0"
)


def is_kept(job: Job, phase: Phase) -> bool:
    """Return whether a phase trains on what frozen layers make of photos.

    Raises:
        UsageError: If it does not, and its recipe has what only then can be had.
    """
    recipe = job.recipe
    frozen = recipe.optimiser.trainable == "head" or phase.keeps_below_last
    kept = phase.pooled_by is not None and frozen and recipe.input.is_whole
    if recipe.input.window and phase.cut is None:
        raise UsageError(_NOTHING_TO_CUT)
    if recipe.input.noise and not kept:
        raise UsageError(_NOT_FROZEN)
    return kept


def kept_features(job: Job, phase: Phase) -> FeatureStore | None:
    """Return what the frozen layers make of all photos; None if the time is up before."""
    said = 0.0

    def go_on(done: int, total: int) -> bool:
        nonlocal said
        if done == total or done - said >= total / _LINES:
            said = done % total
            job.watcher.say(f"the frozen layers have seen {done} of {total} photos")
        return time.monotonic() < job.deadline

    recipe, indices = job.recipe, job.photos.indices
    frozen = Frozen(
        phase.learner if phase.network is None else phase.network,
        job.photos.store,
        tuple(sorted((*indices, *job.val))),
        recipe=recipe,
        pooled_by=phase.pooled_by or (),
        contract=job.contract,
        device=job.device,
        workers=job.workers,
        autocast=partial(autocast, recipe, job.device),
        beside=None if phase.beside is None else phase.beside.to(job.device),
        go_on=go_on,
    )
    features = cache_features(frozen)
    if features is None:
        return None
    features = replace(features, cut=phase.cut)
    if recipe.input.noise:
        noisy = some_of(features, job, count=_PHOTOS_TO_MEET, first=phase.noisy)
        features = replace(features, spread=noisy.std(dim=0).cpu().numpy())
    # A phase that does not score has no use for the order of scores.
    if recipe.order.order_weight and phase.network is not None:
        drawn = draw_degraded(indices, count=recipe.order.order_photos, seed=recipe.seed)
        degraded = cache_degraded(frozen, drawn)
        if degraded is None:
            return None
        features = replace(features, degraded=degraded)
    if phase.blockwise is not None:
        order = np.random.default_rng(recipe.seed).permutation(len(indices))
        chosen = [indices[place] for place in order[: phase.blockwise.photos or None]]
        blockwise = cache_blockwise(frozen, chosen, phase.blockwise.partition)
        if blockwise is None:
            return None
        features = replace(features, blockwise=blockwise)
    return features


def some_of(features: FeatureStore, job: Job, *, count: int, first: int | None = None) -> Tensor:
    """Return the first features, or all, of about so many training photos, spread over them."""
    chosen = spread_over(job.photos.indices, count)
    found = np.stack([features.of(index, mirrored=False)[..., :first] for index in chosen])
    return torch.from_numpy(found).float().to(job.device)


def met(job: Job, phase: Phase, features: FeatureStore | None) -> Tensor | None:
    """Return what a new head meets: what is kept of some photos, or is made of crops of them now.

    None where the work of a backbone that is about to learn cannot be told from the head's.
    """
    if features is not None:
        count = _PHOTOS_TO_SEE if phase.keeps_below_last else _PHOTOS_TO_MEET
        return some_of(features, job, count=count)
    if phase.pooled_by is None:
        return None
    network = (phase.learner if phase.network is None else phase.network).eval()
    rng = np.random.default_rng((job.recipe.seed, _MEETING_STREAM))
    chosen = spread_over(job.photos.indices, _PHOTOS_TO_SEE)
    found = []
    for start in range(0, len(chosen), _AT_ONCE):
        views = [job.photos.store.view(index) for index in chosen[start : start + _AT_ONCE]]
        crops = np.stack([random_crop(view, job.recipe.input, rng) for view in views])
        images = normalised(torch.from_numpy(crops).to(job.device), job.contract)
        with torch.no_grad(), autocast(job.recipe, job.device):
            found.append(cast("Poolable", network).pooled(images).float())
    return torch.cat(found)


def spread_over(indices: Sequence[int], count: int) -> Sequence[int]:
    """Return about so many of the indices, evenly."""
    return indices[:: max(1, len(indices) // count)]


def blockwise_batch(
    job: Job, features: FeatureStore, *, epoch: int, step: int
) -> dict[str, Tensor]:
    """Return some block-wise degraded photos, a quarter as many as a batch has, as `extras` are.

    Args:
        job: The training.
        features: With what is kept of such photos; nothing is returned where there are none.
        epoch: As for `order_batch`.
        step: Of the epoch.
    """
    kept = features.blockwise
    if kept is None:
        return {}
    rng = np.random.default_rng((job.recipe.seed, _BLOCKS_STREAM, epoch, step))
    chosen = rng.integers(len(kept.values), size=max(1, job.recipe.optimiser.batch // 4))
    seen: Arrays = {"degraded": kept.values[chosen]}
    seen |= {"types": kept.types[chosen], "levels": kept.levels[chosen]}
    return to_device(seen, job.device)
