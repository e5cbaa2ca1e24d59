from pathlib import Path

import pytest

from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.datasets.split_files import save_split
from biqa_cli.datasets.splits import split_dataset
from biqa_cli.datasets.validation_split import training_split
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
    split = training_split(dataset, split=None, seed=3, val_share=0.2)
    shown = [
        {dataset.images[index].reference for index in part}
        for part in (split.parts["train"], split.parts["val"], split.parts["test"])
    ]
    assert not shown[0] & shown[1] and not shown[1] & shown[2] and not shown[0] & shown[2]
    assert not split.leaky and len(split.parts["val"]) == 12
    assert sum(len(part) for part in split.parts.values()) == len(dataset.images)


def test_the_test_part_is_the_one_that_evaluation_shuffles() -> None:
    dataset = authentic(50)
    expected = split_dataset(dataset, protocol="image", seed=7).parts["test"]
    split = training_split(dataset, split=None, seed=7, val_share=0.1)
    assert split.parts["test"] == expected
    assert (len(split.parts["train"]), len(split.parts["val"])) == (36, 4)


def test_a_published_val_part_is_kept() -> None:
    images = tuple(
        RatedImage(f"{n}.png", mos=n / 40, official_part="test" if n < 8 else "train", clean_part=p)
        for n, p in enumerate(["test"] * 8 + ["val"] * 6 + ["dropped"] * 2 + ["train"] * 24)
    )
    dataset = Dataset("mini", Path(), "authentic", SCALE, images)
    split = training_split(dataset, split=None, seed=0, val_share=0.5)
    assert split.protocol == "clean"
    assert (len(split.parts["train"]), len(split.parts["val"])) == (24, 6)


def test_a_saved_split_gives_the_same_photos(tmp_path: Path) -> None:
    dataset = synthetic()
    first = training_split(dataset, split="reference", seed=5, val_share=0.2)
    save_split(first, dataset, tmp_path / "split.txt")
    again = training_split(dataset, split=str(tmp_path / "split.txt"), seed=0, val_share=0.9)
    assert again == first


def test_a_handful_of_photos_is_too_few() -> None:
    with pytest.raises(UsageError, match="too small to train on: 1 photos would train and 3"):
        training_split(authentic(5), split=None, seed=0, val_share=0.1)


def test_the_seed_decides_what_is_held_out() -> None:
    dataset = authentic(50)
    held = [
        training_split(dataset, split=None, seed=seed, val_share=0.2).parts["val"]
        for seed in (1, 1, 2)
    ]
    assert held[0] == held[1] != held[2]


def test_scenes_are_held_out_as_a_whole() -> None:
    images = tuple(RatedImage(f"{n}.png", mos=n / 40, scene=f"scene{n // 4}") for n in range(40))
    dataset = Dataset("mini", Path(), "authentic", SCALE, images)
    split = training_split(dataset, split="scene", seed=0, val_share=0.2)
    shown = [{images[i].scene for i in split.parts[part]} for part in ("train", "val")]
    assert not shown[0] & shown[1] and len(split.parts["val"]) >= 8
