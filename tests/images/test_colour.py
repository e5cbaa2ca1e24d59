import numpy as np
import pytest
from fakes import linear_profile, photo
from image_files import cmyk_profile, description, encoded_srgb, grey_profile, profile, saved
from PIL import Image, ImageCms
from skimage.color import lab2rgb

from biqa_cli.errors import ImageError
from biqa_cli.images.profiles import SRGB as CORNERS
from biqa_cli.images.profiles import rgb_profile, srgb_curve
from biqa_cli.images.reading import read_photo

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _pixels(content: bytes) -> np.ndarray:
    return np.asarray(read_photo(content).image).astype(int)


def test_a_profile_is_judged_by_what_it_does_not_by_its_name() -> None:
    linear = linear_profile().replace(b"linear\0", b"sRGB \0\0")
    assert b"sRGB" in linear
    read = _pixels(saved(photo(), "PNG", icc_profile=linear))
    assert np.abs(read - encoded_srgb(np.asarray(photo()) / 255)).mean() < 0.6


def test_the_profile_of_srgb_changes_nothing() -> None:
    assert np.array_equal(
        _pixels(saved(photo(), "PNG", icc_profile=SRGB)), np.asarray(photo()).astype(int)
    )


def test_a_profile_of_srgb_that_rounds_otherwise_changes_nothing() -> None:
    rounded = rgb_profile(CORNERS, srgb_curve)
    assert np.array_equal(
        _pixels(saved(photo(), "PNG", icc_profile=rounded)), np.asarray(photo()).astype(int)
    )


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_the_profile_of_grey_is_converted(kind: str) -> None:
    grey = Image.new("L", (16, 16), 55)
    options = {"quality": 100} if kind == "JPEG" else {}
    read = _pixels(saved(grey, kind, icc_profile=grey_profile(1.0), **options))
    assert read[4, 4].tolist() == pytest.approx([encoded_srgb(np.array(55 / 255))] * 3, abs=2)


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_the_profile_of_cmyk_is_converted(kind: str) -> None:
    # In 8-bit Lab, L is stretched to 255 and a, b are shifted by 128.
    lab = (round(60 * 2.55), 128 + 30, 128 - 40)
    inks = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    # skimage has Lab under D65, ICC under D50: a few levels apart.
    read = _pixels(saved(inks, kind, icc_profile=cmyk_profile(lab)))
    expected = 255 * lab2rgb(np.array([60.0, 30, -40]))
    assert read[4, 4].tolist() == pytest.approx(expected.tolist(), abs=10)


@pytest.mark.parametrize(("space", "index"), [(65535, "R03"), (1, "R03"), (65535, "R98")])
def test_adobe_rgb_that_only_exif_tells_is_converted(space: int, index: str) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = space
    exif.get_ifd(0x8769)[0xA005] = {1: index}
    green = Image.new("RGB", (16, 16), (120, 200, 90))
    read = _pixels(saved(green, "JPEG", quality=100, subsampling=0, exif=exif))[4, 4]
    if (space, index) != (65535, "R03"):
        assert read.tolist() == pytest.approx([120, 200, 90], abs=2)
        return
    # From linear Adobe RGB (1998) to linear sRGB; both have the white D65.
    to_srgb = np.array([[1.3983557, -0.3983557, 0], [0, 1, 0], [0, -0.0429290, 1.0429290]])
    expected = encoded_srgb(to_srgb @ (np.array([120, 200, 90]) / 255) ** (563 / 256))
    assert read.tolist() == pytest.approx(expected.tolist(), abs=3)
    assert abs(expected[0] - 120) > 20


def test_a_profile_for_other_pixels_is_ignored() -> None:
    read = _pixels(saved(photo(), "PNG", icc_profile=grey_profile(1.0)))
    assert np.array_equal(read, np.asarray(photo()).astype(int))


def test_a_profile_of_high_dynamic_range_is_refused() -> None:
    tags = {b"desc": description(b"HDR"), b"cicp": b"cicp\0\0\0\0\x09\x10\0\x01"}
    hdr = profile(b"RGB ", b"XYZ ", tags)
    with pytest.raises(ImageError, match="its profile has high dynamic range, PQ"):
        read_photo(saved(photo(), "PNG", icc_profile=hdr))
