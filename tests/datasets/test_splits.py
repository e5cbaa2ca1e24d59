import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biqa_cli.datasets.base import Dataset, Kind, LabelScale, RatedImage
from biqa_cli.datasets.split_files import load_split, save_split
from biqa_cli.datasets.splits import split_dataset
from biqa_cli.errors import UsageError

SHARES = ["80/20", "60/20/20"]


def _dataset(*images: RatedImage, kind: Kind = "authentic", name: str = "d") -> Dataset:
    scale = LabelScale(0, 1, higher_is_better=True, meaning="MOS")
    return Dataset(name=name, root=Path("/root"), kind=kind, scale=scale, images=images)


def _synthetic(references: int, versions: int = 3) -> Dataset:
    images = [
        RatedImage(f"i{r:02d}_{v}.png", 0.5, reference=f"i{r:02d}")
        for v in range(versions)
        for r in range(1, references + 1)
    ]
    return _dataset(*images, kind="synthetic")


def _photos(count: int) -> Dataset:
    return _dataset(*(RatedImage(f"{index}.jpg", 0.5) for index in range(count)))


def _references(dataset: Dataset, part: tuple[int, ...]) -> list[int]:
    return sorted({int((dataset.images[index].reference or "")[1:]) for index in part})


# What NLNet's released code prints for its data sets, references numbered from 1.
@pytest.mark.parametrize(
    ("references", "seed", "val", "test"),
    [
        (25, 1, [7, 13, 15, 16, 20], [3, 4, 5, 9, 19]),
        (25, 10, [1, 7, 9, 15, 22], [2, 14, 16, 19, 25]),
        (29, 1, [4, 7, 13, 15, 16, 22], [3, 5, 9, 19, 25, 26]),
        (29, 10, [6, 7, 9, 15, 26, 28], [1, 2, 14, 16, 19, 29]),
        (30, 1, [4, 9, 13, 15, 16, 22], [3, 5, 19, 25, 26, 28]),
        (30, 10, [6, 7, 9, 15, 27, 29], [1, 2, 14, 16, 19, 30]),
    ],
)
def test_the_splits_of_nlnet_are_reproduced(
    references: int, seed: int, val: list[int], test: list[int]
) -> None:
    dataset = _synthetic(references)
    split = split_dataset(dataset, seed=seed, shares="60/20/20")
    assert _references(dataset, split.parts["val"]) == val
    assert _references(dataset, split.parts["test"]) == test


@given(st.integers(5, 90), st.integers(-(10**6), 10**6), st.sampled_from(SHARES))
def test_no_reference_is_in_two_parts(references: int, seed: int, shares: str) -> None:
    dataset = _synthetic(references, versions=2)
    split = split_dataset(dataset, seed=seed, shares=shares)
    groups = [set(_references(dataset, part)) for part in split.parts.values()]
    assert sum(map(len, groups)) == len(set().union(*groups)) == references
    assert sorted(i for part in split.parts.values() for i in part) == list(
        range(len(dataset.images))
    )
    assert not split.leaky and split.reason == ""
    sizes = {part: len(_references(dataset, indices)) for part, indices in split.parts.items()}
    first = int(references * (0.8 if shares == "80/20" else 0.6))
    assert sizes["train"] == first
    assert sizes["test"] == references - int(references * 0.8)


@given(st.integers(4, 300), st.integers(0, 99), st.sampled_from(SHARES))
def test_photos_are_cut_to_the_nearest(count: int, seed: int, shares: str) -> None:
    split = split_dataset(_photos(count), seed=seed, shares=shares)
    assert split.protocol == "image"
    assert len(split.parts["test"]) == count - round(0.8 * count)
    assert len(split.parts["train"]) == round((0.8 if shares == "80/20" else 0.6) * count)
    assert sorted(i for part in split.parts.values() for i in part) == list(range(count))


@given(st.integers(20, 300), st.integers(0, 99))
def test_every_share_of_the_training_photos_has_the_same_test_photos(count: int, seed: int) -> None:
    photos = _photos(count)
    few, many = (split_dataset(photos, protocol=f"image@{n}/0/20", seed=seed) for n in (20, 60))
    assert few.parts["test"] == many.parts["test"]
    assert few.parts["test"] == split_dataset(photos, seed=seed).parts["test"]
    assert set(few.parts["train"]) < set(many.parts["train"])
    assert len(few.parts["train"]) == round(0.2 * count)
    assert "val" not in few.parts and few.parts["dropped"]


