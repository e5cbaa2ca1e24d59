import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from biqa_cli.distortions.spatial import (
    brightness_blocks,
    colour_block,
    displaced,
    jitter,
    non_eccentricity,
)

GREY = np.full((3, 384, 512), 0.5, np.float32)


@pytest.mark.parametrize("shape", [(40, 53), (1, 30), (7, 1)])
def test_displacing_is_cubic_spline_interpolation_with_a_reflected_border(
    shape: tuple[int, int],
) -> None:
    rng = np.random.default_rng(0)
    image = rng.random((3, *shape), dtype=np.float32)
    down, right = 3 * rng.standard_normal((2, *shape), dtype=np.float32)
    y, x = np.indices(shape)
    expected = [
        map_coordinates(plane, [y - down, x - right], order=3, mode="reflect") for plane in image
    ]
    np.testing.assert_allclose(displaced(image, down, right), expected, atol=2e-5)


def test_displacing_down_and_right_moves_the_picture_there() -> None:
    image = np.zeros((3, 20, 20), np.float32)
    image[:, 5, 5] = 1
    ones = np.ones((20, 20), np.float32)
    moved = displaced(image, 3 * ones, 2 * ones)[0]
    assert np.unravel_index(moved.argmax(), moved.shape) == (8, 7)


def test_jitter_displaces_by_its_sigma_five_times() -> None:
    # On a ramp of slope 1/1000 a displacement is read off the values.
    ramp = np.tile(np.arange(200, dtype=np.float32)[:, None] / 1000, (3, 1, 200))
    shift = (jitter(ramp, sigma=0.1, rng=np.random.default_rng(0)) - ramp)[0, 20:-20, 20:-20]
    assert shift.std() * 1000 == pytest.approx(0.1 * np.sqrt(5), rel=0.05)


@pytest.mark.parametrize("count", [4, 10])
def test_colour_blocks_are_squares_of_32_pixels(count: int) -> None:
    for seed in range(5):
        changed = (colour_block(GREY, count=count, rng=np.random.default_rng(seed)) != GREY).any(0)
        # Squares may overlap, never leave the image.
        assert 32**2 <= changed.sum() <= count * 32**2
    one = (colour_block(GREY[:, :64, :64], count=4, rng=np.random.default_rng(0)) != 0.5).any(0)
    rows, columns = np.nonzero(one)
    assert one.sum() == 32**2 and np.ptp(rows) == np.ptp(columns) == 31


def test_more_blocks_are_the_same_blocks_and_some_more() -> None:
    few, many = (
        (colour_block(GREY, count=n, rng=np.random.default_rng(2)) != GREY).any(0) for n in (4, 8)
    )
    assert (many | ~few).all() and many.sum() > few.sum()


def test_counts_grow_with_the_area_of_the_image() -> None:
    large = np.tile(GREY, (1, 2, 2))
    share = [
        np.mean(
            [
                (colour_block(image, count=10, rng=np.random.default_rng(s)) != 0.5).any(0).mean()
                for s in range(10)
            ]
        )
        for image in (GREY, large)
    ]
    assert share[1] == pytest.approx(share[0], rel=0.1)


def test_a_patch_is_copied_up_to_8_pixels_away() -> None:
    y, x = np.indices((49, 49), dtype=np.float32)
    image = np.stack([y / 49, x / 49, np.zeros_like(y)])
    offsets = set()
    for seed in range(200):
        # A count that is less than one here draws one patch; its origin can only be (16, 16).
        moved = non_eccentricity(image, count=1, rng=np.random.default_rng(seed))
        change = (image - moved)[:2]
        rows, columns = np.nonzero(change.any(0))
        if len(rows):
            down, right = np.rint(change[:, rows[0], columns[0]] * 49).astype(int)
            expected = image.copy()
            expected[:, 16 + down : 32 + down, 16 + right : 32 + right] = image[:, 16:32, 16:32]
            np.testing.assert_array_equal(moved, expected)
            offsets.update((int(down), int(right)))
    assert (min(offsets), max(offsets)) == (-8, 8)


def test_blocks_of_brightness_go_up_and_down_by_their_shift_at_the_same_places() -> None:
    mild, strong = (
        brightness_blocks(GREY, shift=shift, rng=np.random.default_rng(0)) - GREY
        for shift in (0.1, 0.3)
    )
    np.testing.assert_allclose(strong, 3 * mild, atol=1e-5)
    assert mild.min() <= -0.0999 and mild.max() >= 0.0999
    touched = (mild != 0).any(axis=0).sum()
    # Squares that overlap may cancel each other.
    assert 4 * 32**2 < touched <= 12 * 32**2
    np.testing.assert_array_equal(mild[0], mild[1])
