import numpy as np
import pytest

from biqa_cli.distortions.light import to_linear
from biqa_cli.distortions.noise import (
    chroma_noise,
    coarse_noise,
    denoise,
    fine_noise,
    high_iso,
    impulse_noise,
    multiplicative_noise,
    white_noise_rgb,
    white_noise_ycbcr,
)

GREY = np.full((3, 300, 300), 0.5, np.float32)
SAMPLES = GREY.size
# The standard error of an estimated variance v of n samples is v·√(2/n); four of them.
TOLERANCE = 4 * np.sqrt(2 / SAMPLES)


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("variance", [0.002, 0.01])
def test_white_noise_has_its_variance_in_every_sample(variance: float) -> None:
    noise = white_noise_rgb(GREY, variance=variance, rng=_rng()) - GREY
    assert noise.var() == pytest.approx(variance, rel=TOLERANCE)
    assert abs(np.corrcoef(noise.reshape(3, -1)) - np.eye(3)).max() < 0.02


def test_noise_in_ycbcr_has_its_variance_in_y_cb_and_cr() -> None:
    noise = white_noise_ycbcr(GREY, variance=0.002, rng=_rng()) - GREY
    red, green, blue = noise.astype(np.float64)
    # The definition of ITU-R BT.601, full range.
    y = 0.299 * red + 0.587 * green + 0.114 * blue
    cb, cr = (blue - y) / 1.772, (red - y) / 1.402
    for component in (y, cb, cr):
        assert component.var() == pytest.approx(0.002, rel=TOLERANCE * np.sqrt(3))
    assert abs(np.corrcoef([y.ravel(), cb.ravel(), cr.ravel()]) - np.eye(3)).max() < 0.02


@pytest.mark.parametrize("density", [0.005, 0.03])
def test_impulses_are_whole_pixels_half_black_half_white(density: float) -> None:
    noisy = impulse_noise(GREY, density=density, rng=_rng())
    assert (noisy == noisy[:1]).all()
    pixels = GREY[0].size
    error = 4 * np.sqrt(density / 2 / pixels)
    for value in (0, 1):
        assert (noisy[0] == value).mean() == pytest.approx(density / 2, abs=error)
    assert np.isin(noisy, (0, 0.5, 1)).all()


def test_multiplicative_noise_grows_with_brightness() -> None:
    for brightness in (0.0, 0.2, 0.6):
        image = np.full_like(GREY, brightness)
        noise = multiplicative_noise(image, variance=0.01, rng=_rng()) - image
        assert noise.var() == pytest.approx(0.01 * brightness**2, rel=TOLERANCE)


def test_denoising_leaves_what_smoothing_leaves_of_white_noise() -> None:
    # A kernel leaves the sum of its squared weights of the variance.
    gaussian = np.exp(-(np.arange(-6, 7) ** 2) / 18)
    by_gaussian = ((gaussian / gaussian.sum()) ** 2).sum() ** 2
    left = set()
    for seed in range(6):
        smooth = denoise(GREY, variance=0.01, rng=np.random.default_rng(seed))
        # Near the border the replicated pixels count twice.
        left.add(float(smooth[:, 6:-6, 6:-6].var() / 0.01))
    assert {value > 0.02 for value in left} == {True, False}
    for value in left:
        assert value == pytest.approx(1 / 25 if value > 0.02 else by_gaussian, rel=0.1)


def _neighbours(noise: np.ndarray) -> float:
    """Return the correlation of neighbours in a row."""
    return float(np.corrcoef(noise[..., :-1].ravel(), noise[..., 1:].ravel())[0, 1])


def test_coarse_noise_has_its_sigma_and_is_correlated_as_its_blur_makes_it() -> None:
    noise = (coarse_noise(GREY, sigma=0.05, rng=_rng()) - GREY)[:, 6:-6, 6:-6]
    assert noise.std() == pytest.approx(0.05, rel=0.05)
    # Of noise blurred by a Gaussian: exp(-1 / (4σ²)).
    assert _neighbours(noise) == pytest.approx(np.exp(-1 / (4 * 1.5**2)), abs=0.03)


def test_fine_noise_is_what_white_noise_has_above_its_means() -> None:
    noise = (fine_noise(GREY, sigma=0.05, rng=_rng()) - GREY)[:, 2:-2, 2:-2]
    assert noise.var() == pytest.approx(0.05**2 * 8 / 9, rel=TOLERANCE)
    coarse = (
        noise[:, :-1:2, :-1:2]
        + noise[:, 1::2, :-1:2]
        + noise[:, :-1:2, 1::2]
        + noise[:, 1::2, 1::2]
    )
    # Four pixels of white noise have four times its variance.
    assert coarse.var() < 2.7 * noise.var()


def test_chroma_noise_leaves_the_luma_alone() -> None:
    noise = chroma_noise(GREY, sigma=0.06, rng=_rng()) - GREY
    luma = 0.299 * noise[0] + 0.587 * noise[1] + 0.114 * noise[2]
    assert abs(luma).max() < 1e-5
    cr = (noise[0] / 1.402)[8:-8, 8:-8]
    assert cr.std() == pytest.approx(0.06, rel=0.08) and _neighbours(cr) > 0.9


@pytest.mark.parametrize("brightness", [0.3, 0.6])
def test_noise_at_high_iso_is_shot_and_read_noise_in_linear_light(brightness: float) -> None:
    image = np.full_like(GREY, brightness)
    light, noisy = to_linear(image), to_linear(high_iso(image, variance=0.001, rng=_rng()))
    expected = 0.001 * (light[0, 0, 0] + 0.01)
    assert (noisy - light).var() == pytest.approx(expected, rel=TOLERANCE)


def test_black_is_noisy_at_high_iso_too() -> None:
    assert high_iso(np.zeros_like(GREY), variance=0.03, rng=_rng()).std() > 0.02
