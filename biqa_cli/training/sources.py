"""Where batches come from: photos, or cached features of photos. The loop cannot tell."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from biqa_cli.threads import map_ahead
from biqa_cli.training.augmentation import (
    Arrays,
    is_mirrored,
    normalised,
    random_crop,
    with_noise,
)
from biqa_cli.training.batch import Also, Batch, Cacheable, Examples, Triples
from biqa_cli.training.examples import good_ones
from biqa_cli.training.families.base import Phase
from biqa_cli.training.features import CachedFeatures, cached_features
from biqa_cli.training.job import Job
from biqa_cli.training.streams import Stream, numbers, torch_seed
from biqa_cli.training.validation import predict

# Photos that a new head is initialised by, and that validation scores at once.
_FOR_HEAD, _AT_ONCE = 500, 32


def samples_of(job: Job, epoch: int) -> NDArray[np.int64]:
    """Return the samples (steps, B) of an epoch; what does not fill a batch is left out."""
    samples = len(job.photos.indices) * job.recipe.input.crops_per_photo
    batch = min(job.recipe.optimiser.batch, samples)
    order = numbers(Stream.epoch_order, job.recipe.seed, epoch).permutation(samples)
    return order[: samples // batch * batch].reshape(-1, batch)


def open_source(job: Job, phase: Phase) -> "Source":
    """Return cached features where a recipe has such, otherwise photos.

    Raises:
        TimeIsUpError: If the time is up before all features are cached.
    """
    if job.recipe.is_cached:
        return FeatureSource(job, cached_features(job, phase))
    return PhotoSource(job, phase)


class Source(ABC):
    """Yields the batches of a phase and scores the validation photos."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def batches(self, *, epoch: int, before: int, start: int) -> Iterator[Batch]:
        """Yield the batches of an epoch; the same for the same seed and epoch.

        Args:
            epoch: Of the phase, counted from 0.
            before: Epochs of the phases before, so that no two epochs draw the same samples.
            start: Batches at the beginning that are skipped.
        """
        job, seed, number = self.job, self.job.recipe.seed, before + epoch
        samples = samples_of(job, number)

        def read(step: int) -> Arrays:
            made: list[Arrays] = []
            for sample in samples[step].tolist():
                rng = numbers(Stream.sample, seed, number, sample)
                made.append(self._sample(job.photos.index_of(sample), rng))
            return {name: np.stack([one[name] for one in made]) for name in made[0]}

        steps = range(start, len(samples))
        ahead = map_ahead(read, steps, workers=job.workers, ahead=2 * job.workers)
        for step, arrays in zip(steps, ahead, strict=True):
            places = samples[step] % len(job.photos.indices)
            tensors = {name: _on_device(array, job) for name, array in arrays.items()}
            loss_seed = torch_seed(Stream.loss, seed, number, step)
            yield Batch(
                inputs=self._inputs(tensors.pop("sample")),
                labels=_on_device(job.photos.labels[places], job),
                types=_on_device(job.photos.types[places], job),
                epoch=epoch,
                generator=torch.Generator().manual_seed(loss_seed),
                extras=tensors,
            )

    @abstractmethod
    def _sample(self, index: int, rng: np.random.Generator) -> Arrays:
        """Return a "sample" of a photo, and what else a phase needs of it; called in threads."""

    @abstractmethod
    def _inputs(self, samples: Tensor) -> Tensor:
        """Return samples on the device as a network takes them."""

    @abstractmethod
    def scores(self, network: nn.Module) -> NDArray[np.float64]:
        """Return the scores (n,) of the validation photos."""

    @abstractmethod
    def head_features(self) -> Tensor | None:
        """Return what a new head is initialised by: the features of some photos, if cached."""


class PhotoSource(Source):
    """Random crops of decoded photos."""

    def __init__(self, job: Job, phase: Phase) -> None:
        super().__init__(job)
        self.extras = phase.extras

    def _sample(self, index: int, rng: np.random.Generator) -> Arrays:
        crop = random_crop(self.job.photos.store.view(index), self.job.recipe.input, rng)
        extras = {} if self.extras is None else self.extras(crop, rng)
        return {"sample": crop, **extras}

    def _inputs(self, samples: Tensor) -> Tensor:
        return normalised(samples, self.job.contract)

    def scores(self, network: nn.Module) -> NDArray[np.float64]:
        return predict(network, self.job, self.job.val_blocks)

    def head_features(self) -> None:
        return None


