import math

import numpy as np
import pytest
from scipy.ndimage import convolve

from biqa_cli.distortions.blur import (
    camera_shake,
    disk_kernel,
    gaussian_blur,
    lens_blur,
    line_kernel,
    motion_blur,
)

IMAGE = np.random.default_rng(0).random((3, 41, 52), dtype=np.float32)
_POINT = np.zeros((3, 61, 61), np.float32)
_POINT[:, 30, 30] = 1


def test_motion_blur_spreads_a_point_along_its_length() -> None:
    seen = set()
    for seed in range(8):
        spread = motion_blur(_POINT, length=16, rng=np.random.default_rng(seed))[0]
        rows, columns = np.nonzero(spread > 1e-6)
        assert len(rows) == 16 and spread.sum() == pytest.approx(1)
        assert {len(set(rows)), len(set(columns))} == {1, 16}
        seen.add(len(set(rows)))
    assert seen == {1, 16}


@pytest.mark.parametrize("sigma", [0.5, 1, 2, 5])
def test_gaussian_blur_is_the_normalised_kernel_of_size_4_sigma_plus_1(sigma: float) -> None:
    half = math.ceil(2 * sigma)
    t = np.arange(-half, half + 1)
    kernel = np.exp(-(t[:, None] ** 2 + t**2) / (2 * sigma**2))
    spread = gaussian_blur(_POINT, sigma=sigma)[1]
    expected = np.zeros((61, 61))
    expected[30 - half : 31 + half, 30 - half : 31 + half] = kernel / kernel.sum()
    np.testing.assert_allclose(spread, expected, atol=1e-7)


@pytest.mark.parametrize("radius", [0.3, 0.5, 1, 2, 4.7, 8])
def test_a_disk_covers_each_pixel_by_its_area(radius: float) -> None:
    kernel = disk_kernel(radius)
    half = len(kernel) // 2
    fine = (np.arange(len(kernel) * 200) + 0.5) / 200 - half - 0.5
    inside = (fine[:, None] ** 2 + fine**2 <= radius**2).astype(float)
    counted = inside.reshape(len(kernel), 200, -1, 200).mean(axis=(1, 3))
    np.testing.assert_allclose(kernel, counted / (math.pi * radius**2), atol=1e-3)
    assert kernel.sum() == pytest.approx(1, abs=1e-6)
    assert half >= radius - 0.5 > half - 1


def test_lens_blur_is_the_direct_convolution_with_a_replicated_border() -> None:
    expected = [convolve(plane, disk_kernel(6.0), mode="nearest") for plane in IMAGE]
    np.testing.assert_allclose(lens_blur(IMAGE, radius=6.0), expected, atol=1e-6)


@pytest.mark.parametrize("length", [1, 2, 6, 11.5, 48])
@pytest.mark.parametrize("angle", [0, 0.4, math.pi / 2, 3.0])
def test_a_line_has_its_length_and_its_direction(length: float, angle: float) -> None:
    kernel = line_kernel(length, angle=angle)
    assert kernel.sum() == pytest.approx(1, abs=1e-5) and (kernel >= 0).all()
    half = len(kernel) // 2
    y, x = np.indices(kernel.shape) - half
    assert abs((kernel * y).sum()) < 1e-4 and abs((kernel * x).sum()) < 1e-4
    along = y * math.sin(angle) + x * math.cos(angle)
    across = x * math.sin(angle) - y * math.cos(angle)
    # A uniform line has the variance length²/12; each point is spread over less than a pixel.
    assert (kernel * along**2).sum() == pytest.approx((length - 1) ** 2 / 12, rel=0.06, abs=0.35)
    assert (kernel * across**2).sum() < 0.5


def test_camera_shake_draws_its_direction_and_keeps_it_at_all_lengths() -> None:
    directions = set()
    for seed in range(8):
        found = []
        for length in (12, 24):
            spread = camera_shake(_POINT, length=length, rng=np.random.default_rng(seed))[0]
            y, x = np.indices(spread.shape) - 30
            turned = 0.5 * math.atan2(2 * (spread * x * y).sum(), (spread * (x**2 - y**2)).sum())
            found.append(turned)
        assert found[0] == pytest.approx(found[1], abs=0.05)
        directions.add(round(found[0], 1))
    assert len(directions) > 5
