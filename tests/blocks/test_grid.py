import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biqa_cli.blocks.grid import covering_grid, partition_grid
from biqa_cli.errors import UsageError

SIDES = st.integers(1, 300)


def test_the_partition_of_the_paper_drops_the_remainder() -> None:
    # Specification of BlockIQA, section 1.2: 224 pixels in 1 to 4 blocks a side.
    assert [partition_grid(224, 224, blocks=n).height for n in (1, 2, 3, 4)] == [224, 112, 74, 56]


@given(SIDES, SIDES, st.integers(1, 8))
def test_a_partition_has_equal_blocks_that_never_overlap(h: int, w: int, blocks: int) -> None:
    if min(h, w) < blocks:
        with pytest.raises(UsageError, match="blocks a side: use 1 to"):
            partition_grid(h, w, blocks=blocks)
        return
    grid = partition_grid(h, w, blocks=blocks)
    touched = np.zeros((h, w), int)
    for block in grid:
        touched[block.y : block.y + block.height, block.x : block.x + block.width] += 1
    assert len(grid) == blocks**2
    assert touched.max() == 1
    # Only the remainder, at the bottom and on the right, belongs to no block.
    assert touched[: grid.height * blocks, : grid.width * blocks].all()
    assert h - grid.height * blocks < blocks
    assert w - grid.width * blocks < blocks


@given(SIDES, SIDES, st.integers(1, 120), st.data())
def test_a_covering_touches_every_pixel_and_stays_inside(
    h: int, w: int, size: int, data: st.DataObject
) -> None:
    stride = data.draw(st.integers(1, size))
    if (h // stride + 2) * (w // stride + 2) > 2000:
        return
    grid = covering_grid(h, w, size=size, stride=stride)
    touched = np.zeros((h, w), bool)
    for block in grid:
        assert min(block.y, block.x) >= 0
        assert block.y + block.height <= h and block.x + block.width <= w
        touched[block.y : block.y + block.height, block.x : block.x + block.width] = True
    assert touched.all()
    assert (grid.height, grid.width) == (min(size, h), min(size, w))
    assert list(grid.ys) == sorted(set(grid.ys)) and list(grid.xs) == sorted(set(grid.xs))
    assert all(type(value) is int for block in grid for value in block)


def test_the_last_block_is_shifted_back() -> None:
    assert covering_grid(250, 100, size=100, stride=100).ys == (0, 100, 150)


@pytest.mark.parametrize(("size", "stride"), [(10, 11), (10, 0), (0, 0)])
def test_a_stride_that_leaves_gaps_is_refused(size: int, stride: int) -> None:
    with pytest.raises(UsageError, match="leave pixels uncovered"):
        covering_grid(50, 50, size=size, stride=stride)


def test_an_empty_image_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing to cover"):
        covering_grid(0, 50, size=10, stride=10)
