"""Cached features: the outputs of a frozen backbone, computed once for all epochs and runs.

The files lie beside the decoded photos. Their names change with weights, preprocessing, precision
and photos, so that none is ever out of date.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from biqa_cli.computed_arrays import computed_array
from biqa_cli.errors import UsageError
from biqa_cli.images.view_store import FACTS, Pixels
from biqa_cli.training.augmentation import normalised_views
from biqa_cli.training.batch import Cacheable
from biqa_cli.training.degradation import degrade_blocks, draw_blocks
from biqa_cli.training.families.base import Blockwise, Phase
from biqa_cli.training.job import Job, autocast, is_mixed, told
from biqa_cli.training.monotonicity import Degraded, degraded_view, draw_degraded
from biqa_cli.training.streams import Stream, numbers

_AT_ONCE = 16
_PHOTOS_FOR_SPREAD = 500


@dataclass(frozen=True, slots=True)
class DegradedFeatures:
    """Features of degraded photos."""

    drawn: tuple[Degraded, ...]
    values: NDArray[np.float16]
    """(d, 2, …), mapped into memory; the milder level first."""


@dataclass(frozen=True, slots=True)
class BlockwiseFeatures:
    """Features of photos of which each block is degraded in its own way."""

    values: NDArray[np.float16]
    """(d, …), mapped into memory."""
    types: NDArray[np.int64]
    """(d, K), see `DegradedCrop`."""
    levels: NDArray[np.int64]
    """(d, K)."""


@dataclass(frozen=True, slots=True)
class CachedFeatures:
    """Features of the photos of a training."""

    values: NDArray[np.float16]
    """(1 or 2, n, …), mapped into memory: photos, then mirror images where a recipe has such."""
    rows: dict[int, int]
    """Index of an image in its data set → its row."""
    spread: NDArray[np.float32] | None = None
    """Standard deviation of each feature over photos, where a recipe has noise."""
    degraded: DegradedFeatures | None = None
    """Where a recipe teaches monotonicity."""
    blockwise: BlockwiseFeatures | None = None
    """Where a phase learns from such photos."""

    def of(self, index: int, *, mirrored: bool = False) -> NDArray[np.float16]:
        """Return the features of an image of the data set."""
        found: NDArray[np.float16] = self.values[int(mirrored), self.rows[index]]
        return found

    def some(self, indices: Sequence[int], count: int) -> torch.Tensor:
        """Return the features of about `count` of the images, spread evenly over them."""
        chosen = indices[:: max(1, len(indices) // count)]
        return torch.from_numpy(np.stack([self.of(index) for index in chosen])).float()


def cached_features(job: Job, phase: Phase) -> CachedFeatures | None:
    """Return the features of all photos, computed now or by an earlier run.

    Returns:
        None if the time is up; what is computed is kept for the next run.

    Raises:
        UsageError: If the folder cannot be written, or a feature is beyond float16.
    """
    recipe, trains = job.recipe, job.photos.indices
    features = _of_photos(job, phase)
    if features is None:
        return None
    if recipe.input.noise:
        noisy = features.some(trains, _PHOTOS_FOR_SPREAD)[..., : phase.noisy]
        features = replace(features, spread=noisy.std(dim=0).numpy())
    # A phase that does not score has no use for monotonicity.
    if recipe.monotonicity.is_on and phase.network is not None:
        count, kinds = recipe.monotonicity.photos, recipe.monotonicity.kinds
        drawn = draw_degraded(trains, count=count, seed=recipe.seed, kinds=kinds)
        degraded = _of_degraded(job, phase, drawn)
        if degraded is None:
            return None
        features = replace(features, degraded=degraded)
    if phase.blockwise is not None:
        blockwise = _of_blockwise(job, phase, phase.blockwise)
        if blockwise is None:
            return None
        features = replace(features, blockwise=blockwise)
    return features


def _of_photos(job: Job, phase: Phase) -> CachedFeatures | None:
    indices = tuple(sorted((*job.photos.indices, *job.photos.val)))
    count, sides = len(indices), 1 + job.recipe.input.flip

    def view(row: int) -> Pixels:
        mirrored, place = divmod(row, count)
        pixels = job.photos.store.view(indices[place])
        return pixels[:, ::-1] if mirrored else pixels

    values = _computed(job, phase, "features", "", view, sides * count)
    if values is None:
        return None
    rows = {index: row for row, index in enumerate(indices)}
    return CachedFeatures(values.reshape(sides, count, *values.shape[1:]), rows)


def _of_degraded(job: Job, phase: Phase, drawn: tuple[Degraded, ...]) -> DegradedFeatures | None:
    def view(row: int) -> Pixels:
        number, level = divmod(row, 2)
        one = drawn[number]
        return degraded_view(job.photos.store.view(one.index), one, one.levels[level])

    facts = json.dumps([[d.index, d.kind, *d.levels] for d in drawn])
    values = _computed(job, phase, "degraded", facts, view, 2 * len(drawn))
    if values is None:
        return None
    return DegradedFeatures(drawn, values.reshape(len(drawn), 2, *values.shape[1:]))


def _of_blockwise(job: Job, phase: Phase, wanted: Blockwise) -> BlockwiseFeatures | None:
    seed, indices = job.recipe.seed, job.photos.indices
    order = np.random.default_rng(seed).permutation(len(indices))
    chosen = [indices[place] for place in order[: wanted.photos or None]]

    def draw(index: int) -> np.random.Generator:
        return numbers(Stream.degraded_blocks, seed, index)

    def view(row: int) -> Pixels:
        pixels = job.photos.store.view(chosen[row])
        return degrade_blocks(pixels, draw(chosen[row]), partition=wanted.partition)[0]

    facts = json.dumps([wanted.partition, seed, chosen])
    values = _computed(job, phase, "blockwise", facts, view, len(chosen))
    if values is None:
        return None
    drawn = [draw_blocks(draw(index), wanted.partition) for index in chosen]
    types, levels = (np.stack(column) for column in zip(*drawn, strict=True))
    return BlockwiseFeatures(values, types, levels)


def _computed(
    job: Job, phase: Phase, kind: str, facts: str, view: Callable[[int], Pixels], rows: int
) -> NDArray[np.float16] | None:
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
        values: NDArray[np.float16] = found.numpy()
        return values

    key = _key(job, phase, facts)
    return computed_array(
        job.photos.store.home / f"{kind}-{key}.npy",
        rows,
        read=lambda chosen: [view(row) for row in chosen],
        compute=pooled,
        at_once=_AT_ONCE,
        workers=job.workers,
        go_on=told(job.watcher, job.deadline, "the features of {} of {} views are cached"),
    )


def _key(job: Job, phase: Phase, facts: str) -> str:
    """Return a name for all that features depend on."""
    recipe, network = job.recipe, phase.network or phase.learner
    options = [(name, recipe.network[name]) for name in sorted(phase.cached_by or ())]
    known: list[Any] = [recipe.family, recipe.backbones, options, is_mixed(recipe, job.device)]
    known += [
        recipe.input.flip,
        job.contract.describe(),
        sorted((*job.photos.indices, *job.photos.val)),
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
