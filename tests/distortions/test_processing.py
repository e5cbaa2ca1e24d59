import numpy as np

from biqa_cli.distortions.processing import denoised, oversharpening

_RNG = np.random.default_rng(0)
EDGE = np.full((3, 48, 64), 0.3, np.float32)
EDGE[:, :, 32:] = 0.7


def test_oversharpening_leaves_halos_on_both_sides_of_an_edge_and_flat_parts_alone() -> None:
    sharp = oversharpening(EDGE, amount=3)[:, 20]
    assert (sharp[:, 31] < 0.05).all() and (sharp[:, 32] > 0.95).all()
    np.testing.assert_allclose(sharp[:, [5, 60]], EDGE[:, 20, [5, 60]], atol=1e-6)


def test_oversharpening_keeps_differences_between_channels() -> None:
    image = _RNG.random((3, 30, 30), dtype=np.float32)
    sharp = oversharpening(image, amount=6)
    np.testing.assert_allclose(sharp[0] - sharp[1], image[0] - image[1], atol=1e-5)


def test_denoising_removes_texture_and_leaves_a_strong_edge() -> None:
    texture = 0.02 * _RNG.standard_normal(EDGE.shape, dtype=np.float32)
    smooth = denoised(EDGE + texture, variance=0.003)
    for side in (np.s_[8:-8, 8:20], np.s_[8:-8, -20:-8]):
        left = smooth[0][side].std() / texture[0][side].std()
        assert left < 0.25
    step = smooth[:, 8:-8, 34].mean() - smooth[:, 8:-8, 29].mean()
    assert step > 0.8 * 0.4


def test_denoising_keeps_the_size_of_an_odd_image_and_a_flat_colour() -> None:
    flat = np.empty((3, 31, 17), np.float32)
    flat[:] = np.float32([0.2, 0.5, 0.9])[:, None, None]
    np.testing.assert_allclose(denoised(flat, variance=0.01), flat, atol=1e-5)
