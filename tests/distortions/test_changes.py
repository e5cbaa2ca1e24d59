import numpy as np
import pytest
from PIL import Image

from biqa_cli.distortions.changes import CHANGES

PHOTO = Image.fromarray(np.random.default_rng(0).integers(60, 190, (400, 600, 3), np.uint8))


def _changed(change: str, seed: int) -> Image.Image:
    return CHANGES[change][0](PHOTO, np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("change", "turns"),
    [("a quarter turn left", 1), ("upside down", 2), ("a quarter turn right", 3)],
)
def test_a_photo_is_turned_by_quarters(change: str, turns: int) -> None:
    expected = np.rot90(np.asarray(PHOTO), turns)
    assert np.array_equal(np.asarray(_changed(change, 0)), expected)


def test_a_reduced_photo_has_80000_to_200000_pixels() -> None:
    sizes = [_changed("reduced", seed).size for seed in range(60)]
    pixels = [width * height for width, height in sizes]
    assert 79_000 < min(pixels) < 90_000 and 190_000 < max(pixels) < 201_000
    assert all(width / height == pytest.approx(1.5, rel=0.01) for width, height in sizes)


def test_a_frame_is_thin_and_one_in_five_is_white() -> None:
    framed = [_changed("framed", seed) for seed in range(200)]
    widths = [(image.width - 600) // 2 for image in framed]
    # 0.5 to 3 % of the shorter side.
    assert (min(widths), max(widths)) == (2, 12)
    assert all(image.height - 400 == 2 * width for image, width in zip(framed, widths, strict=True))
    corners = [image.getpixel((0, 0)) for image in framed]
    assert set(corners) == {(0, 0, 0), (255, 255, 255)}
    assert corners.count((255, 255, 255)) / 200 == pytest.approx(0.2, abs=0.06)
    image, width = framed[0], widths[0]
    inside = image.crop((width, width, width + 600, width + 400))
    assert np.array_equal(np.asarray(inside), np.asarray(PHOTO))


def test_up_to_a_twelfth_of_each_side_is_trimmed() -> None:
    lost = [
        (600 - image.width, 400 - image.height)
        for image in (_changed("trimmed", seed) for seed in range(200))
    ]
    # Of both sides together up to a sixth, and about a twelfth on average.
    assert 85 < max(wide for wide, _ in lost) <= 100 and 55 < max(high for _, high in lost) <= 67
    assert np.mean(lost, axis=0) == pytest.approx([50, 33], rel=0.1)
