from dataclasses import replace
from pathlib import Path

import pytest

from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.datasets.split_files import save_split
from biqa_cli.datasets.splits import split_dataset
from biqa_cli.errors import UsageError
from biqa_cli.evaluation.parts import choose_parts, parse_seeds, save_part

SCALE = LabelScale(0, 1, higher_is_better=True, meaning="MOS")


def _dataset(**known: list[str]) -> Dataset:
    images = tuple(
        RatedImage(path=f"{i}.png", mos=i / 10, **{key: values[i] for key, values in known.items()})  # type: ignore[arg-type]
        for i in range(10)
    )
    return Dataset("biq2021", Path(), "authentic", SCALE, images)


OFFICIAL = ["train"] * 6 + ["test"] * 4
CLEAN = ["dropped"] + ["train"] * 4 + ["val"] + ["test"] * 4


def test_the_default_is_the_published_test_part_and_else_all_images() -> None:
    (part,) = choose_parts(_dataset(official_part=OFFICIAL), split=None, seeds=(1,))
    assert (part.name, part.indices) == ("official:test", (6, 7, 8, 9))
    (part,) = choose_parts(
        _dataset(official_part=OFFICIAL, clean_part=CLEAN), split=None, seeds=(1,)
    )
    assert part.name == "clean:test"
    (part,) = choose_parts(_dataset(), split=None, seeds=(1,))
    assert (part.name, len(part.indices), part.split) == ("all", 10, None)


def test_each_seed_is_a_part_of_a_shuffled_split() -> None:
    parts = choose_parts(_dataset(), split="image:test", seeds=(1, 2, 3))
    assert [part.seed for part in parts] == [1, 2, 3]
    assert len({part.indices for part in parts}) == 3
    assert choose_parts(_dataset(), split="image", seeds=(2,))[0].indices == parts[1].indices


def test_a_protocol_may_name_its_shares_and_its_part() -> None:
    (test,) = choose_parts(_dataset(), split="image@20/80", seeds=(1,))
    assert (test.name, len(test.indices)) == ("image@20/80:test", 8)
    (val,) = choose_parts(_dataset(), split="image@60/20/20:val", seeds=(1,))
    assert (val.name, len(val.indices)) == ("image@60/20/20:val", 2)


def test_a_published_list_is_one_part_whatever_the_seeds() -> None:
    parts = choose_parts(_dataset(official_part=OFFICIAL), split="official", seeds=(1, 2))
    assert len(parts) == 1 and parts[0].seed is None


def test_a_synthetic_set_split_by_image_is_leaky() -> None:
    data = replace(_dataset(reference=["a", "b"] * 5), kind="synthetic")
    assert "more than one part" in choose_parts(data, split="image:test", seeds=(1,))[0].leak


def test_a_saved_split_is_a_protocol(tmp_path: Path) -> None:
    data = _dataset()
    split = split_dataset(data, protocol="image", seed=5)
    save_split(split, data, tmp_path / "mine.txt")
    (part,) = choose_parts(data, split=f"{tmp_path / 'mine.txt'}:train", seeds=(1,))
    assert (part.name, part.indices) == ("mine.txt:train", split.parts["train"])


def test_an_unknown_part_or_protocol_names_those_that_exist() -> None:
    with pytest.raises(UsageError, match="image has no part 'tset': it has train, test"):
        choose_parts(_dataset(), split="image:tset", seeds=(1,))
    with pytest.raises(UsageError, match="there is no protocol 'imgae'"):
        choose_parts(_dataset(), split="imgae", seeds=(1,))


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("1", (1,)), ("1-3,7", (1, 2, 3, 7)), (" 2 , 1-2", (2, 1)), ("5-5", (5,)), ("0-1", (0, 1))],
)
def test_seeds_are_numbers_and_ranges_each_once(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(("text", "problem"), [("x", "is no list"), ("3-1", "holds no seed")])
def test_what_is_no_list_of_seeds_is_told(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=f"'{text}' {problem}.*: write 1,2,3 or 1-10"):
        parse_seeds(text)


def test_only_one_split_is_saved(tmp_path: Path) -> None:
    data = _dataset()
    several = choose_parts(data, split="image", seeds=(1, 2))
    for parts in (several, choose_parts(data, split="all", seeds=(1,))):
        with pytest.raises(UsageError, match="--save-split writes one split"):
            save_part(parts, data, tmp_path / "split.txt")
    save_part(several[:1], data, tmp_path / "split.txt")
    (saved,) = choose_parts(data, split=f"{tmp_path / 'split.txt'}", seeds=(1,))
    assert saved.indices == several[0].indices
