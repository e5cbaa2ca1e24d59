"""Photos are known again by their content, and what they show by its name."""

import os
from pathlib import Path

import pytest
from fakes import grey_png

from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.datasets.learnt import Learnt, learnt_from, photo_hash, reference_hashes
from biqa_cli.errors import UsageError

SCALE = LabelScale(0, 1, higher_is_better=True, meaning="MOS")


def dataset(root: Path, *images: RatedImage, name: str = "csv:mine.csv") -> Dataset:
    return Dataset(name, root, "synthetic", SCALE, images)


def image(path: str, reference: str | None = None, scene: str | None = None) -> RatedImage:
    return RatedImage(path, 0.5, reference=reference, scene=scene)


def test_a_hash_is_the_beginning_of_the_sha256_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert photo_hash(tmp_path / "a") == bytes.fromhex("ba7816bf8f01cfea")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_what_is_no_file_has_no_hash_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert [photo_hash(tmp_path / name) for name in ("pipe", ".", "none")] == [None] * 3


def test_photos_are_known_under_other_names_in_other_sets(tmp_path: Path) -> None:
    for value in range(4):
        grey_png(tmp_path / f"{value}.png", value)
    learnt = learnt_from(
        dataset(tmp_path, *(image(f"{value}.png") for value in range(4))), (1, 3), workers=2
    )
    assert (len(learnt.photos), learnt.references) == (2, frozenset())
    moved = tmp_path / "moved"
    moved.mkdir()
    for value in range(4):
        (tmp_path / f"{value}.png").rename(moved / f"photo {value}.png")
    images = [image(f"photo {value}.png") for value in (3, 2, 1, 0)]
    other = dataset(moved, *images, image("missing.png"), name="koniq10k")
    assert learnt.photos_among(other, range(5), workers=2) == {0, 2}
    assert learnt.photos_among(other, (1, 2), workers=1) == {2}


def test_references_are_known_by_name_in_their_data_set_and_in_all_tables_of_ones_own(
    tmp_path: Path,
) -> None:
    grey_png(tmp_path / "a.png", 0)

    def known(name: str, other: str, *images: RatedImage) -> frozenset[int]:
        learnt = learnt_from(dataset(tmp_path, image("a.png", "I01"), name=name), (0,), workers=1)
        return learnt.references_among(dataset(tmp_path, *images, name=other), range(len(images)))

    images = (image("b.png", "i01"), image("c.png", "i02"), image("d.png"))
    assert known("tid2013", "tid2013", *images) == {0}
    assert known("tid2013", "kadid10k", *images) == set()
    assert known("csv:train.csv", "csv:test.csv", *images) == {0}
    assert known("csv:train.csv", "tid2013", *images) == set()


def test_a_scene_is_no_reference_of_its_name() -> None:
    scene, reference = (
        reference_hashes(one, dataset="biq2021")
        for one in (image("a", scene="x"), image("a", reference="x"))
    )
    assert len(scene) == len(reference) == 1 and scene != reference
    assert reference_hashes(image("a", "x", "x"), dataset="biq2021") == scene | reference
    assert reference_hashes(image("a"), dataset="biq2021") == frozenset()


def test_a_photo_that_is_gone_cannot_be_recorded(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*a.png: weights name the photos"):
        learnt_from(dataset(tmp_path, image("a.png")), (0,), workers=1)


def test_what_two_checkpoints_learnt_from_is_a_union() -> None:
    one, other = (
        Learnt(frozenset({h}), frozenset({h}), (n,)) for h, n in ((b"1", "b"), (b"2", "a"))
    )
    both = frozenset({b"1", b"2"})
    assert one | other == other | one == Learnt(both, both, ("a", "b"))
