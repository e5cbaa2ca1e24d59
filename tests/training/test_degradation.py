import numpy as np
import pytest
from fakes import photo
from numpy.typing import NDArray

from biqa_cli.distortions.catalog import DISTORTIONS
from biqa_cli.distortions.distort import distort
from biqa_cli.distortions.named_blocks import block_slices
from biqa_cli.networks.shdiqa import PARTITIONS, Partition
from biqa_cli.training.degradation import degrade_blocks


def _crop() -> NDArray[np.float32]:
    pixels = np.asarray(photo(64, 64), np.float32) / 255
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


@pytest.mark.parametrize("partition", PARTITIONS)
def test_each_block_has_the_distortion_that_its_label_names(partition: Partition) -> None:
    image, checked = _crop(), 0
    for seed in range(8):
        crop = degrade_blocks(image, seed=seed, partition=partition)
        for block, kind, level in zip(PARTITIONS[partition], crop.types, crop.levels, strict=True):
            distortion = DISTORTIONS[kind]
            if distortion.random:
                continue
            whole = distort(image, kind=distortion.name, level=int(level) + 1, seed=0)
            rows, columns = block_slices(64, 64, block=block)
            assert np.array_equal(crop.image[:, rows, columns], whole[:, rows, columns])
            checked += 1
    assert checked >= 5


def test_the_types_of_a_crop_differ_and_all_are_drawn() -> None:
    image = _crop()
    crops = [degrade_blocks(image, seed=seed, partition="grid") for seed in range(40)]
    assert all(len(set(crop.types)) == 4 for crop in crops)
    assert {kind for crop in crops for kind in crop.types} == set(range(24))
    assert {level for crop in crops for level in crop.levels} == set(range(4))


def test_the_same_seed_gives_the_same_crop_and_the_original_stays() -> None:
    image = _crop()
    before = image.copy()
    first, second = degrade_blocks(image, seed=3), degrade_blocks(image, seed=3)
    assert np.array_equal(first.image, second.image)
    assert np.array_equal(first.types, second.types)
    assert np.array_equal(image, before)
