"""What a model has learnt from is counted in each part, once."""

from dataclasses import replace
from pathlib import Path

import pytest
from fakes import grey_png

from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.datasets.learnt import Learnt, learnt_from
from biqa_cli.evaluation.parts import choose_parts
from biqa_cli.evaluation.seen import Seen, seen_in_training, unknown_origins
from biqa_cli.weights.manifest import Manifest, TrainingData, load_manifest

SCALE = LabelScale(0, 1, higher_is_better=True, meaning="MOS")
OFFICIAL = ["train"] * 6 + ["test"] * 4
CLEAN = ["dropped"] + ["train"] * 4 + ["val"] + ["test"] * 4
LISTED = replace(
    load_manifest().checkpoints[0],
    name="m",
    training=(TrainingData("biq2021", "clean", ("train",)),),
)


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    """Return ten photos: images 2, 3, 4 are of one scene, and 8 and 9 of another."""
    scenes = "00222567AA"
    images = []
    for i, scene in enumerate(scenes):
        grey_png(tmp_path / f"{i}.png", i)
        image = RatedImage(f"{i}.png", i / 10, scene=scene)
        images.append(replace(image, official_part=OFFICIAL[i], clean_part=CLEAN[i]))
    return Dataset("biq2021", tmp_path, "authentic", SCALE, tuple(images))


def seen(data: Dataset, *splits: str, **known: object) -> list[Seen]:
    parts = [part for split in splits for part in choose_parts(data, split=split, seeds=(1,))]
    return seen_in_training(data, parts, name="own", **known)  # type: ignore[arg-type]


def test_images_that_a_listed_checkpoint_was_trained_on_are_counted(data: Dataset) -> None:
    assert seen(data, "all", "clean:test", checkpoint=LISTED) == [
        Seen(4, 0, ("m was trained on 4 of these 10 images",)),
        Seen(),
    ]
    other = replace(data, name="koniq10k")
    assert seen(other, "all", checkpoint=LISTED) == [Seen()]


def test_photos_and_scenes_of_ones_own_weights_are_counted_in_each_part(data: Dataset) -> None:
    learnt = learnt_from(data, (1, 2, 8), workers=1)
    everything, test, nothing = seen(data, "all", "official:test", "clean:val", learnt=learnt)
    # Image 0 is of the scene of 1, images 3 and 4 of that of 2, and 9 of that of 8.
    assert (everything.images, everything.references) == (3, 4)
    photos, scenes = everything.sentences
    assert photos == "3 of these 10 images were learnt from by own"
    assert scenes == (
        "4 more of these 10 images show, by its name, a reference or a scene that own "
        "has learnt from"
    )
    assert (test.images, test.references) == (1, 1)
    assert nothing == Seen()


def test_images_of_a_reference_alone_are_counted(data: Dataset) -> None:
    learnt = learnt_from(data, (8,), workers=1)
    (data.root / "8.png").unlink()
    (found,) = seen(data, "official:test", learnt=learnt)
    assert (found.images, found.references) == (0, 2)
    assert found.sentences[0].startswith("2 of these 4 images show, by its name, a reference")


def test_what_a_listed_ancestor_was_trained_on_counts_once(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = Manifest("", (LISTED, replace(LISTED, name="n", training=())))
    monkeypatch.setattr("biqa_cli.evaluation.seen.load_manifest", lambda: manifest)
    learnt = learnt_from(data, (4, 8), workers=1) | Learnt(ancestors=("m", "n", "old.safetensors"))
    (found,) = seen(data, "all", learnt=learnt)
    # Images 1 to 4 by the ancestor; 4 and 8 itself.
    assert (found.images, found.references) == (5, 1)
    assert found.sentences[1] == ("m, from which own started, was trained on 4 of these 10 images")
    assert unknown_origins(learnt) == ["n", "old.safetensors"]
