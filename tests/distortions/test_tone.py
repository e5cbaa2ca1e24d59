import numpy as np
import pytest
from skimage.color import rgb2lab

from biqa_cli.distortions.tone import (
    brighten,
    contrast,
    contrast_curve,
    darken,
    low_contrast,
    mean_shift,
    parabola,
    unsharp_masking,
)

IMAGE = np.random.default_rng(0).random((3, 30, 40), dtype=np.float32)
RAMP = np.linspace(0, 1, 256, dtype=np.float32)[None, None].repeat(3, axis=0)


@pytest.mark.parametrize(
    ("amount", "coefficients"),
    [
        (-0.4, (1.1905, -1.7857, 1.5952)),
        (-0.6, (2.3810, -3.5714, 2.1905)),
        (0.15, (-2.0833, 3.1250, -0.0417)),
        (0.3, (-2.9762, 4.4643, -0.4881)),
    ],
)
def test_the_contrast_curve_has_the_worked_coefficients(
    amount: float, coefficients: tuple[float, float, float]
) -> None:
    assert contrast_curve(amount) == pytest.approx(coefficients, abs=5e-5)


@pytest.mark.parametrize("amount", [-0.6, -0.2, 0.0, 0.3])
def test_the_contrast_curve_meets_its_five_points(amount: float) -> None:
    x = np.array([0, 0.3, 0.5, 0.7, 1])
    y = np.array([0, 0.25 - amount / 4, 0.5, 0.75 + amount / 4, 1])
    np.testing.assert_allclose(np.polyval([*contrast_curve(amount), 0], x), y, atol=1e-12)
    image = np.tile(x.astype(np.float32), (3, 1, 1))
    np.testing.assert_allclose(contrast(image, amount=amount)[0, 0], y, atol=1e-6)


def test_more_contrast_spreads_values_and_less_gathers_them() -> None:
    assert contrast(RAMP, amount=0.15).std() > RAMP.std() > contrast(RAMP, amount=-0.6).std()


@pytest.mark.parametrize("middle", [0.1, 0.25, 0.5, 0.75])
def test_the_parabola_passes_through_its_middle(middle: float) -> None:
    values = parabola(np.array([0, 0.5, 1], np.float32), middle=middle)
    np.testing.assert_allclose(values, [0, middle, 1], atol=1e-6)


def test_the_steepest_parabolas_are_clipped() -> None:
    assert parabola(RAMP, middle=1.05).max() == 1 and parabola(RAMP, middle=0.1).min() == 0


@pytest.mark.parametrize("amount", [0.1, 0.8])
def test_darkening_never_brightens_a_pixel(amount: float) -> None:
    darker = darken(IMAGE, amount=amount)
    assert (darker <= IMAGE).all() and darker.mean() < IMAGE.mean()


def test_brightening_is_two_thirds_parabola_and_one_third_lightness() -> None:
    brighter = brighten(RAMP, amount=0.4)
    lightness = rgb2lab(RAMP, channel_axis=0)[0] / 100
    # On greys Lab is L alone.
    rest = 3 * brighter - 2 * parabola(RAMP, middle=0.7)
    expected = parabola(lightness, middle=0.7)
    np.testing.assert_allclose(rgb2lab(rest, channel_axis=0)[0] / 100, expected, atol=1e-4)


def test_the_mean_shifts_by_its_amount() -> None:
    assert (mean_shift(IMAGE, shift=-0.15) - IMAGE).mean() == pytest.approx(-0.15, abs=1e-6)


def test_unsharp_masking_overshoots_on_both_sides_of_an_edge_and_keeps_flat_parts() -> None:
    edge = np.full((3, 20, 60), 0.3, np.float32)
    edge[:, :, 30:] = 0.6
    sharp = unsharp_masking(edge, amount=2)[1, 10]
    assert sharp[29] < 0.25 and sharp[30] > 0.65
    np.testing.assert_allclose(sharp[[5, 55]], [0.3, 0.6], atol=1e-4)


@pytest.mark.parametrize("factor", [0.6, 0.12])
def test_low_contrast_gathers_values_around_the_mean_grey(factor: float) -> None:
    flat = low_contrast(IMAGE, factor=factor)
    assert flat.mean() == pytest.approx(IMAGE.mean(), abs=1e-5)
    assert flat.std() == pytest.approx(factor * IMAGE.std(), rel=1e-4)
