"""From decoded photos to batches: crops, flips and turns that only depend on seed and place."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from biqa_cli.models.spec import InputContract
from biqa_cli.threads import map_ahead
from biqa_cli.training.photos import PhotoStore, Pixels
from biqa_cli.training.recipe import InputRecipe

Arrays = dict[str, NDArray[Any]]
Extras = Callable[[Pixels, np.random.Generator], Arrays]
"""What a family makes of a crop (h, w, 3) beside the crop itself, in the threads that read."""
Cut = Callable[[NDArray[Any], np.random.Generator], NDArray[Any]]
"""Takes a random part of what is kept of a photo (N, K)."""
Triples = Callable[[int], Arrays]
"""Makes, for a step of the epoch, crops and their degraded versions, in the threads that read."""


class FeaturesOf(Protocol):
    """Returns what is cached of an image of the data set."""

    def __call__(self, index: int, *, mirrored: bool) -> NDArray[Any]:
        """Return an array of the same shape for each image."""
        ...


_MAPS = 3
# Streams of random numbers that never meet.
_ORDER, _SAMPLE = 1, 2


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The photos that train, and their labels on the recipe's scale."""

    store: PhotoStore
    indices: tuple[int, ...]
    """Of the photos in their data set; none is broken."""
    labels: NDArray[np.float32]
    types: NDArray[np.int64]
    """Of distortion, counted from 0; -1 where a photo has none."""


@dataclass(frozen=True, slots=True)
class Crops:
    """A batch as threads make it."""

    pixels: NDArray[Any]
    """(B, h, w, 3); what is cached of the photos (B, …) where something is."""
    labels: NDArray[np.float32]
    types: NDArray[np.int64]
    extras: Arrays = field(default_factory=dict)
    triples: Arrays = field(default_factory=dict)
    """See `Triples`; empty where nothing teaches their order."""


def steps_per_epoch(count: int, recipe: InputRecipe, *, batch: int) -> int:
    """Return the batches of an epoch; what does not fill a batch is left for another epoch."""
    samples = count * recipe.crops_per_photo
    return samples // min(batch, samples)


def epoch_batches(
    photos: TrainingSet,
    recipe: InputRecipe,
    *,
    batch: int,
    seed: int,
    epoch: int,
    start: int,
    workers: int,
    extras: Extras | None = None,
    triples: Triples | None = None,
    features: FeaturesOf | None = None,
    spread: NDArray[np.float32] | None = None,
    cut: Cut | None = None,
) -> Iterator[Crops]:
    """Yield the batches of an epoch; the same for the same seed and epoch, whoever makes them.

    Args:
        photos: What to train on.
        recipe: How crops are made.
        batch: Samples of a batch, fewer if there are fewer photos.
        seed: Of the training.
        epoch: Counted from 0 over all phases.
        start: Batches at the beginning of the epoch that are skipped.
        workers: Threads that make batches ahead.
        extras: What else a family makes of a crop.
        triples: What else a step sees.
        features: In place of pixels what is cached of a photo, mirrored or not.
        spread: Of each feature: the unit of the recipe's noise.
        cut: Takes a random part of what is cached.
    """
    count = len(photos.indices)
    samples = count * recipe.crops_per_photo
    batch = min(batch, samples)
    order = np.random.default_rng((seed, _ORDER, epoch)).permutation(samples)
    batches = order[: samples // batch * batch].reshape(-1, batch)

    def make(step: int) -> Crops:
        chosen = batches[step]
        crops: list[NDArray[Any]] = []
        made: list[Arrays] = []
        for sample in chosen:
            rng = np.random.default_rng((seed, _SAMPLE, epoch, int(sample)))
            index = photos.indices[sample % count]
            if features is not None:
                found = features(index, mirrored=is_mirrored(recipe, rng))
                found = found if cut is None else cut(found, rng)
                crops.append(with_noise(found, spread, rng, share=recipe.noise))
                continue
            view = photos.store.view(index)
            crops.append(random_crop(view, recipe, rng))
            if extras is not None:
                made.append(extras(crops[-1], rng))
        places = chosen % count
        return Crops(
            pixels=np.stack(crops),
            labels=photos.labels[places],
            types=photos.types[places],
            extras={key: np.stack([one[key] for one in made]) for key in (made or [{}])[0]},
            triples={} if triples is None else triples(step),
        )

    steps = range(start, len(batches))
    return map_ahead(make, steps, workers=workers, ahead=2 * workers)


def random_crop(view: Pixels, recipe: InputRecipe, rng: np.random.Generator) -> Pixels:
    """Return a crop (h, w, 3) of a view (H, W, 3), mirrored and turned as the recipe says."""
    height, width = view.shape[:2]
    size = recipe.crop
    if size:
        y, x = rng.integers(height - size + 1), rng.integers(width - size + 1)
        view = view[y : y + size, x : x + size]
    if is_mirrored(recipe, rng):
        view = view[:, ::-1]
    if recipe.rotate:
        angle = rng.uniform(-recipe.rotate, recipe.rotate)
        turned = Image.fromarray(view).rotate(angle, Image.Resampling.BILINEAR)
        return np.asarray(turned)
    return view


def with_noise(
    features: NDArray[np.float16],
    spread: NDArray[np.float32] | None,
    rng: np.random.Generator,
    *,
    share: float,
) -> NDArray[Any]:
    """Return features with normal noise, `share` of the spread of each; without one as they are.

    Maps (…, C, h, w) have the same noise at all places: it shall make another photo of this one,
    and what differs from place to place would cancel out in what a head reads of all of them.
    Features beyond the last that has a spread stay as they are.
    """
    if spread is None or not share:
        return features
    noisy, rest = np.split(features, [spread.shape[-1]], axis=-1)
    shape = noisy.shape if spread.ndim < _MAPS else (*features.shape[:-2], 1, 1)
    noise = rng.standard_normal(shape, dtype=np.float32)
    made = noisy + np.float32(share) * spread * noise
    return np.concatenate([made, rest], axis=-1) if rest.shape[-1] else made


def is_mirrored(recipe: InputRecipe, rng: np.random.Generator) -> bool:
    """Return whether a sample is mirrored: half of all are, if the recipe says so."""
    return recipe.flip and rng.random() < 0.5  # noqa: PLR2004  half


def normalised(pixels: Tensor, contract: InputContract) -> Tensor:
    """Return pixels (B, h, w, 3) of 0 to 255 as images (B, 3, h, w), channels last in memory."""
    mean = torch.tensor(contract.mean, device=pixels.device).reshape(3, 1, 1)
    std = torch.tensor(contract.std, device=pixels.device).reshape(3, 1, 1)
    return (pixels.permute(0, 3, 1, 2).float() / 255 - mean) / std


def to_device(arrays: Mapping[str, NDArray[Any]], device: str) -> dict[str, Tensor]:
    """Return arrays as tensors on a device."""
    return {
        key: torch.from_numpy(np.ascontiguousarray(array)).to(device)
        for key, array in arrays.items()
    }
