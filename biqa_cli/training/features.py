"""Cached features: the outputs of a frozen backbone, computed once for all epochs and runs.

The files lie beside the decoded photos. Their names change with weights, preprocessing, precision
and photos, so that none is ever out of date.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from biqa_cli.errors import UsageError
from biqa_cli.images.view_store import FACTS, Pixels
from biqa_cli.training.augmentation import normalised_views
from biqa_cli.training.batch import Cacheable
from biqa_cli.training.families.base import Phase
from biqa_cli.training.freezing import FROZEN_WITH_BACKBONES, slots_of
from biqa_cli.training.further import (
    blockwise_photos,
    cached_others,
    degraded_photos,
    example_photos,
)
from biqa_cli.training.job import Job, autocast, is_mixed, kept_on_disk
from biqa_cli.training.seen import Seen

_VERSION = 2
"""Of how features are computed; since 2, means and deviations of bfloat16 maps are float32."""
_PHOTOS_FOR_SPREAD = 500


def cached_features(job: Job, phase: Phase) -> Seen:
    """Return the features of all photos, computed now or by an earlier run.

    Raises:
        TimeIsUpError: If the time is up; what is computed is kept for the next run.
        UsageError: If the folder cannot be written, or a feature is beyond float16.
    """
    recipe, see = job.recipe, partial(_computed, job, phase)
    features = photo_features(job, phase)
    if recipe.input.noise:
        noisy = features.some(job.photos.indices, _PHOTOS_FOR_SPREAD)[..., : phase.noisy]
        features = replace(features, spread=noisy.std(dim=0).numpy())
    if phase.blockwise is not None:
        features = replace(features, blockwise=blockwise_photos(job, see, phase.blockwise))
    # A phase that does not score has no use for the others.
    if phase.network is None:
        return features
    return replace(
        features,
        degraded=degraded_photos(job, see) if recipe.monotonicity.weight else None,
        also=tuple(cached_others(photos, see) for photos in job.also),
        examples=example_photos(job, see) if recipe.examples.weight else None,
    )


def photo_features(job: Job, phase: Phase) -> Seen:
    """Return the features of the photos that are decoded, and of nothing else."""
    indices = tuple(sorted(job.photos.store.rows))
    count, sides = len(indices), 1 + job.recipe.input.flip

    def view(row: int) -> Pixels:
        mirrored, place = divmod(row, count)
        pixels = job.photos.store.view(indices[place])
        return pixels[:, ::-1] if mirrored else pixels

    values = _computed(job, phase, "features", "", view, sides * count)
    rows = {index: row for row, index in enumerate(indices)}
    return Seen(values.reshape(sides, count, *values.shape[1:]), rows)


def _computed(
    job: Job, phase: Phase, kind: str, facts: str, view: Callable[[int], Pixels], count: int
) -> NDArray[np.float16]:
    """Return the features (count, …) of numbered views."""
    network = (phase.network or phase.learner).eval()

    def pooled(views: list[Pixels]) -> NDArray[np.float16]:
        images = normalised_views(views, job.contract, job.device)
        with torch.inference_mode(), autocast(job.recipe, job.device):
            found = cast("Cacheable", network).pooled(images).half().cpu()
        if not torch.isfinite(found).all():
            raise UsageError(
                "a frozen layer leaves the range of float16: these weights cannot be right"
            )
        array: NDArray[np.float16] = found.numpy()
        return array

    name, said = f"{kind}-{_key(job, phase, facts)}", "the features of {} of {} views are cached"
    return kept_on_disk(job, name, view, count, compute=pooled, said=said)


def _key(job: Job, phase: Phase, facts: str) -> str:
    """Return a name for all that features depend on."""
    recipe, network = job.recipe, phase.network or phase.learner
    options = [(name, recipe.network[name]) for name in sorted(phase.cached_by)]
    known: list[Any] = [_VERSION, recipe.family, recipe.backbones, options]
    known += [is_mixed(recipe, job.device), recipe.input.flip, job.contract.describe()]
    known += [sorted(job.photos.store.rows), facts]
    digest = hashlib.sha256(json.dumps(known).encode())
    digest.update((job.photos.store.home / FACTS).read_bytes())
    slots = slots_of(recipe, prefix="" if phase.network else phase.prefix)
    # Frozen heads are behind the features.
    read = (*FROZEN_WITH_BACKBONES, *(slot.prefix for slot in slots))
    parameters = network.named_parameters()
    frozen = {name for name, p in parameters if name.startswith(read) and not p.requires_grad}
    buffers = {name for name, _ in network.named_buffers()}
    for name, tensor in sorted(network.state_dict().items()):
        # Batch norms of the head move, those of frozen layers do not.
        inner = name.rpartition(".")[0]
        if name in frozen or (name in buffers and f"{inner}.weight" in frozen):
            # -0.0 is 0.0, which is what a mean of the weights makes of it.
            digest.update(name.encode() + (tensor.cpu() + 0).contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
