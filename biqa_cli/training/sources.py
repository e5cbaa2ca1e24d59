"""Where batches come from: photos, or cached features of photos. The loop cannot tell."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from biqa_cli.errors import UsageError
from biqa_cli.threads import map_ahead
from biqa_cli.training.augmentation import (
    Arrays,
    is_mirrored,
    normalised,
    normalised_views,
    random_crop,
    with_noise,
)
from biqa_cli.training.batch import Batch, Cacheable, Triples
from biqa_cli.training.families.base import Phase
from biqa_cli.training.features import CachedFeatures, cached_features, spread_over
from biqa_cli.training.job import Job, autocast
from biqa_cli.training.streams import Stream, numbers, torch_seed
from biqa_cli.training.validation import predict, predict_from_features

_AT_ONCE = 16
# Photos that a new head is initialised by; fewer where each has to pass the backbone first.
_CACHED_FOR_HEAD, _SEEN_FOR_HEAD = 500, 128
_NOT_CACHED = (
    "{} is for cached features of whole photos: set optimiser.trainable=head, input.crop=0, "
    "input.rotate=0 and input.crops_per_photo=1 (all families but reqa; qualitynet without "
    "attention_first), or {}=0"
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

    def head_features(self) -> Tensor:
        """Return what a new head is initialised by: the features of some photos."""
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
        return None if features is None else FeatureSource(job, phase, features)
    for name, value in (
        ("input.noise", recipe.input.noise),
        ("monotonicity.weight", recipe.monotonicity.weight),
    ):
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
        self.job, self.phase = job, phase

    def batches(self, *, epoch: int, before: int, start: int) -> Iterator[Batch]:
        """See `Source`."""
        job, chosen = self.job, samples_of(self.job, before + epoch)

        def read(step: int) -> tuple[NDArray[Any], Arrays]:
            crops, extras = [], []
            for sample in chosen[step]:
                rng = numbers(Stream.sample, job.recipe.seed, before + epoch, int(sample))
                view = job.photos.store.view(job.photos.index_of(sample))
                crops.append(random_crop(view, job.recipe.input, rng))
                if self.phase.extras is not None:
                    extras.append(self.phase.extras(crops[-1], rng))
            names = extras[0] if extras else {}
            return np.stack(crops), {name: np.stack([e[name] for e in extras]) for name in names}

        steps = range(start, len(chosen))
        made = map_ahead(read, steps, workers=job.workers, ahead=2 * job.workers)
        for step, (pixels, extras) in zip(steps, made, strict=True):
            images = normalised(_on_device(pixels, job), job.contract)
            arrays = {name: _on_device(array, job) for name, array in extras.items()}
            yield _batch(job, images, chosen[step], epoch, before, step, extras=arrays)

    def scores(self, network: nn.Module) -> NDArray[np.float64]:
        """See `Source`."""
        return predict(network, self.job, self.job.val_blocks)

    def head_features(self) -> Tensor:
        """See `Source`."""
        job, network = self.job, (self.phase.network or self.phase.learner).eval()
        rng = numbers(Stream.head_sample, job.recipe.seed)
        chosen = spread_over(job.photos.indices, _SEEN_FOR_HEAD)
        found = []
        for at in range(0, len(chosen), _AT_ONCE):
            views = [job.photos.store.view(index) for index in chosen[at : at + _AT_ONCE]]
            crops = [random_crop(view, job.recipe.input, rng) for view in views]
            images = normalised_views(crops, job.contract, job.device)
            with torch.no_grad(), autocast(job.recipe, job.device):
                found.append(cast("Cacheable", network).pooled(images).float())
        return torch.cat(found)


class FeatureSource:
    """Cached features, with noise in place of other views of a photo."""

    def __init__(self, job: Job, phase: Phase, features: CachedFeatures) -> None:
        self.job, self.phase, self.features = job, phase, features

    def batches(self, *, epoch: int, before: int, start: int) -> Iterator[Batch]:
        """See `Source`."""
        job, chosen = self.job, samples_of(self.job, before + epoch)
        steps = range(start, len(chosen))

        def read(step: int) -> NDArray[Any]:
            made = []
            for sample in chosen[step]:
                rng = numbers(Stream.sample, job.recipe.seed, before + epoch, int(sample))
                mirrored = is_mirrored(job.recipe.input, rng)
                found = self.features.of(job.photos.index_of(sample), mirrored=mirrored)
                made.append(self._noisy(found, rng))
            return np.stack(made)

        made = map_ahead(read, steps, workers=job.workers, ahead=2 * job.workers)
        for step, values in zip(steps, made, strict=True):
            place = (job.recipe.seed, before + epoch, step)
            yield _batch(
                job,
                _on_device(values, job).float(),
                chosen[step],
                epoch,
                before,
                step,
                is_cached=True,
                extras=self._blockwise(numbers(Stream.blockwise_batch, *place)),
                triples=self._triples(numbers(Stream.triples, *place)),
            )

    def scores(self, network: nn.Module) -> NDArray[np.float64]:
        """See `Source`."""
        return predict_from_features(network, self.features, self.job.val, device=self.job.device)

    def head_features(self) -> Tensor:
        """See `Source`."""
        return self.features.some(self.job.photos.indices, _CACHED_FOR_HEAD).to(self.job.device)

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
            levels=_on_device(np.array([one.levels for one in drawn]), self.job),
            weight=recipe.monotonicity.weight,
            span=span if scale.higher_is_better else -span,
        )

    def _blockwise(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """Return a quarter as many photos, degraded block by block, as `extras` makes them."""
        kept = self.features.blockwise
        if kept is None:
            return {}
        chosen = rng.integers(len(kept.values), size=max(1, self.job.recipe.optimiser.batch // 4))
        arrays: Arrays = {"degraded": kept.values, "types": kept.types, "levels": kept.levels}
        return {name: _on_device(array[chosen], self.job) for name, array in arrays.items()}


def _batch(
    job: Job,
    inputs: Tensor,
    samples: Sequence[int] | NDArray[np.int64],
    epoch: int,
    before: int,
    step: int,
    *,
    extras: dict[str, Tensor],
    is_cached: bool = False,
    triples: Triples | None = None,
) -> Batch:
    places = np.asarray(samples) % len(job.photos.indices)
    seed = torch_seed(Stream.loss, job.recipe.seed, before + epoch, step)
    return Batch(
        inputs=inputs,
        labels=_on_device(job.photos.labels[places], job),
        types=_on_device(job.photos.types[places], job),
        epoch=epoch,
        generator=torch.Generator().manual_seed(seed),
        is_cached=is_cached,
        extras=extras,
        triples=triples,
    )


def _on_device(array: NDArray[Any], job: Job) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(job.device)
