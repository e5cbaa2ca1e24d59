"""Where batches come from: photos, or cached features of photos. The loop cannot tell."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from biqa_cli.distortions.examples import good_ones
from biqa_cli.threads import map_ahead
from biqa_cli.training.augmentation import (
    Arrays,
    is_mirrored,
    normalised,
    random_crop,
    with_noise,
)
from biqa_cli.training.batch import Also, Batch, Examples, Triples
from biqa_cli.training.families.base import Phase
from biqa_cli.training.features import cached_features
from biqa_cli.training.job import Job
from biqa_cli.training.seen import Further, Seen
from biqa_cli.training.streams import Stream, numbers, torch_seed
from biqa_cli.training.validation import predict, predict_features, scoring_blocks
from biqa_cli.training.views import views_of

# Photos that a new head is initialised by.
_FOR_HEAD = 500


def samples_of(job: Job, epoch: int) -> NDArray[np.int64]:
    """Return the samples (steps, B) of an epoch; what does not fill a batch is left out."""
    samples = len(job.photos.indices) * job.recipe.input.crops_per_photo
    batch = min(job.recipe.optimiser.batch, samples)
    order = numbers(Stream.epoch_order, job.recipe.seed, epoch).permutation(samples)
    return order[: samples // batch * batch].reshape(-1, batch)


def open_source(job: Job, phase: Phase) -> "Source":
    """Return cached features where a recipe has such, otherwise photos.

    Raises:
        TimeIsUpError: If the time is up before all features are cached, or all examples made.
    """
    if job.recipe.is_cached:
        return FeatureSource(job, cached_features(job, phase))
    return PhotoSource(job, phase)


class Source(ABC):
    """Yields the batches of a phase and scores the validation photos."""

    def __init__(self, job: Job, seen: Seen) -> None:
        self.job, self.seen = job, seen

    @cached_property
    def good(self) -> list[int]:
        """Rated photos worth enough to have no flaw."""
        photos, scale = self.job.photos, self.job.trained.scale
        worth = [scale.to_share(label) for label in photos.labels.tolist()]
        return good_ones(photos.indices, worth)

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
            place = (seed, number, step)
            yield Batch(
                inputs=self._inputs(tensors.pop("sample")),
                labels=_on_device(job.photos.labels[places], job),
                types=_on_device(job.photos.types[places], job),
                epoch=epoch,
                generator=torch.Generator().manual_seed(torch_seed(Stream.loss, *place)),
                is_cached=job.recipe.is_cached,
                extras=tensors | self._blockwise(numbers(Stream.blockwise_batch, *place)),
                triples=self._triples(numbers(Stream.triples, *place)),
                examples=self._examples(numbers(Stream.example_batch, *place)),
                also=self._also(step, numbers(Stream.also_batch, *place)),
            )

    @abstractmethod
    def _sample(self, index: int, rng: np.random.Generator) -> Arrays:
        """Return a "sample" of a photo, and what else a phase needs of it; called in threads."""

    @abstractmethod
    def _inputs(self, samples: Tensor) -> Tensor:
        """Return samples on the device as a network takes them."""

    @abstractmethod
    def _varied(self, seen: NDArray[Any], rng: np.random.Generator, noise: float) -> Tensor:
        """Return the inputs of a network for what is seen of other photos (…), as samples are.

        Args:
            seen: Of the photos.
            rng: For what varies from epoch to epoch.
            noise: On cached features.
        """

    @abstractmethod
    def scores(self, network: nn.Module) -> NDArray[np.float64]:
        """Return the scores (n,) of the validation photos."""

    @abstractmethod
    def head_features(self) -> Tensor | None:
        """Return what a new head is initialised by: the features of some photos, if cached."""

    def _triples(self, rng: np.random.Generator) -> Triples | None:
        """Return half as many triples as a batch has photos; None where nothing asks for them."""
        degraded, recipe = self.seen.degraded, self.job.recipe
        if degraded is None:
            return None
        chosen = rng.integers(len(degraded.values), size=recipe.optimiser.batch // 2)
        photos = np.stack([self.seen.of(index) for index in degraded.known["indices"][chosen]])
        seen = np.concatenate([photos[:, None], degraded.of(chosen)], axis=1)
        return Triples(
            inputs=self._varied(seen, rng, recipe.input.noise),
            levels=_on_device(degraded.known["levels"][chosen], self.job),
        )

    def _examples(self, rng: np.random.Generator) -> Examples | None:
        """Return as many examples as a batch has photos, and half as many good ones of these."""
        examples, recipe = self.seen.examples, self.job.recipe
        if examples is None:
            return None
        size, noise = recipe.optimiser.batch, recipe.examples.noise
        chosen = rng.integers(len(examples.values), size=size)
        good = np.stack([self.seen.of(index) for index in rng.choice(self.good, size=size // 2)])
        return Examples(
            inputs=self._varied(examples.of(chosen), rng, noise),
            # With the same noise: it must not tell flawed photos from good ones.
            unflawed=self._varied(good, rng, noise),
            **self._known(examples, chosen),
        )

    def _also(self, step: int, rng: np.random.Generator) -> Also | None:
        """Return as many photos of another data set as a batch has; the sets take turns."""
        if not self.seen.also:
            return None
        photos = self.seen.also[step % len(self.seen.also)]
        count, recipe = len(photos.known["labels"]), self.job.recipe
        chosen = rng.choice(count, size=min(recipe.optimiser.batch, count), replace=False)
        inputs = self._varied(photos.of(chosen), rng, recipe.input.noise)
        return Also(inputs, **self._known(photos, chosen))

    def _blockwise(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """Return a quarter as many photos, degraded block by block, as `extras` makes them."""
        photos = self.seen.blockwise
        if photos is None:
            return {}
        size = max(1, self.job.recipe.optimiser.batch // 4)
        chosen = rng.integers(len(photos.values), size=size)
        degraded = _on_device(photos.of(chosen), self.job)
        return {"degraded": degraded, **self._known(photos, chosen)}

    def _known(self, photos: Further, chosen: NDArray[np.int64]) -> dict[str, Tensor]:
        return {name: _on_device(known[chosen], self.job) for name, known in photos.known.items()}


class PhotoSource(Source):
    """Random crops of decoded photos."""

    def __init__(self, job: Job, phase: Phase) -> None:
        super().__init__(job, views_of(job))
        self.extras = phase.extras

    def _sample(self, index: int, rng: np.random.Generator) -> Arrays:
        crop = random_crop(self.seen.of(index), self.job.recipe.input, rng)
        extras = {} if self.extras is None else self.extras(crop, rng)
        return {"sample": crop, **extras}

    def _inputs(self, samples: Tensor) -> Tensor:
        return normalised(samples, self.job.contract)

    def _varied(self, seen: NDArray[Any], rng: np.random.Generator, _noise: float) -> Tensor:
        crops = [random_crop(view, self.job.recipe.input, rng) for view in seen]
        return self._inputs(_on_device(np.stack(crops), self.job))

    def scores(self, network: nn.Module) -> NDArray[np.float64]:
        view = self.job.recipe.input
        blocks = scoring_blocks(self.job.contract, view, at_most=view.val_crops)
        return predict(network, self.job, blocks)

    def head_features(self) -> None:
        return None


class FeatureSource(Source):
    """Cached features, with noise in place of other views of a photo."""

    def _sample(self, index: int, rng: np.random.Generator) -> Arrays:
        mirrored = is_mirrored(self.job.recipe.input, rng)
        seen = self.seen.of(index, mirrored=mirrored)
        share = self.job.recipe.input.noise
        return {"sample": with_noise(seen, self.seen.spread, rng, share=share)}

    def _inputs(self, samples: Tensor) -> Tensor:
        return samples.float()

    def _varied(self, seen: NDArray[Any], rng: np.random.Generator, noise: float) -> Tensor:
        noisy = with_noise(seen, self.seen.spread, rng, share=noise)
        return self._inputs(_on_device(noisy, self.job))

    def scores(self, network: nn.Module) -> NDArray[np.float64]:
        return predict_features(network, self.seen, self.job.photos.val, self.job.device)

    def head_features(self) -> Tensor:
        found = self.seen.some(self.job.photos.indices, _FOR_HEAD)
        if self.seen.examples is not None:
            # Flaws change features more than photos differ.
            examples = torch.tensor(self.seen.examples.values[: len(found) // 2]).float()
            found = torch.cat([found[::2], examples])
        return found.to(self.job.device)


def _on_device(array: NDArray[Any], job: Job) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(job.device)
