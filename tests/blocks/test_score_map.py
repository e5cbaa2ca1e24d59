import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biqa_cli.blocks.extraction import block_views
from biqa_cli.blocks.grid import covering_grid, partition_grid
from biqa_cli.blocks.score_map import joined_map, reduced_score_map, score_map


@given(st.integers(1, 80), st.integers(1, 80), st.integers(1, 40), st.floats(0, 1))
def test_equal_scores_give_a_flat_map(h: int, w: int, size: int, score: float) -> None:
    grid = covering_grid(h, w, size=size, stride=max(1, size // 2))
    assert np.allclose(score_map(np.full(len(grid), score), grid), score)


def test_maps_of_blocks_are_averaged_pixel_by_pixel() -> None:
    grid = covering_grid(2, 3, size=2, stride=1)
    maps = np.array([[[1.0, 2.0], [3.0, 4.0]], [[10.0, 20.0], [30.0, np.nan]]])
    expected = [[1, 6, 20], [3, 17, np.nan]]
    assert np.array_equal(joined_map(maps, grid), expected, equal_nan=True)
    with pytest.raises(ValueError, match=r"expected maps \(2, 2, 2\), one for each block"):
        joined_map(maps[:, :1], grid)


def test_overlaps_are_averaged() -> None:
    grid = covering_grid(2, 3, size=2, stride=1)
    assert score_map(np.array([0.0, 1.0]), grid).tolist() == [[0.0, 0.5, 1.0]] * 2


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 40), st.integers(1, 40))
def test_the_reduced_map_is_the_mean_of_the_map(h: int, w: int, size: int, seed: int) -> None:
    grid = covering_grid(h, w, size=size, stride=max(1, size // 2))
    scores = np.random.default_rng(seed).uniform(0, 100, len(grid))
    full = score_map(scores, grid)
    assert np.allclose(reduced_score_map(scores, grid, height=h, width=w), full, atol=1e-9)
    # Every pixel is cut into as many parts as there are cells: each cell is then h whole parts.
    for cells in {1, (h + 1) // 2, h}:
        repeated = np.repeat(full, cells, axis=0).reshape(cells, h, w).mean(axis=1)
        reduced = reduced_score_map(scores, grid, height=cells, width=w)
        assert np.allclose(reduced, repeated, atol=1e-9)


def test_dropped_pixels_have_no_score() -> None:
    shown = score_map(np.array([1.0, 2.0, 3.0, 4.0]), partition_grid(3, 3, blocks=2))
    assert np.isnan(shown[2]).all() and np.isnan(shown[:, 2]).all()
    assert shown[:2, :2].tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_a_missing_score_is_noticed() -> None:
    with pytest.raises(ValueError, match="expected 4 scores"):
        score_map(np.zeros(3), partition_grid(4, 4, blocks=2))


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