@given(st.integers(40, 300), st.integers(0, 99))
def test_five_percent_train_and_all_others_test(count: int, seed: int) -> None:
    split = split_dataset(_photos(count), protocol="image@5/95", seed=seed)
    assert len(split.parts["train"]) == round(0.05 * count)
    assert len(split.parts["train"]) + len(split.parts["test"]) == count


def test_a_protocol_with_shares_is_the_split_of_these_shares() -> None:
    dataset = _synthetic(25)
    named = split_dataset(dataset, protocol="reference@60/20/20", seed=4)
    assert named.parts == split_dataset(dataset, seed=4, shares="60/20/20").parts
    assert named.protocol == "reference@60/20/20"


def test_a_whole_set_can_train() -> None:
    split = split_dataset(_synthetic(5), protocol="all", seed=4)
    assert split.parts == {"train": tuple(range(15))} and split.seed is None


def test_photos_are_shuffled_by_the_recipe() -> None:
    order = list(range(50))
    random.Random(7).shuffle(order)
    split = split_dataset(_photos(50), seed=7)
    assert split.parts["train"] == tuple(sorted(order[:40]))


def test_the_same_seed_is_the_same_split_and_another_is_another() -> None:
    dataset = _synthetic(20)
    assert split_dataset(dataset, seed=3) == split_dataset(dataset, seed=3)
    hashes = {split_dataset(dataset, seed=seed).sha256 for seed in range(1, 11)}
    assert len(hashes) == 10


def test_the_hash_stays_what_it_was() -> None:
    # A change here changes what published splits are compared with.
    assert split_dataset(_synthetic(5), seed=1).sha256.startswith("99452aca298f37aa")


def test_the_hash_is_blind_to_the_case_of_names() -> None:
    upper = _dataset(*(RatedImage(f"{i}.JPG", 0.5) for i in range(10)))
    lower = _dataset(*(RatedImage(f"{i}.jpg", 0.5) for i in range(10)))
    assert split_dataset(upper).sha256 == split_dataset(lower).sha256


def test_a_synthetic_set_split_by_image_is_marked_with_the_reason() -> None:
    split = split_dataset(_synthetic(5, versions=20), protocol="image", seed=1)
    assert split.leaky
    assert split.reason.startswith("5 of 5 reference images have versions in more than one part")


def test_photos_of_one_scene_leak_by_image_and_not_by_scene() -> None:
    dataset = _dataset(*(RatedImage(f"{i}.jpg", 0.5, scene=f"s{i // 8}") for i in range(80)))
    by_image = split_dataset(dataset, seed=1)
    assert by_image.leaky and "8 of 10 scenes have photos in more than one part" in by_image.reason
    by_scene = split_dataset(dataset, protocol="scene", seed=1)
    assert not by_scene.leaky
    assert len(by_scene.parts["test"]) == 16


def _listed() -> Dataset:
    """Return a set as BIQ2021: an official list, and one without the scene that leaks."""
    parts = [("train", "train"), ("train", "val"), ("train", "dropped"), ("test", "test")]
    return _dataset(
        *(
            RatedImage(
                f"{i}.jpg", 0.5, scene=str(min(i, 2)), official_part=official, clean_part=clean
            )
            for i, (official, clean) in enumerate(parts)
        )
    )


def test_the_clean_list_is_the_default_where_there_is_one() -> None:
    split = split_dataset(_listed(), seed=5)
    assert (split.protocol, split.seed, split.leaky) == ("clean", None, False)
    assert split.parts == {"train": (0,), "val": (1,), "test": (3,), "dropped": (2,)}


def test_the_official_list_is_the_default_where_there_is_no_other_and_it_has_a_test_part() -> None:
    data = _listed()
    official = replace(data, images=tuple(replace(i, clean_part=None) for i in data.images))
    assert split_dataset(official).protocol == "official"
    untested = tuple(replace(i, official_part="train") for i in official.images)
    assert split_dataset(replace(official, images=untested)).protocol == "image"


def test_the_official_list_is_given_as_it_is_and_its_leak_told() -> None:
    split = split_dataset(_listed(), protocol="official")
    assert split.parts == {"train": (0, 1, 2), "test": (3,)}
    assert split.leaky and split.reason.startswith("1 of 3 scenes have photos in more than one")


