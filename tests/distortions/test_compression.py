from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.distortions.compression import (
    banding,
    dithered_colours,
    few_colours,
    jpeg,
    jpeg_bytes,
    pixelate,
    resize_bicubic,
    resize_bilinear,
    resize_lanczos,
    upscaling,
)
from biqa_cli.distortions.eight_bits import from_bytes, to_bytes

PIXELS = np.random.default_rng(0).integers(0, 256, (75, 101, 3), dtype=np.uint8)
IMAGE = from_bytes(PIXELS)


@pytest.mark.parametrize(
    ("resize", "resample"),
    [
        (resize_bicubic, Image.Resampling.BICUBIC),
        (resize_bilinear, Image.Resampling.BILINEAR),
        (resize_lanczos, Image.Resampling.LANCZOS),
    ],
)
def test_resizing_is_that_of_pillow_but_for_its_rounding(
    resize: Callable[..., NDArray[np.float32]], resample: Image.Resampling
) -> None:
    small = Image.fromarray(PIXELS).resize((101 // 4, 75 // 4), resample)
    expected = np.asarray(small.resize((101, 75), resample)).transpose(2, 0, 1) / 255
    # Pillow rounds and clips bytes after each of four passes.
    ours = np.clip(resize(IMAGE, factor=4), 0, 1)
    np.testing.assert_allclose(ours, expected, atol=3 / 255)


@pytest.mark.parametrize(
    ("strength", "scale"), [(0.05, 0.784), (0.1, 0.699), (0.2, 0.569), (0.5, 0.290)]
)
def test_pixelating_is_nearest_neighbour_down_and_up(strength: float, scale: float) -> None:
    small = (int(scale * 101), int(scale * 75))
    shown = Image.fromarray(PIXELS).resize(small, Image.Resampling.NEAREST)
    expected = np.asarray(shown.resize((101, 75), Image.Resampling.NEAREST))
    np.testing.assert_array_equal(to_bytes(pixelate(IMAGE, strength=strength)), expected)


@pytest.mark.parametrize("quality", [43, 36, 24, 7])
def test_jpeg_halves_colour_and_has_the_tables_of_its_quality(quality: int) -> None:
    standard = BytesIO()
    Image.new("RGB", (8, 8)).save(standard, "JPEG", quality=quality)
    with (
        Image.open(BytesIO(jpeg_bytes(IMAGE, quality=quality))) as ours,
        Image.open(standard) as expected,
    ):
        # Each component's horizontal and vertical sampling: Y twice that of Cb and Cr.
        assert [layer[1:3] for layer in ours.layer] == [(2, 2), (1, 1), (1, 1)]
        assert ours.quantization == expected.quantization


def test_jpeg_keeps_a_smooth_grey_and_hurts_texture() -> None:
    grey = np.full((3, 32, 32), 128 / 255, np.float32)
    np.testing.assert_array_equal(jpeg(grey, quality=7), grey)
    assert abs(jpeg(IMAGE, quality=7) - IMAGE).mean() > 0.1


@pytest.mark.parametrize("count", [16, 3])
def test_banding_leaves_evenly_spaced_values_from_black_to_white(count: int) -> None:
    ramp = np.linspace(0, 1, 997, dtype=np.float32)[None, None].repeat(3, axis=0)
    banded = banding(ramp, count=count)
    np.testing.assert_allclose(np.unique(banded), np.linspace(0, 1, count), atol=1e-6)
    assert abs(banded - ramp).max() <= 0.5001 / (count - 1)


@pytest.mark.parametrize("function", [few_colours, dithered_colours])
@pytest.mark.parametrize("count", [32, 4])
def test_a_picture_of_few_colours_has_no_more_than_those(
    function: Callable[..., NDArray[np.float32]], count: int
) -> None:
    colours = np.unique(function(IMAGE, count=count).reshape(3, -1), axis=1)
    assert 2 <= colours.shape[1] <= count


def test_without_dither_each_pixel_has_the_nearest_colour() -> None:
    reduced = few_colours(IMAGE, count=8)
    colours = np.unique(reduced.reshape(3, -1), axis=1)
    distances = ((IMAGE[..., None] - colours[:, None, None]) ** 2).sum(axis=0)
    np.testing.assert_allclose(
        ((IMAGE - reduced) ** 2).sum(axis=0), distances.min(axis=2), atol=2e-2
    )


def test_dither_keeps_the_mean_colour_of_a_flat_part() -> None:
    ramp = np.linspace(0, 1, 120, dtype=np.float32)[None, None].repeat(3, axis=0)
    ramp = ramp.repeat(120, axis=1)
    middle = np.s_[:, :, 40:80]
    dithered, posterised = (
        function(ramp, count=4)[middle].mean(axis=(0, 1))
        for function in (dithered_colours, few_colours)
    )
    expected = ramp[middle].mean(axis=(0, 1))
    assert abs(dithered - expected).mean() < abs(posterised - expected).mean() / 2


def test_an_upscaled_photo_is_its_small_copy_enlarged_in_one_of_two_ways() -> None:
    small = Image.fromarray(PIXELS).resize((34, 25), Image.Resampling.BOX)
    ways = {
        small.resize((101, 75), filter_).tobytes()
        for filter_ in (Image.Resampling.BICUBIC, Image.Resampling.NEAREST)
    }
    found = {
        to_bytes(upscaling(IMAGE, factor=3, rng=np.random.default_rng(seed))).tobytes()
        for seed in range(8)
    }
    assert found == ways
