import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.color import lab2rgb, rgb2lab

from biqa_cli.distortions.colour import colour_diffuse, colour_shift, edge_mask, saturate
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
