"""Where batches come from: photos, or cached features of photos. The loop cannot tell."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from biqa_cli.distortions.opinions import degraded_share
from biqa_cli.errors import UsageError
from biqa_cli.threads import map_ahead
from biqa_cli.training.augmentation import (
    Arrays,
    is_mirrored,
    normalised,
    random_crop,
    with_noise,
)
from biqa_cli.training.batch import Batch, Cacheable, Triples
from biqa_cli.training.families.base import Phase
from biqa_cli.training.features import CachedFeatures, cached_features
from biqa_cli.training.job import Job
from biqa_cli.training.monotonicity import Degraded, ordered_levels
from biqa_cli.training.streams import Stream, numbers, torch_seed
from biqa_cli.training.validation import predict

_Read = TypeVar("_Read")
# Photos that a new head is initialised by, and that validation scores at once.
_FOR_HEAD, _AT_ONCE = 500, 32
_NOT_CACHED = (
    "{} is for cached features of whole photos: set optimiser.trainable=head, input.crop=0, "
    "input.rotate=0 and input.crops_per_photo=1 (all families but reqa; qualitynet without "
    "network.attention_first), or {}=0"
)


class Source(Protocol):
    """Yields the batches of a phase and scores the validation photos."""

    def batches(self, *, epoch: int, before: int, start: int) -> Iterator[Batch]:
        """Yield the batches of an epoch; the same for the same seed and epoch.

        Args:
            epoch: Of the phase, counted from 0.
            before: Epochs of the phases before, so that no two epochs draw the same samples.
            start: Batches at the beginning that are skipped.
        """
        ...

    def scores(self, network: nn.Module) -> NDArray[np.float64]:
        """Return the scores (n,) of the validation photos."""
        ...

    def head_features(self) -> Tensor | None:
        """Return what a new head is initialised by: the features of some photos, if cached."""
        ...


def open_source(job: Job, phase: Phase) -> Source | None:
    """Return cached features where the backbone is frozen and every epoch sees the same views.

    Returns:
        Photos where it is not so. None if the time is up before all features are cached.

    Raises:
        UsageError: If the recipe has what only cached features can have.
    """
    recipe = job.recipe
    is_frozen = recipe.optimiser.trainable == "head" and recipe.input.is_whole
    if is_frozen and phase.cached_by is not None:
        features = cached_features(job, phase)
        return None if features is None else FeatureSource(job, features)
    values = {
        "input.noise": recipe.input.noise,
        "monotonicity.weight": recipe.monotonicity.weight,
        "monotonicity.opinion_weight": recipe.monotonicity.opinion_weight,
    }
    for name, value in values.items():
        if value:
            raise UsageError(_NOT_CACHED.format(name, name))
    return PhotoSource(job, phase)


def samples_of(job: Job, epoch: int) -> NDArray[np.int64]:
    """Return the samples (steps, B) of an epoch; what does not fill a batch is left out."""
    samples = len(job.photos.indices) * job.recipe.input.crops_per_photo
    batch = min(job.recipe.optimiser.batch, samples)
    order = numbers(Stream.epoch_order, job.recipe.seed, epoch).permutation(samples)
    return order[: samples // batch * batch].reshape(-1, batch)


class PhotoSource:
    """Random crops of decoded photos."""

    def __init__(self, job: Job, phase: Phase) -> None:
        self.job, self.extras = job, phase.extras

    def batches(self, *, epoch: int, before: int, start: int) -> Iterator[Batch]:
        job, samples = self.job, samples_of(self.job, before + epoch)

        def read(step: int) -> Arrays:
            made: list[Arrays] = []
            for sample in samples[step]:
                rng = numbers(Stream.sample, job.recipe.seed, before + epoch, int(sample))
                view = job.photos.store.view(job.photos.index_of(sample))
                crop = random_crop(view, job.recipe.input, rng)
                extras = {} if self.extras is None else self.extras(crop, rng)
                made.append({"crop": crop, **extras})
            return {name: np.stack([one[name] for one in made]) for name in made[0]}

        steps = range(start, len(samples))
        for step, arrays in zip(steps, _ahead(job, read, steps), strict=True):
            tensors = {name: _on_device(array, job) for name, array in arrays.items()}
            images = normalised(tensors.pop("crop"), job.contract)
            yield _batch(job, images, samples[step], epoch, before, step, extras=tensors)

    def scores(self, network: nn.Module) -> NDArray[np.float64]:
        return predict(network, self.job, self.job.val_blocks)

    def head_features(self) -> None:
        """Return None: nothing is cached."""


class FeatureSource:
    """Cached features, with noise in place of other views of a photo."""

    def __init__(self, job: Job, features: CachedFeatures) -> None:
        self.job, self.features = job, features
        self.labels = dict(zip(job.photos.indices, job.photos.labels.tolist(), strict=True))

    def batches(self, *, epoch: int, before: int, start: int) -> Iterator[Batch]:
        job, samples = self.job, samples_of(self.job, before + epoch)

        def read(step: int) -> NDArray[Any]:
            made = []
            for sample in samples[step]:
                rng = numbers(Stream.sample, job.recipe.seed, before + epoch, int(sample))
                mirrored = is_mirrored(job.recipe.input, rng)
                found = self.features.of(job.photos.index_of(sample), mirrored=mirrored)
                made.append(self._noisy(found, rng))
            return np.stack(made)

        steps = range(start, len(samples))
        for step, values in zip(steps, _ahead(job, read, steps), strict=True):
            place = (job.recipe.seed, before + epoch, step)
            extras = self._blockwise(numbers(Stream.blockwise_batch, *place))
            triples = self._triples(numbers(Stream.triples, *place))
            inputs = _on_device(values, job).float()
            batch = _batch(job, inputs, samples[step], epoch, before, step, extras=extras)
            yield replace(batch, is_cached=True, triples=triples)

    def scores(self, network: nn.Module) -> NDArray[np.float64]:
        network.eval()
        val, scores = self.job.photos.val, []
        with torch.inference_mode():
            for start in range(0, len(val), _AT_ONCE):
                chosen = [self.features.of(index) for index in val[start : start + _AT_ONCE]]
                pooled = _on_device(np.stack(chosen), self.job).float()
                scores.append(cast("Cacheable", network).from_pooled(pooled).scores.double().cpu())
        return np.asarray(torch.cat(scores).numpy(), dtype=np.float64)

    def head_features(self) -> Tensor:
        return self.features.some(self.job.photos.indices, _FOR_HEAD).to(self.job.device)

    def _noisy(self, values: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
        return with_noise(values, self.features.spread, rng, share=self.job.recipe.input.noise)

    def _triples(self, rng: np.random.Generator) -> Triples | None:
        """Return half as many triples as a batch has photos; None where nothing asks for them."""
        degraded, recipe = self.features.degraded, self.job.recipe
        if degraded is None:
            return None
        chosen = rng.integers(len(degraded.drawn), size=recipe.optimiser.batch // 2)
        drawn = [degraded.drawn[number] for number in chosen]
        photos = np.stack([self.features.of(one.index) for one in drawn])
        seen = np.concatenate([photos[:, None], degraded.values[chosen]], axis=1)
        scale = self.job.trained.scale
        span = scale.highest - scale.lowest
        return Triples(
            inputs=_on_device(self._noisy(seen, rng), self.job).float(),
            levels=_on_device(np.array([ordered_levels(one) for one in drawn]), self.job),
            weight=recipe.monotonicity.weight,
            opinions=_on_device(self._opinions(drawn), self.job),
            opinion_weight=recipe.monotonicity.opinion_weight,
            worst=scale.lowest if scale.higher_is_better else scale.highest,
            span=span if scale.higher_is_better else -span,
        )

    def _opinions(self, drawn: Sequence[Degraded]) -> NDArray[np.float32]:
        """Return what degraded photos are worth (D, 2), as shares of the scale."""
        scale = self.job.trained.scale
        shares = [
            [
                degraded_share(scale.to_share(self.labels[one.index]), kind=one.kind, level=level)
                for level in one.levels
            ]
            for one in drawn
        ]
        return np.array(shares, dtype=np.float32)

    def _blockwise(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """Return a quarter as many photos, degraded block by block, as `extras` makes them."""
        kept = self.features.blockwise
        if kept is None:
            return {}
        chosen = rng.integers(len(kept.values), size=max(1, self.job.recipe.optimiser.batch // 4))
        arrays: Arrays = {"degraded": kept.values, "types": kept.types, "levels": kept.levels}
        return {name: _on_device(array[chosen], self.job) for name, array in arrays.items()}


def _ahead(job: Job, read: Callable[[int], _Read], steps: range) -> Iterator[_Read]:
    return map_ahead(read, steps, workers=job.workers, ahead=2 * job.workers)


def _batch(
    job: Job,
    inputs: Tensor,
    samples: NDArray[np.int64],
    epoch: int,
    before: int,
    step: int,
    *,
    extras: dict[str, Tensor],
) -> Batch:
    places = samples % len(job.photos.indices)
    seed = torch_seed(Stream.loss, job.recipe.seed, before + epoch, step)
    return Batch(
        inputs=inputs,
        labels=_on_device(job.photos.labels[places], job),
        types=_on_device(job.photos.types[places], job),
        epoch=epoch,
        generator=torch.Generator().manual_seed(seed),
        extras=extras,
    )


def _on_device(array: NDArray[Any], job: Job) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(job.device)
