import numpy as np
import pytest
import torch
from msgspec import structs

from biqa_cli.images.transforms import normalise
from biqa_cli.models.spec import InputContract
from biqa_cli.recipes.record import InputRecipe
from biqa_cli.training.augmentation import normalised, random_crop, with_noise

RECIPE = InputRecipe(height=40, width=48, crop=24)


def test_a_crop_is_a_part_of_the_view_and_every_place_is_drawn() -> None:
    view = np.arange(6 * 7 * 3, dtype=np.uint8).reshape(6, 7, 3)
    recipe = structs.replace(RECIPE, crop=5, flip=False)
    places = set()
    for seed in range(60):
        crop = random_crop(view, recipe, np.random.default_rng(seed))
        y, x = divmod(int(crop[0, 0, 0]) // 3, 7)
        assert np.array_equal(crop, view[y : y + 5, x : x + 5])
        places.add((y, x))
    assert places == {(y, x) for y in range(2) for x in range(3)}


def test_half_of_all_crops_are_mirrored() -> None:
    view = np.arange(6 * 6 * 3, dtype=np.uint8).reshape(6, 6, 3)
    recipe = structs.replace(RECIPE, crop=0)
    crops = [random_crop(view, recipe, np.random.default_rng(n)) for n in range(200)]
    mirrored = sum(np.array_equal(crop, view[:, ::-1]) for crop in crops)
    plain = sum(np.array_equal(crop, view) for crop in crops)
    assert mirrored + plain == 200 and 70 < mirrored < 130


def test_a_share_of_the_crops_is_turned_by_quarters_to_each_side_and_upside_down() -> None:
    view = np.arange(6 * 6 * 3, dtype=np.uint8).reshape(6, 6, 3)
    recipe = structs.replace(RECIPE, crop=0, flip=False, turn=0.6)
    crops = [random_crop(view, recipe, np.random.default_rng(n)) for n in range(300)]
    turns = [sum(np.array_equal(crop, np.rot90(view, k)) for crop in crops) for k in range(4)]
    assert sum(turns) == 300 and 90 < turns[0] < 150 and min(turns[1:]) > 30


def test_a_rotated_crop_has_black_corners_and_the_same_middle() -> None:
    view = np.full((40, 40, 3), 200, np.uint8)
    recipe = structs.replace(RECIPE, crop=0, flip=False, rotate=45.0)
    rotated = random_crop(view, recipe, np.random.default_rng(4))
    assert rotated[0, 0].max() == 0 and rotated[20, 20].min() == 200


def test_crops_are_rotated_to_both_sides_and_no_further_than_the_recipe_says() -> None:
    view = np.zeros((81, 81, 3), np.uint8)
    view[40, 40:] = 255
    recipe = structs.replace(RECIPE, crop=0, flip=False, rotate=20.0)
    ends = []
    for seed in range(60):
        crop = random_crop(view, recipe, np.random.default_rng(seed))
        ends.append(40 - int(crop[:, 70, 0].argmax()))
    # 30 pixels from the middle: 30 · tan 20° is 10.9.
    assert -12 <= min(ends) < -6 and 6 < max(ends) <= 12


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


def test_blocks_have_the_same_noise_so_that_they_stay_as_alike_as_they_are() -> None:
    rng = np.random.default_rng(0)
    spread = np.array([0.5, 2.0, 1.0], np.float32) * np.ones((4, 1), np.float32)
    blocks = rng.normal(size=(5, 4, 3)).astype(np.float16)
    noise = with_noise(blocks, spread, rng, share=0.3) - blocks
    assert np.allclose(noise, noise[:, :1], atol=1e-5) and not np.allclose(noise[0], noise[1])
    draws = [with_noise(blocks[0], spread, rng, share=0.3) - blocks[0] for _ in range(4000)]
    assert np.allclose(np.std(draws, axis=0), 0.3 * spread, rtol=0.1)


@pytest.mark.parametrize(
    ("shape", "same"),
    # Noise of one photo: for each number, of all blocks (…, N, K), at all places (…, C, h, w).
    [((4,), ()), ((3, 4), (0,)), ((4, 2, 5), (1, 2))],
)
def test_noise_is_the_same_where_it_stands_for_another_photo(
    shape: tuple[int, ...], same: tuple[int, ...]
) -> None:
    features, spread = np.ones((2, *shape), np.float16), np.ones(shape, np.float32)
    made = with_noise(features, spread, np.random.default_rng(0), share=0.5)
    assert made.shape == features.shape
    for axis in same:
        first = np.take(made, [0], axis=axis + 1)
        assert np.array_equal(made, np.broadcast_to(first, made.shape))
    assert not np.array_equal(made[0], made[1])


def test_of_many_features_those_behind_the_last_with_a_spread_stay() -> None:
    features, spread = np.ones((6, 5), np.float16), np.ones(3, np.float32)
    made = with_noise(features, spread, np.random.default_rng(0), share=0.5)
    assert made.shape == (6, 5)
    assert (made[:, 3:] == 1).all() and (made[:, :3] != 1).all()
