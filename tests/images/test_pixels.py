import tracemalloc

import numpy as np
import pytest
from PIL import Image

from biqa_cli.images.pixels import BANDS_BYTES, to_8_bits

GREY = np.random.default_rng(0).integers(0, 65536, (600, 1500)).astype(np.uint16)


def test_a_large_photo_is_converted_in_bands_and_no_row_is_lost() -> None:
    converted = to_8_bits(Image.fromarray(GREY))
    assert np.array_equal(np.asarray(converted), np.floor(GREY / 257 + 0.5))


def test_a_band_takes_what_is_said_at_the_most() -> None:
    image = Image.fromarray(GREY)
    tracemalloc.start()
    to_8_bits(image, inverted=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # NumPy's half is traced. Pillow's is not: four forms of a transparent band, of 4 bytes a pixel.
    assert peak < BANDS_BYTES / 2 == 4_000_000


@pytest.mark.parametrize("white", [4095, 1023])
def test_what_is_brighter_than_white_is_white(white: int) -> None:
    values = np.array([[0, white // 2, white, white + 1, 65535]], np.uint16)
    for inverted, expected in ((False, [0, 127, 255, 255, 255]), (True, [255, 128, 0, 0, 0])):
        eight = to_8_bits(Image.fromarray(values), white=white, inverted=inverted)
        assert np.asarray(eight).tolist() == [expected]


def test_rows_longer_than_a_band_are_converted_one_by_one() -> None:
    # Paper shows through where half of the ink is.
    image = Image.new("RGBA", (1 << 19, 2), (0, 0, 0, 128))
    pixels = np.asarray(to_8_bits(image))
    assert pixels.shape == (2, 1 << 19, 3)
    assert (pixels == 127).all()
