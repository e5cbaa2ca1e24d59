from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from biqa_cli.images.transforms import normalise
from biqa_cli.models.spec import InputContract
from biqa_cli.training.config import load_recipe
from biqa_cli.training.data import (
    Crops,
    TrainingSet,
    epoch_batches,
    normalised,
    random_crop,
    steps_per_epoch,
    with_noise,
)
from biqa_cli.training.photos import PhotoStore, Pixels

RECIPE = replace(load_recipe("reqa").input, height=40, width=48, crop=24)


@pytest.fixture
def photos() -> TrainingSet:
    pixels = np.random.default_rng(0).integers(0, 256, (10, 40, 48, 3), dtype=np.uint8)
    store = PhotoStore(Path(), (pixels,), {index: (0, index) for index in range(10)}, {})
    labels = np.arange(10, dtype=np.float32)
    return TrainingSet(store, tuple(range(10)), labels, np.full(10, -1))


def epoch(photos: TrainingSet, number: int = 0, *, start: int = 0, workers: int = 2) -> list[Crops]:
    def brightness(crop: Pixels, rng: np.random.Generator) -> dict[str, np.ndarray]:
        return {"mean": np.float32(crop.mean()) * np.ones(1), "draw": rng.random(1)}

    return list(
        epoch_batches(
            photos,
            RECIPE,
            batch=4,
            seed=1,
            epoch=number,
            start=start,
            workers=workers,
            extras=brightness,
        )
    )


def same(one: list[Crops], other: list[Crops]) -> bool:
    return len(one) == len(other) and all(
        np.array_equal(a.pixels, b.pixels)
        and np.array_equal(a.labels, b.labels)
        and np.array_equal(a.extras["draw"], b.extras["draw"])
        for a, b in zip(one, other, strict=True)
    )


def test_crops_depend_on_seed_epoch_and_place_alone(photos: TrainingSet) -> None:
    assert same(epoch(photos), epoch(photos, workers=1))
    assert same(epoch(photos)[1:], epoch(photos, start=1))
    assert not same(epoch(photos), epoch(photos, 1))


def test_an_epoch_shows_each_photo_at_most_once_a_crop_and_drops_the_rest(
    photos: TrainingSet,
) -> None:
    batches = epoch(photos)
    assert steps_per_epoch(10, RECIPE, batch=4) == len(batches) == 2
    labels = np.concatenate([batch.labels for batch in batches])
    assert len(set(labels.tolist())) == 8
    assert batches[0].pixels.shape == (4, 24, 24, 3) and batches[0].extras["mean"].shape == (4, 1)
    assert steps_per_epoch(10, replace(RECIPE, crops_per_photo=2), batch=4) == 5
    assert steps_per_epoch(3, RECIPE, batch=4) == 1


def test_half_of_all_crops_are_mirrored() -> None:
    view = np.arange(6 * 6 * 3, dtype=np.uint8).reshape(6, 6, 3)
    recipe = replace(RECIPE, crop=0)
    crops = [random_crop(view, recipe, np.random.default_rng(n)) for n in range(200)]
    mirrored = sum(np.array_equal(crop, view[:, ::-1]) for crop in crops)
    plain = sum(np.array_equal(crop, view) for crop in crops)
    assert mirrored + plain == 200 and 70 < mirrored < 130


def test_a_turned_crop_has_black_corners_and_the_same_middle() -> None:
    view = np.full((40, 40, 3), 200, np.uint8)
    recipe = replace(RECIPE, crop=0, flip=False, rotate=45.0)
    turned = random_crop(view, recipe, np.random.default_rng(4))
    assert turned[0, 0].max() == 0 and turned[20, 20].min() == 200


def test_normalising_agrees_with_scoring() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), dtype=np.uint8)
    contract = InputContract(5, 4, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    images = normalised(torch.from_numpy(pixels), contract)
    expected = np.stack([normalise(p, mean=contract.mean, std=contract.std) for p in pixels])
    assert np.allclose(images.numpy(), expected, atol=1e-6)
    assert images.is_contiguous(memory_format=torch.channels_last)


def test_noise_on_features_has_the_spread_that_was_asked_for() -> None:
    features, spread = np.ones(4, np.float16), np.array([0, 1, 2, 10], np.float32)
    rng = np.random.default_rng(0)
    draws = [with_noise(features, spread, rng, share=0.3) for _ in range(4000)]
    assert np.allclose(np.mean(draws, axis=0), 1, atol=0.2)
    assert np.allclose(np.std(draws, axis=0), 0.3 * spread, rtol=0.05)
    assert with_noise(features, spread, rng, share=0) is features
    assert with_noise(features, None, rng, share=0.3) is features
    partly = with_noise(features, spread[:3], np.random.default_rng(1), share=0.3)
    assert partly[0] == partly[3] == 1 and not np.any(partly[1:3] == 1)


def test_maps_have_the_same_noise_at_all_places() -> None:
    rng = np.random.default_rng(0)
    spread = np.array([0.5, 2.0], np.float32)[:, None, None] * np.ones((1, 3, 4), np.float32)
    maps = rng.normal(size=(6, 2, 3, 4)).astype(np.float16)
    noise = with_noise(maps, spread, rng, share=0.3) - maps
    assert np.allclose(noise, noise[..., :1, :1], atol=1e-5)
    draws = [with_noise(maps[0], spread, rng, share=0.3) - maps[0] for _ in range(4000)]
    assert np.allclose(np.std(draws, axis=0), 0.3 * spread, rtol=0.1)
