import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biqa_cli.blocks.extraction import block_views
from biqa_cli.blocks.grid import covering_grid, partition_grid
from biqa_cli.blocks.score_map import interpolated_map, joined_map


@given(st.integers(1, 80), st.integers(1, 80), st.integers(1, 40), st.floats(0, 1))
def test_equal_scores_give_a_flat_map(h: int, w: int, size: int, score: float) -> None:
    grid = covering_grid(h, w, size=size, stride=max(1, size // 2))
    scores = np.full(len(grid), score)
    shown = interpolated_map(scores, list(grid), size=(w, h), height=h, width=w)
    assert shown.shape == (h, w) and np.allclose(shown, score)


def test_maps_of_blocks_are_averaged_pixel_by_pixel() -> None:
    grid = covering_grid(2, 3, size=2, stride=1)
    maps = np.array([[[1.0, 2.0], [3.0, 4.0]], [[10.0, 20.0], [30.0, np.nan]]])
    expected = [[1, 6, 20], [3, 17, np.nan]]
    assert np.array_equal(joined_map(maps, grid), expected, equal_nan=True)
    with pytest.raises(ValueError, match=r"expected maps \(2, 2, 2\), one for each block"):
        joined_map(maps[:, :1], grid)


@given(st.integers(8, 60), st.integers(8, 60), st.integers(0, 40))
def test_a_plane_of_scores_is_a_plane_between_the_middles(h: int, w: int, seed: int) -> None:
    grid = list(covering_grid(h, w, size=4, stride=3))
    slope_y, slope_x = np.random.default_rng(seed).uniform(-1, 1, 2)
    scores = np.array([slope_y * (b.y + 2) + slope_x * (b.x + 2) for b in grid])
    shown = interpolated_map(scores, grid, size=(w, h), height=h, width=w)
    at_y = np.clip(np.arange(h) + 0.5, 2, h - 2)[:, None]
    at_x = np.clip(np.arange(w) + 0.5, 2, w - 2)
    assert np.allclose(shown, slope_y * at_y + slope_x * at_x)


def test_a_missing_score_is_noticed() -> None:
    with pytest.raises(ValueError, match="expected 4 scores"):
        interpolated_map(
            np.zeros(3), list(partition_grid(4, 4, blocks=2)), size=(4, 4), height=4, width=4
        )


@given(st.integers(2, 60), st.integers(2, 60), st.integers(1, 2))
def test_blocks_hold_the_pixels_of_their_place(h: int, w: int, blocks: int) -> None:
    image = np.arange(3 * h * w).reshape(3, h, w)
    grid = partition_grid(h, w, blocks=blocks)
    for block, pixels in zip(grid, block_views(image, grid), strict=True):
        assert pixels[0, 0, 0] == image[0, block.y, block.x]
        assert pixels.shape == (3, block.height, block.width)


def test_a_grid_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="the grid is for 4×4 pixels"):
        block_views(np.zeros((3, 5, 4)), partition_grid(4, 4, blocks=2))
