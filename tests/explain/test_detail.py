import numpy as np
import pytest
from PIL import Image

from biqa_cli.explain.detail import details


def test_what_is_even_has_no_detail_and_edges_have() -> None:
    pixels = np.full((64, 96, 3), 90, np.uint8)
    pixels[:, 32:] = 130
    # One of the four columns of 8 pixels in the first cell borders on the edge: 40 of 160.
    assert details(pixels, cell=32).tolist() == [[10, 0, 0]] * 2


def test_noise_of_pixels_is_little_detail() -> None:
    noise = np.random.default_rng(0).normal(128, 6, (320, 320, 3)).clip(0, 255)
    assert details(noise.astype(np.uint8), cell=32).max() < 1.5


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (40, 5), (33, 65)])
def test_parts_of_any_size_have_a_detail(size: tuple[int, int]) -> None:
    found = details(np.asarray(Image.new("RGB", size)), cell=8)
    assert found.size >= 1 and not found.any()
