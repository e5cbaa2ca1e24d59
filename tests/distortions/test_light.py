import numpy as np
import pytest

from biqa_cli.distortions.light import (
    colour_cast,
    from_linear,
    haze,
    overexposure,
    to_linear,
    underexposure,
    vignette,
)

RAMP = np.linspace(0, 1, 256, dtype=np.float32)[None, None].repeat(3, axis=0)
IMAGE = np.random.default_rng(0).random((3, 30, 40), dtype=np.float32)
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize(
    ("srgb", "linear"), [(0, 0), (0.04045, 0.0031308), (0.5, 0.2140411), (1, 1)]
)
def test_the_curve_of_srgb_has_its_worked_values(srgb: float, linear: float) -> None:
    assert to_linear(np.float32([srgb]))[0] == pytest.approx(linear, abs=1e-6)
    assert from_linear(np.float32([linear]))[0] == pytest.approx(srgb, abs=1e-5)


def test_linear_light_and_back_is_the_same_image() -> None:
    np.testing.assert_allclose(from_linear(to_linear(RAMP)), RAMP, atol=1e-6)


@pytest.mark.parametrize("stops", [1, 2.25, 4, 6])
def test_a_stop_of_underexposure_is_half_of_the_light(stops: float) -> None:
    darker = to_linear(underexposure(IMAGE, stops=stops))
    np.testing.assert_allclose(darker, to_linear(IMAGE) / 2**stops, atol=1e-5)


def test_a_stop_of_overexposure_is_twice_the_light_and_no_more_than_white() -> None:
    brighter = to_linear(overexposure(IMAGE, stops=1))
    np.testing.assert_allclose(brighter, np.minimum(2 * to_linear(IMAGE), 1), atol=1e-5)
    assert (overexposure(RAMP, stops=4) > 0.999).mean() > 0.7


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("stops", [0.4, 0.8, 1.6])
def test_a_colour_cast_multiplies_light_and_keeps_the_luminance_of_grey(
    stops: float, seed: int
) -> None:
    grey = np.full((3, 4, 4), 0.3, np.float32)
    rng = np.random.default_rng(seed)
    light = to_linear(colour_cast(grey, stops=stops, rng=rng))[:, 0, 0]
    before = to_linear(grey)[:, 0, 0]
    assert light @ _LUMINANCE == pytest.approx(before[0], rel=1e-4)
    gains = np.log2(light / before)
    assert np.linalg.norm(gains - gains.mean()) == pytest.approx(stops, rel=1e-3)


def test_casts_have_any_hue_and_the_same_one_at_all_levels_of_a_seed() -> None:
    grey = np.full((3, 1, 1), 0.3, np.float32)
    strongest = set()
    for seed in range(20):
        found = {
            int(colour_cast(grey, stops=stops, rng=np.random.default_rng(seed)).argmax())
            for stops in (0.4, 3)
        }
        assert len(found) == 1
        strongest |= found
    assert strongest == {0, 1, 2}


@pytest.mark.parametrize("shape", [(301, 401), (401, 301)])
def test_a_vignette_takes_its_stops_in_the_corners_and_nothing_in_the_centre(
    shape: tuple[int, int],
) -> None:
    light = to_linear(vignette(np.full((3, *shape), 0.8, np.float32), stops=2))[0]
    before = to_linear(np.float32([0.8]))[0]
    height, width = shape
    assert light[height // 2, width // 2] == pytest.approx(before, rel=1e-5)
    assert light[[0, 0, -1, -1], [0, -1, 0, -1]] == pytest.approx([before / 4] * 4, rel=0.02)
    # Equally far from the centre, equally dark.
    assert light[height // 2 + 100, width // 2] == pytest.approx(
        light[height // 2, width // 2 + 100], rel=1e-4
    )


def test_haze_follows_koschmieder_and_thins_out_towards_the_bottom() -> None:
    hazy = to_linear(haze(IMAGE, depth=1.2))
    light = to_linear(IMAGE)
    for row, through in ((0, np.exp(-1.2)), (-1, np.exp(-1.2 * 0.4))):
        expected = light[:, row] * through + 0.75 * (1 - through)
        np.testing.assert_allclose(hazy[:, row], expected, atol=1e-5)
