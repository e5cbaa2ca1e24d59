import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.color import lab2rgb, rgb2hsv, rgb2lab

from biqa_cli.distortions.colour import (
    chromatic_aberration,
    colour_diffuse,
    colour_shift,
    desaturated,
    edge_mask,
    garish,
    saturate,
)
from biqa_cli.distortions.lab import from_lab, to_lab

_RNG = np.random.default_rng(0)
# Colours near grey: none leaves sRGB when its chroma doubles.
PALE = _RNG.uniform(0.45, 0.55, (3, 40, 50)).astype(np.float32)


def test_saturating_multiplies_chroma_and_keeps_lightness() -> None:
    before = rgb2lab(PALE, channel_axis=0)
    after = rgb2lab(saturate(PALE, factor=2), channel_axis=0)
    np.testing.assert_allclose(after[0], before[0], atol=1e-2)
    np.testing.assert_allclose(after[1:], 2 * before[1:], atol=2e-2)


def test_colour_diffuse_blurs_and_multiplies_chroma_only() -> None:
    before = rgb2lab(PALE, channel_axis=0)
    after = rgb2lab(colour_diffuse(PALE, amount=3), channel_axis=0)
    blurred = gaussian_filter(before[1:], 6.5, radius=13, axes=(1, 2), mode="nearest")
    np.testing.assert_allclose(after[0], before[0], atol=1e-2)
    np.testing.assert_allclose(after[1:], 3 * blurred, atol=2e-2)


def test_lab_and_back_is_the_same_image_even_where_z_would_be_negative() -> None:
    image = _RNG.random((3, 32, 32), dtype=np.float32)
    np.testing.assert_allclose(from_lab(to_lab(image)), image, atol=1e-5)
    # A blue that no light has: scikit-image would warn, and tests make warnings errors.
    glaring = to_lab(image) * np.array([1, 9, 9], np.float32)[:, None, None]
    assert np.isfinite(from_lab(glaring)).all()


@pytest.mark.parametrize("lightness", [5.0, 30.0, 60.0, 95.0])
def test_colours_short_of_that_limit_are_not_moved(lightness: float) -> None:
    lab = np.zeros((3, 1, 2), np.float32)
    lab[0] = lightness
    # Z is 0 at b = 200/116 (L + 16).
    lab[2] = 200 / 116 * (lightness + 16) * np.float32([0.9, 0.9999])
    np.testing.assert_allclose(from_lab(lab), lab2rgb(lab, channel_axis=0), atol=1e-6)


def test_colour_shift_moves_green_alone_right_and_down_along_edges() -> None:
    image = np.full((3, 80, 80), 0.2, np.float32)
    image[:, 30:50, 30:50] = 0.8
    for seed in range(5):
        shifted = colour_shift(image, distance=6, rng=np.random.default_rng(seed))
        np.testing.assert_array_equal(shifted[[0, 2]], image[[0, 2]])
        rows, columns = np.nonzero(shifted[1] - image[1] > 1e-3)
        # Green is gained where the square moves to and lost where it came from.
        assert rows.max() >= 50 or columns.max() >= 50
        assert rows.min() >= 30 and columns.min() >= 30
        lost_rows, lost_columns = np.nonzero(image[1] - shifted[1] > 1e-3)
        assert lost_rows.max() < 50 and lost_columns.max() < 50


def test_the_mask_is_one_on_edges_and_zero_where_there_are_none() -> None:
    image = np.full((3, 80, 80), 0.2, np.float32)
    image[:, :, 40:] = 0.8
    mask = edge_mask(image)
    assert mask.shape == (80, 80) and mask.dtype == np.float32
    assert mask[:, 39:41].min() == pytest.approx(1, abs=1e-3)
    assert mask[:, :20].max() == 0 and mask[:, 60:].max() == 0
    assert not edge_mask(np.full((3, 20, 20), 0.5, np.float32)).any()


def test_desaturating_multiplies_the_saturation_of_hsv_and_keeps_hue_and_value() -> None:
    image = _RNG.random((3, 20, 20), dtype=np.float32)
    before, after = (
        rgb2hsv(one, channel_axis=0) for one in (image, desaturated(image, factor=0.4))
    )
    np.testing.assert_allclose(after[1], 0.4 * before[1], atol=1e-5)
    np.testing.assert_allclose(after[[0, 2]], before[[0, 2]], atol=1e-4)
    grey = desaturated(image, factor=0)
    np.testing.assert_allclose(grey, image.max(axis=0)[None].repeat(3, axis=0), atol=1e-6)


def test_garish_colours_are_further_from_grey_and_greys_only_gain_contrast() -> None:
    vivid = garish(PALE, factor=3)
    distance = np.ptp(PALE, axis=0)
    np.testing.assert_allclose(np.ptp(vivid, axis=0), 3 * 1.2 * distance, rtol=1e-3)
    greys = np.tile(np.float32([0.2, 0.5, 0.7]), (3, 1, 1))
    np.testing.assert_allclose(garish(greys, factor=3)[0, 0], [0.14, 0.5, 0.74], atol=5e-4)


@pytest.mark.parametrize(("channel", "larger"), [(0, 1.02), (2, 1 / 1.02)])
def test_aberration_magnifies_red_and_shrinks_blue_about_the_centre(
    channel: int, larger: float
) -> None:
    image = np.zeros((3, 201, 301), np.float32)
    image[:, 100, 150] = image[:, 20, 50] = 1
    fringed = chromatic_aberration(image, scale=0.02)
    np.testing.assert_array_equal(fringed[1], image[1])
    plane = fringed[channel]
    assert np.unravel_index(plane.argmax(), plane.shape) == (100, 150)
    corner = np.maximum(plane[:60, :100], 0)
    y, x = np.indices(corner.shape)
    centre = ((corner * y).sum() / corner.sum(), (corner * x).sum() / corner.sum())
    expected = (100 - 80 * larger, 150 - 100 * larger)
    assert centre == pytest.approx(expected, abs=0.15)


def test_the_border_of_a_shrunk_channel_is_replicated() -> None:
    white = np.ones((3, 40, 30), np.float32)
    np.testing.assert_allclose(chromatic_aberration(white, scale=0.05), white, atol=1e-6)