class FeatureSource(Source):
    """Cached features, with noise in place of other views of a photo."""

    def __init__(self, job: Job, features: CachedFeatures) -> None:
        super().__init__(job)
        self.features = features
        worth = [job.trained.scale.to_share(label) for label in job.photos.labels.tolist()]
        self.good = good_ones(job.photos.indices, worth)

    def batches(self, *, epoch: int, before: int, start: int) -> Iterator[Batch]:
        batches = super().batches(epoch=epoch, before=before, start=start)
        for step, batch in enumerate(batches, start):
            place = (self.job.recipe.seed, before + epoch, step)
            extras = self._blockwise(numbers(Stream.blockwise_batch, *place))
            triples = self._triples(numbers(Stream.triples, *place))
            examples = self._examples(numbers(Stream.example_batch, *place))
            yield replace(
                batch,
                is_cached=True,
                extras=extras,
                triples=triples,
                examples=examples,
                also=self._also(step, numbers(Stream.also_batch, *place)),
            )

    def _sample(self, index: int, rng: np.random.Generator) -> Arrays:
        mirrored = is_mirrored(self.job.recipe.input, rng)
        return {"sample": self._noisy(self.features.of(index, mirrored=mirrored), rng)}

    def _inputs(self, samples: Tensor) -> Tensor:
        return samples.float()

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

    def _hardly_noisy(self, values: NDArray[Any], rng: np.random.Generator) -> Tensor:
        """Return features with the noise of examples: it must not tell flawed photos from good."""
        share = self.job.recipe.examples.noise
        noisy = with_noise(values, self.features.spread, rng, share=share)
        return _on_device(noisy, self.job).float()

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
            levels=_on_device(np.array([one.levels for one in drawn]), self.job),
            weight=recipe.monotonicity.weight,
            worst=scale.lowest if scale.higher_is_better else scale.highest,
            span=span if scale.higher_is_better else -span,
        )

    def _examples(self, rng: np.random.Generator) -> Examples | None:
        """Return as many examples as a batch has photos, and half as many good ones of these."""
        cached = self.features.examples
        if cached is None:
            return None
        size = self.job.recipe.optimiser.batch
        chosen = rng.integers(len(cached.drawn), size=size)
        drawn = [cached.drawn[number] for number in chosen]
        good = [self.features.of(index) for index in rng.choice(self.good, size=size // 2)]
        scale = self.job.trained.scale
        labels = [scale.from_share(one.share) for one in drawn]
        return Examples(
            inputs=self._hardly_noisy(cached.values[chosen], rng),
            unflawed=self._hardly_noisy(np.stack(good), rng),
            labels=_on_device(np.array(labels, np.float32), self.job),
            are_rated=_on_device(np.array([one.is_rated for one in drawn]), self.job),
            have_known_flaws=_on_device(np.array([one.has_known_flaws for one in drawn]), self.job),
            kept=_on_device(np.array([one.kept for one in drawn], np.float32), self.job),
            flaws=_on_device(np.array([one.flaws for one in drawn], np.float32), self.job),
        )

    def _also(self, step: int, rng: np.random.Generator) -> Also | None:
        """Return as many photos of another data set as a batch has; the sets take turns."""
        sets = self.features.also
        if not sets:
            return None
        photos = sets[step % len(sets)]
        size = min(self.job.recipe.optimiser.batch, len(photos.labels))
        chosen = rng.choice(len(photos.labels), size=size, replace=False)
        return Also(
            inputs=_on_device(self._noisy(photos.values[chosen], rng), self.job).float(),
            labels=_on_device(photos.labels[chosen], self.job),
        )

    def _blockwise(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """Return a quarter as many photos, degraded block by block, as `extras` makes them."""
        kept = self.features.blockwise
        if kept is None:
            return {}
        size = max(1, self.job.recipe.optimiser.batch // 4)
        chosen = rng.integers(len(kept["degraded"]), size=size)
        return {name: _on_device(array[chosen], self.job) for name, array in kept.items()}


def _on_device(array: NDArray[Any], job: Job) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(job.device)
