from typing import Any

import numpy as np
import pytest
from fakes import photo
from numpy.typing import NDArray

from biqa_cli.distortions.blockwise import degrade_blocks, draw_blocks
from biqa_cli.distortions.catalog import SHDIQA_DISTORTIONS
from biqa_cli.distortions.distort import distort
from biqa_cli.distortions.eight_bits import from_bytes, to_bytes
from biqa_cli.distortions.named_blocks import PARTITIONS, Partition, block_slices


def _view() -> NDArray[np.uint8]:
    return np.asarray(photo(64, 64))


def _degraded(seed: int, partition: Partition = "vertical") -> tuple[NDArray[Any], ...]:
    return degrade_blocks(_view(), np.random.default_rng(seed), partition=partition)


@pytest.mark.parametrize("partition", PARTITIONS)
def test_each_block_has_the_distortion_that_its_label_names(partition: Partition) -> None:
    image, checked = from_bytes(_view()), 0
    for seed in range(8):
        view, types, levels = _degraded(seed, partition)
        for block, kind, level in zip(PARTITIONS[partition], types, levels, strict=True):
            distortion = SHDIQA_DISTORTIONS[kind]
            if distortion.random:
                continue
            whole = to_bytes(distort(image, kind=distortion.name, level=int(level) + 1, seed=0))
            rows, columns = block_slices(64, 64, block=block)
            assert np.array_equal(view[rows, columns], whole[rows, columns])
            checked += 1
    assert checked >= 5


def test_the_types_of_a_view_differ_and_all_are_drawn() -> None:
    drawn = [draw_blocks(np.random.default_rng(seed), "grid") for seed in range(40)]
    assert all(len(set(types.tolist())) == 4 for types, _ in drawn)
    assert {kind for types, _ in drawn for kind in types} == set(range(24))
    assert {level for _, levels in drawn for level in levels} == set(range(4))


def test_what_is_drawn_is_what_the_view_is_degraded_by() -> None:
    _, types, levels = _degraded(5)
    expected = draw_blocks(np.random.default_rng(5), "vertical")
    assert np.array_equal(types, expected[0]) and np.array_equal(levels, expected[1])


def test_the_same_seed_gives_the_same_view() -> None:
    first, second, other = _degraded(3), _degraded(3), _degraded(4)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0], other[0])