@pytest.mark.parametrize(
    ("dataset", "arguments", "message"),
    [
        (_photos(9), {"protocol": "fold"}, "there is no protocol 'fold': there are reference"),
        (_photos(9), {"protocol": "imgae"}, "there is no protocol 'imgae': did you mean 'image'"),
        (_photos(9), {"shares": "50/60"}, "cannot split '50/60': write train/test or"),
        (_photos(9), {"protocol": "image@0/20"}, "cannot split '0/20': write train/test or"),
        (_photos(9), {"protocol": "image@nan/20"}, "cannot split 'nan/20': write train/test or"),
        (_photos(9), {"protocol": "image@60/20/10/10"}, "'60/20/10/10': write train/test or"),
        (_photos(9), {"protocol": "image@"}, "cannot split '': write train/test or"),
        (_photos(9), {"protocol": "all@80/20"}, "all is a list, which has no shares: name it wi"),
        (_photos(9), {"protocol": "reference"}, "by reference: none is known of 9 of 9 .* 0.jpg"),
        (_photos(9), {"protocol": "official"}, "by official: none is known"),
        (_photos(9), {"protocol": "clean"}, "by clean: none is known"),
        (_photos(1), {}, "by image: train has 1 of 1 images and test 0: name another"),
        (_synthetic(1), {}, "by reference: train has 0 of 3"),
    ],
)
def test_a_split_that_cannot_be_is_refused(
    dataset: Dataset, arguments: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        split_dataset(dataset, **arguments)  # type: ignore[arg-type]


@given(st.integers(2, 40), st.integers(1, 9), st.sampled_from(["image", "reference"]))
def test_a_saved_split_comes_back(
    tmp_path_factory: pytest.TempPathFactory, references: int, seed: int, protocol: str
) -> None:
    dataset = _synthetic(references)
    split = split_dataset(dataset, protocol=protocol, seed=seed)
    path = tmp_path_factory.getbasetemp() / "split.txt"
    save_split(split, dataset, path)
    assert load_split(path, dataset) == split


def test_a_saved_split_is_a_line_an_image(tmp_path: Path) -> None:
    dataset = _listed()
    split = split_dataset(dataset)
    save_split(split, dataset, tmp_path / "s.txt")
    assert (tmp_path / "s.txt").read_text().splitlines() == [
        "# biqa split",
        "# dataset: d",
        "# protocol: clean",
        "# seed: None",
        f"# sha256: {split.sha256}",
        "train\t0.jpg",
        "val\t1.jpg",
        "test\t3.jpg",
        "dropped\t2.jpg",
    ]
    assert load_split(tmp_path / "s.txt", dataset) == split


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "train\t0.jpg",
            "test\t0.jpg",
            "changed after it was saved: its sha256 is .* save it anew",
        ),
        ("train\t0.jpg\n", "", "changed after it was saved"),
        ("seed: 1", "seed: 2", "changed after it was saved"),
        ("protocol: image", "protocol: official", "changed after it was saved"),
        ("sha256: ", "sha256: 0", "changed after it was saved"),
        ("train\t0.jpg", "train\t99.jpg", "names 99.jpg, which is not in /root"),
        ("dataset: d", "dataset: e", "is a split of e, not of d"),
        ("# biqa split", "# another file", "is a split of d"),
        ("# seed: 1\n", "", "is not a split saved by biqa"),
        ("train\t0.jpg", "train 0.jpg", "is not a split saved by biqa"),
        ("seed: 1", "seed: one", "is not a split saved by biqa"),
    ],
)
def test_a_split_that_was_changed_is_refused(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    dataset = _photos(9)
    path = tmp_path / "s.txt"
    save_split(split_dataset(dataset, seed=1), dataset, path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(UsageError, match=message):
        load_split(path, dataset)


def test_names_that_a_list_cannot_hold_are_refused(tmp_path: Path) -> None:
    dataset = _dataset(*(RatedImage(f"{i}\n.jpg", 0.5) for i in range(9)))
    with pytest.raises(UsageError, match="characters that a list of files cannot hold"):
        save_split(split_dataset(dataset), dataset, tmp_path / "s.txt")
    with pytest.raises(UsageError, match="is not a split saved by biqa"):
        load_split(tmp_path / "none.txt", dataset)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot write"):
        save_split(split_dataset(_photos(9)), _photos(9), tmp_path / "file/s.txt")
