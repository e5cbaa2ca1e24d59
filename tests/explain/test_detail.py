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


def _literally(pixels: np.ndarray, *, cell: int) -> np.ndarray:
    """Return the detail as its definition says it, for whole cells of 8×8 pixels."""
    rows, columns = pixels.shape[0] // 8, pixels.shape[1] // 8
    means = pixels.reshape(rows, 8, columns, 8, 3).mean(axis=(1, 3, 4))
    across = np.abs(np.diff(means, axis=1, append=means[:, -1:]))
    down = np.abs(np.diff(means, axis=0, append=means[-1:]))
    side = cell // 8
    return np.array(
        [
            [
                np.minimum(across + down, 40)[y : y + side, x : x + side].mean()
                for x in range(0, columns - side + 1, side)
            ]
            for y in range(0, rows - side + 1, side)
        ]
    )


@pytest.mark.parametrize("cell", [8, 16, 24])
@pytest.mark.parametrize("contrast", [60, 255])
def test_detail_is_what_its_definition_says(cell: int, contrast: int) -> None:
    coarse = np.random.default_rng(0).integers(0, contrast, (7, 9, 3), np.uint8)
    pixels = coarse.repeat(8, axis=0).repeat(8, axis=1)
    assert np.allclose(details(pixels, cell=cell), _literally(pixels, cell=cell), atol=1e-4)


def test_what_is_left_over_at_the_right_and_below_is_not_looked_at() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (39, 55, 3), np.uint8)
    assert np.array_equal(details(pixels, cell=8), details(pixels[:32, :48], cell=8))
