"""Cached features: the outputs of a frozen backbone, computed once for all epochs and runs.

The files lie beside the decoded photos. Their names change with weights, preprocessing, precision
and photos, so that none is ever out of date.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from biqa_cli.computed_arrays import computed_array
from biqa_cli.distortions.blockwise import degrade_blocks, draw_blocks
from biqa_cli.distortions.catalog import SHDIQA_DISTORTIONS
from biqa_cli.distortions.versions import Versions, draw_versions
from biqa_cli.errors import UsageError
from biqa_cli.images.view_store import FACTS, Pixels
from biqa_cli.training.augmentation import Arrays, normalised_views
from biqa_cli.training.batch import Cacheable
from biqa_cli.training.families.base import Blockwise, Phase
from biqa_cli.training.job import Job, RatedPhotos, TimeIsUpError, autocast, go_on_until, is_mixed
from biqa_cli.training.seen import AlsoPhotos, DegradedPhotos, ExamplePhotos, Seen
from biqa_cli.training.streams import Stream, numbers, numbers_of_choice
from biqa_cli.training.views import drawn_examples, facts_of

_AT_ONCE = 16
_VERSION = 2
"""Of how features are computed; since 2, means and deviations of bfloat16 maps are float32."""
_PHOTOS_FOR_SPREAD = 500


def cached_features(job: Job, phase: Phase) -> Seen:
    """Return the features of all photos, computed now or by an earlier run.

    Raises:
        TimeIsUpError: If the time is up; what is computed is kept for the next run.
        UsageError: If the folder cannot be written, or a feature is beyond float16.
    """
    recipe, trains = job.recipe, job.photos.indices
    features = photo_features(job, phase)
    if recipe.input.noise:
        noisy = features.some(trains, _PHOTOS_FOR_SPREAD)[..., : phase.noisy]
        features = replace(features, spread=noisy.std(dim=0).numpy())
    # A phase that does not score has no use for monotonicity.
    degraded = recipe.monotonicity
    if degraded.weight and phase.network is not None:
        rng = numbers_of_choice(recipe.seed)
        drawn = draw_versions(trains, count=degraded.photos, rng=rng)
        features = replace(features, degraded=_of_degraded(job, phase, drawn))
    if recipe.also.weight and phase.network is not None:
        features = replace(features, also=tuple(_of_also(job, phase, one) for one in job.also))
    if recipe.examples.weight and phase.network is not None:
        features = replace(features, examples=_of_examples(job, phase))
    if phase.blockwise is not None:
        features = replace(features, blockwise=_of_blockwise(job, phase, phase.blockwise))
    return features


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


def _of_degraded(job: Job, phase: Phase, drawn: tuple[Versions, ...]) -> DegradedPhotos:
    def view(row: int) -> Pixels:
        number, level = divmod(row, 2)
        one = drawn[number]
        return one.view(job.photos.store.view(one.index), one.levels[level])

    facts = json.dumps([one.facts for one in drawn])
    values = _computed(job, phase, "degraded", facts, view, 2 * len(drawn))
    return DegradedPhotos(drawn, values.reshape(len(drawn), 2, *values.shape[1:]))


def _of_also(job: Job, phase: Phase, photos: RatedPhotos) -> AlsoPhotos:
    def view(row: int) -> Pixels:
        return photos.store.view(photos.indices[row])

    facts = json.dumps([photos.indices, (photos.store.home / FACTS).read_text("utf-8")])
    values = _computed(job, phase, "also", facts, view, len(photos.indices))
    return AlsoPhotos(values, np.arange(len(values)), photos.labels)


def _of_examples(job: Job, phase: Phase) -> ExamplePhotos:
    drawn = drawn_examples(job)

    def view(row: int) -> Pixels:
        return drawn[row].view(job.recipe.input.height, job.recipe.input.width)

    return ExamplePhotos(
        drawn, _computed(job, phase, "examples", facts_of(drawn), view, len(drawn))
    )


def _of_blockwise(job: Job, phase: Phase, wanted: Blockwise) -> Arrays:
    seed, indices = job.recipe.seed, job.photos.indices
    order = numbers_of_choice(seed).permutation(len(indices))
    chosen = [indices[place] for place in order[: wanted.photos or None]]

    def draw(index: int) -> np.random.Generator:
        return numbers(Stream.degraded_blocks, seed, index)

    def view(row: int) -> Pixels:
        pixels = job.photos.store.view(chosen[row])
        return degrade_blocks(pixels, draw(chosen[row]), partition=wanted.partition)[0]

    values_of_levels = [distortion.levels for distortion in SHDIQA_DISTORTIONS]
    facts = json.dumps([wanted.partition, seed, chosen, values_of_levels])
    values = _computed(job, phase, "blockwise", facts, view, len(chosen))
    drawn = [draw_blocks(draw(index), wanted.partition) for index in chosen]
    types, levels = (np.stack(column) for column in zip(*drawn, strict=True))
    return {"degraded": values, "types": types, "levels": levels}


def _computed(
    job: Job, phase: Phase, kind: str, facts: str, view: Callable[[int], Pixels], rows: int
) -> NDArray[np.float16]:
    """Return the features (rows, …) of numbered views."""
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

    key = _key(job, phase, facts)
    values = computed_array(
        job.photos.store.home / f"{kind}-{key}.npy",
        rows,
        read=lambda chosen: [view(row) for row in chosen],
        compute=pooled,
        at_once=_AT_ONCE,
        workers=job.workers,
        go_on=go_on_until(job.deadline, job.watcher, "the features of {} of {} views are cached"),
    )
    if values is None:
        raise TimeIsUpError
    return values


def _key(job: Job, phase: Phase, facts: str) -> str:
    """Return a name for all that features depend on."""
    recipe, network = job.recipe, phase.network or phase.learner
    options = [(name, recipe.network[name]) for name in sorted(phase.cached_by)]
    known: list[Any] = [_VERSION, recipe.family, recipe.backbones, options]
    known.append(is_mixed(recipe, job.device))
    known += [
        recipe.input.flip,
        job.contract.describe(),
        sorted(job.photos.store.rows),
    ]
    digest = hashlib.sha256(json.dumps([*known, facts]).encode())
    digest.update((job.photos.store.home / FACTS).read_bytes())
    frozen = {name for name, p in network.named_parameters() if not p.requires_grad}
    buffers = {name for name, _ in network.named_buffers()}
    for name, tensor in sorted(network.state_dict().items()):
        # Batch norms of the head move, those of frozen layers do not.
        inner = name.rpartition(".")[0]
        if name in frozen or (name in buffers and f"{inner}.weight" in frozen):
            # -0.0 is 0.0, which is what a mean of the weights makes of it.
            digest.update(name.encode() + (tensor.cpu() + 0).contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
