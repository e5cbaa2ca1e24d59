from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biqa_cli.explain.records import BlockScore
from biqa_cli.explain.worst import CERTAIN, LITTLE_DETAIL, worst_blocks

EMPTY, BUSY = LITTLE_DETAIL - 0.1, LITTLE_DETAIL


def _blocks(*scores: float, width: int = 10, stride: int = 10) -> list[BlockScore]:
    return [BlockScore(stride * n, 0, width, 10, score) for n, score in enumerate(scores)]


@given(st.lists(st.floats(0, 100), min_size=25, max_size=25))
def test_the_worst_are_at_most_three_of_the_lowest_that_do_not_overlap(scores: list[float]) -> None:
    places = product(range(0, 25, 5), repeat=2)
    blocks = [BlockScore(x, y, 10, 10, score) for (y, x), score in zip(places, scores, strict=True)]
    worst = worst_blocks(blocks, [BUSY] * 25)
    assert len(worst) <= 3
    assert [block.score for block in worst] == sorted(block.score for block in worst)
    if worst:
        assert worst[0].score == min(scores)
    for number, one in enumerate(worst):
        for other in worst[:number]:
            assert abs(one.x - other.x) >= 10 or abs(one.y - other.y) >= 10


def test_two_bad_blocks_beside_each_other_are_both_the_worst() -> None:
    blocks = _blocks(70, 10, 12, 70, 70)
    assert worst_blocks(blocks, [BUSY] * 5) == (blocks[1], blocks[2])


@pytest.mark.parametrize(("second", "count"), [(64.9, 2), (65, 1)])
def test_after_the_lowest_only_blocks_clearly_below_the_median_count(
    second: float, count: int
) -> None:
    blocks = _blocks(64, 70, 70, second, 70)
    assert worst_blocks(blocks, [BUSY] * 5) == (blocks[0], blocks[3])[:count]


def test_the_lowest_only_has_to_be_below_the_median() -> None:
    blocks = _blocks(70, 69.9, 70)
    assert worst_blocks(blocks, [BUSY] * 3) == (blocks[1],)


def test_there_is_no_worst_where_all_are_equal() -> None:
    assert worst_blocks(_blocks(50, 50, 50), [BUSY] * 3) == ()


def test_an_empty_sky_is_not_the_worst() -> None:
    blocks = _blocks(20, 70, 60, 70, 75)
    assert worst_blocks(blocks, [EMPTY, BUSY, BUSY, BUSY, BUSY]) == (blocks[2],)


@pytest.mark.parametrize(("strength", "count"), [(CERTAIN, 1), (CERTAIN - 0.01, 0)])
def test_a_block_of_little_detail_is_the_worst_if_its_flaw_is_certain(
    strength: float, count: int
) -> None:
    noisy = BlockScore(0, 0, 10, 10, 20, "noisy", strength)
    rest = [BlockScore(10, 0, 10, 10, 70), BlockScore(20, 0, 10, 10, 70)]
    assert worst_blocks([noisy, *rest], [EMPTY, BUSY, BUSY]) == (noisy,)[:count]
