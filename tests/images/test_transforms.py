import numpy as np
import pytest
from fakes import photo
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from biqa_cli.images.transforms import (
    ViewSize,
    normalise,
    quarter_turns,
    reflected,
    resized,
    size_in_proportion,
    training_view,
)

MEAN, STD = (0.5, 0.25, 0.0), (0.5, 1.0, 2.0)


def test_a_normalised_view_has_channels_first() -> None:
    view = normalise(resized(photo(64, 48), height=20, width=30), mean=MEAN, std=STD)
    assert (view.shape, view.dtype) == ((3, 20, 30), np.float32)
    assert view.flags.c_contiguous


def test_an_image_of_the_right_size_is_not_resampled() -> None:
    image = photo(30, 20)
    assert np.array_equal(resized(image, height=20, width=30), np.asarray(image))


def test_normalisation_is_mean_and_standard_deviation_per_channel() -> None:
    pixels = np.full((2, 2, 3), 255, np.uint8)
    assert np.allclose(normalise(pixels, mean=MEAN, std=STD)[:, 0, 0], [1.0, 0.75, 0.5], atol=1e-6)


def test_shrinking_averages_over_all_pixels() -> None:
    # Alternating rows of black and white become grey, whatever the phase.
    rows = np.zeros((400, 400, 3), np.uint8)
    rows[::2] = 255
    for shifted in (rows, rows[::-1]):
        image = Image.fromarray(np.ascontiguousarray(shifted))
        view = resized(image, height=40, width=40) / 255
        assert np.abs(view - 0.5).max() < 0.02


def _bicubic(distance: float) -> float:
    """Keys' kernel with a = -0.5 (1981), as in Pillow."""
    x = abs(distance)
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def test_a_view_is_resized_by_the_bicubic_kernel() -> None:
    row = np.array([10, 200, 40, 90, 240, 30, 120, 60], np.uint8)
    image = Image.fromarray(np.repeat(row[None, :, None], 3, axis=2).repeat(4, axis=0))
    for width in (16, 4):
        view = resized(image, height=4, width=width)
        scale = len(row) / width
        # Where it shrinks, the kernel is as much wider.
        reach = max(scale, 1.0)
        for column in range(width):
            centre = (column + 0.5) * scale
            weights = np.array([_bicubic((n + 0.5 - centre) / reach) for n in range(len(row))])
            expected = np.clip(weights @ row / weights.sum(), 0, 255)
            assert abs(view[1, column, 0] - expected) <= 0.51


@pytest.mark.parametrize(
    ("photo_size", "side", "expected"),
    [
        # (width, height) of the photo, and (height, width) of a view of some side · side pixels.
        ((500, 500), 128, (128, 128)),
        ((600, 400), 128, (96, 160)),
        ((400, 600), 128, (160, 96)),
        ((1000, 250), 128, (64, 256)),
        ((2000, 250), 128, (64, 256)),
        ((250, 2000), 128, (256, 64)),
        ((512, 512), 448, (448, 448)),
        ((512, 384), 448, (384, 512)),
        ((6000, 4000), 448, (352, 544)),
        ((1080, 1920), 448, (608, 352)),
        ((5000, 1250), 448, (224, 896)),
        ((5000, 10), 448, (224, 896)),
        ((1, 900), 448, (896, 224)),
    ],
)
def test_a_view_has_the_proportions_of_its_photo_up_to_four_to_one(
    photo_size: tuple[int, int], side: int, expected: tuple[int, int]
) -> None:
    image = Image.new("L", photo_size)
    assert size_in_proportion(image, height=side, width=side) == expected
    # What counts of the two sides is their product.
    assert size_in_proportion(image, height=side // 2, width=2 * side) == expected


@given(st.integers(1, 9000), st.integers(1, 9000))
def test_sides_are_multiples_of_32_and_a_turned_photo_has_them_turned(one: int, other: int) -> None:
    height, width = size_in_proportion(Image.new("1", (one, other)), height=448, width=448)
    assert height % 32 == width % 32 == 0
    assert abs(height * width / 448**2 - 1) < 0.15
    turned = size_in_proportion(Image.new("1", (other, one)), height=448, width=448)
    assert turned == (width, height)


def test_a_view_in_proportion_is_a_stride_wide_at_least() -> None:
    assert size_in_proportion(Image.new("RGB", (400, 100)), height=8, width=8) == (32, 32)


@pytest.mark.parametrize("photo_size", [(90, 60), (60, 90), (70, 70), (300, 60)])
def test_where_the_aspect_is_kept_training_sees_the_middle_of_what_is_scored(
    photo_size: tuple[int, int],
) -> None:
    image = photo(*photo_size)
    size = ViewSize(96, 64, keeps_aspect=True)
    height, width = size_in_proportion(image, height=96, width=64)
    scored = resized(image, height=height, width=width)
    padded = np.pad(scored, [(64, 64), (64, 64), (0, 0)], mode="reflect")
    top, left = 64 + (height - 96) // 2, 64 + (width - 64) // 2
    seen = training_view(image, size)
    assert np.array_equal(seen, padded[top : top + 96, left : left + 64])


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("size", [(60, 40), (40, 60), (50, 50), (41, 40)])
def test_the_brightest_side_comes_to_lie_up_however_the_photo_lay(
    turns: int, size: tuple[int, int]
) -> None:
    pixels = np.asarray(photo(*size)) // 2
    pixels[: len(pixels) // 4] += 100
    laid = np.rot90(pixels, turns)
    assert np.array_equal(np.rot90(laid, quarter_turns(laid)), pixels)


@pytest.mark.parametrize("seed", range(20))
def test_a_turned_photo_is_laid_in_the_same_way(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (*rng.integers(2, 9, 2), 3), dtype=np.uint8)
    laid = [np.rot90(each, quarter_turns(each)) for each in (pixels, *map(np.rot90, [pixels]))]
    assert np.array_equal(*laid)


def test_where_the_aspect_is_not_kept_training_sees_the_whole_photo() -> None:
    image = photo(90, 60)
    seen = training_view(image, ViewSize(96, 64))
    assert np.array_equal(seen, resized(image, height=96, width=64))


@pytest.mark.parametrize("length", [1, 2, 5])
def test_places_beyond_an_edge_are_reflected_without_repeating_it(length: int) -> None:
    padded = np.pad(np.arange(length), 12, mode="reflect") if length > 1 else np.zeros(25, int)
    assert np.array_equal(reflected(-12, length + 12, length), padded[: length + 24])
