from pathlib import Path

import pytest
from biqa_cli.training.parts import training_parts

from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.datasets.split_files import save_split
from biqa_cli.errors import UsageError

SCALE = LabelScale(0, 1, higher_is_better=True, meaning="MOS")


def synthetic(references: int = 10, versions: int = 6) -> Dataset:
    images = tuple(
        RatedImage(f"{r}-{v}.png", mos=v / versions, reference=f"ref{r}")
        for r in range(references)
        for v in range(versions)
    )
    return Dataset("mini", Path(), "synthetic", SCALE, images)


def authentic(count: int) -> Dataset:
    images = tuple(RatedImage(f"{n}.png", mos=n / count) for n in range(count))
    return Dataset("mini", Path(), "authentic", SCALE, images)


def test_validation_photos_show_no_reference_that_trains_or_tests() -> None:
    dataset = synthetic()
    parts = training_parts(dataset, split=None, seed=3, val_share=0.2)
    shown = [
        {dataset.images[index].reference for index in part}
        for part in (parts.train, parts.val, parts.split.parts["test"])
    ]
    assert not shown[0] & shown[1] and not shown[1] & shown[2] and not shown[0] & shown[2]
    assert not parts.split.leaky and len(parts.val) == 12
    assert sum(len(part) for part in parts.split.parts.values()) == len(dataset.images)


def test_the_test_part_is_the_one_that_evaluation_shuffles() -> None:
    dataset = authentic(50)
    from biqa_cli.datasets.splits import split_dataset

    expected = split_dataset(dataset, protocol="image", seed=7).parts["test"]
    parts = training_parts(dataset, split=None, seed=7, val_share=0.1)
    assert parts.split.parts["test"] == expected
    assert (len(parts.train), len(parts.val)) == (36, 4)


def test_a_published_val_part_is_kept() -> None:
    images = tuple(
        RatedImage(f"{n}.png", mos=n / 40, official_part="test" if n < 8 else "train", clean_part=p)
        for n, p in enumerate(["test"] * 8 + ["val"] * 6 + ["dropped"] * 2 + ["train"] * 24)
    )
    dataset = Dataset("mini", Path(), "authentic", SCALE, images)
    parts = training_parts(dataset, split=None, seed=0, val_share=0.5)
    assert parts.split.protocol == "clean"
    assert (len(parts.train), len(parts.val)) == (24, 6)


def test_a_saved_split_gives_the_same_photos(tmp_path: Path) -> None:
    dataset = synthetic()
    first = training_parts(dataset, split="reference", seed=5, val_share=0.2)
    save_split(first.split, dataset, tmp_path / "split.txt")
    again = training_parts(dataset, split=str(tmp_path / "split.txt"), seed=0, val_share=0.9)
    assert again.split == first.split


def test_a_handful_of_photos_is_too_few() -> None:
    with pytest.raises(UsageError, match="too small to train on: 1 photos would train and 3"):
        training_parts(authentic(5), split=None, seed=0, val_share=0.1)
