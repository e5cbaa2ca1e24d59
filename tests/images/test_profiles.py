"""Colours in the words of ITU-T H.273, against numbers that standards derive from them."""

import struct
from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
from PIL import ImageCms

from biqa_cli.errors import ImageError
from biqa_cli.images.profiles import (
    PRIMARIES,
    SRGB,
    Primaries,
    adobe_rgb_profile,
    coded_profile,
    power,
    rgb_profile,
)

# What red, green and blue add to luminance: BT.709, BT.470 M, BT.470 BG, BT.601 (525 lines),
# SMPTE 240M, BT.2020, and P3 with the white of cinemas and of displays.
LUMINANCE = {
    1: (0.2126, 0.7152, 0.0722),
    4: (0.2990, 0.5864, 0.1146),
    5: (0.2220, 0.7067, 0.0713),
    6: (0.2124, 0.7011, 0.0866),
    7: (0.2124, 0.7011, 0.0866),
    9: (0.2627, 0.6780, 0.0593),
    11: (0.2095, 0.7216, 0.0689),
    12: (0.2290, 0.6917, 0.0793),
}


@pytest.mark.parametrize("number", LUMINANCE)
def test_primaries_give_the_luminance_that_standards_print(number: int) -> None:
    primaries = PRIMARIES[number]
    corners = np.array([primaries.red, primaries.green, primaries.blue]).T
    x, y = primaries.white
    # Of each colour as much as makes white.
    parts = np.linalg.solve(np.stack([*corners, 1 - corners.sum(axis=0)]), [x, y, 1 - x - y])
    assert parts * corners[1] / y == pytest.approx(LUMINANCE[number], abs=3e-4)


def test_the_profile_of_srgb_has_the_colours_of_littlecms_own() -> None:
    made = ImageCms.ImageCmsProfile(BytesIO(rgb_profile(SRGB, power(2.2)))).profile
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).profile
    for name in ("red_primary", "green_primary", "blue_primary"):
        found, expected = getattr(made, name), getattr(own, name)
        assert np.array(found[0]) == pytest.approx(np.array(expected[0]), abs=1e-3)


@pytest.mark.parametrize(
    "red", [(0.64, 0.0), (0.64, 1.1), (-0.1, 0.33), (1.1, 0.33), (0.3, 0.6), (0.225, 0.33)]
)
def test_primaries_that_are_no_colours_have_no_profile(red: tuple[float, float]) -> None:
    # Off the diagram, the same as green, and on the line from green to blue.
    with pytest.raises(ValueError, match="chromaticity outside|lie on a line|no colours"):
        rgb_profile(Primaries(red, SRGB.green, SRGB.blue), power(2.2))


def test_codes_that_stand_for_no_known_colours_are_refused() -> None:
    assert coded_profile("PNG", primaries=2, transfer=2) is None
    assert coded_profile("PNG", primaries=2, transfer=13) == coded_profile(
        "PNG", primaries=1, transfer=2
    )
    for primaries, transfer in ((3, 13), (1, 3), (22, 1)):
        with pytest.raises(ImageError, match=f"its colours are coded as {primaries}/{transfer}"):
            coded_profile("PNG", primaries=primaries, transfer=transfer)


# Of a stored 0.5; television's curves are shown as sRGB's.
HALF = {
    1: 0.21404,
    4: 0.21764,
    5: 0.14359,
    6: 0.21404,
    8: 0.5,
    13: 0.21404,
    14: 0.21404,
    15: 0.21404,
}


@pytest.mark.parametrize("transfer", HALF)
def test_a_curve_is_that_of_its_number(transfer: int) -> None:
    content = coded_profile("PNG", primaries=1, transfer=transfer)
    assert content is not None
    values = np.frombuffer(content, ">u2", count=1024, offset=content.index(b"curv") + 12)
    assert values[[0, 1023]].tolist() == [0, 65535]
    half = np.interp(0.5, np.linspace(0, 1, 1024), values) / 65535
    assert half == pytest.approx(HALF[transfer], abs=1e-4)


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_high_dynamic_range_is_refused_by_name(transfer: int, name: str) -> None:
    with pytest.raises(ImageError, match=f"high dynamic range, {name}"):
        coded_profile("PNG", primaries=9, transfer=transfer)


def test_adobe_rgb_has_the_gamma_of_its_standard() -> None:
    content = adobe_rgb_profile()
    values = np.frombuffer(content, ">u2", count=1024, offset=content.index(b"curv") + 12)
    # Adobe RGB (1998), 4.3.4.2: 2.19921875.
    assert np.array_equal(values, np.round(np.linspace(0, 1, 1024) ** 2.19921875 * 65535))


def test_the_tags_of_a_profile_lie_as_icc_has_them() -> None:
    content = adobe_rgb_profile()
    assert int.from_bytes(content[:4], "big") == len(content)
    (count,) = struct.unpack_from(">I", content, 128)
    tags = [struct.unpack_from(">4sII", content, 132 + 12 * n) for n in range(count)]
    assert [name for name, _, _ in tags] == [
        *(b"desc", b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC")
    ]
    # ICC.1:2022, 7.3.1: the first follows the table, and each begins at a multiple of four.
    places = [(start, start + size) for _, start, size in tags[:6]]
    assert places[0][0] == 132 + 12 * count and places[-1][1] == len(content)
    assert all(end == start for (_, end), (start, _) in pairwise(places))
    assert all(start % 4 == 0 for start, _ in places)
    assert [tag[1:] for tag in tags[6:]] == [tags[5][1:]] * 2


def test_primaries_may_lie_on_the_edge_of_the_diagram() -> None:
    assert rgb_profile(Primaries(SRGB.red, (0.0, 1.0), SRGB.blue), power(2.2))
    assert rgb_profile(Primaries((1.0, 0.2), SRGB.green, SRGB.blue), power(2.2))


@pytest.mark.parametrize("red", [(0.05, 0.1), (0.2, 0.6), (0.4, 0.65)])
def test_numbers_that_a_profile_cannot_hold_are_refused(red: tuple[float, float]) -> None:
    # One of them is 2.0 to 2.6: littleCMS reads less than 2.
    with pytest.raises(ValueError, match="the primaries are no colours"):
        rgb_profile(Primaries(red, SRGB.green, SRGB.blue), power(2.2))
