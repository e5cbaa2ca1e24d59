import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rated_photos import loaded, rated_greys
from tiny_training import Listener, quick_recipe, request

from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.datasets.splits import Split, split_of_parts
from biqa_cli.distortions.examples import Clean
from biqa_cli.errors import UsageError
from biqa_cli.images.view_store import ViewStore
from biqa_cli.training.photos import (
    clean_photos,
    decoded,
    distortion_types,
    other_photos,
    rated_photos,
)


@pytest.mark.parametrize("better", [True, False])
def test_labels_of_another_data_set_rise_where_those_of_the_first_do(
    tmp_path: Path, *, better: bool
) -> None:
    labels = {value: float(value) for value in range(0, 100, 10)}
    first = loaded(rated_greys(tmp_path, labels))
    scale = replace(first.scale, lowest=0, highest=100, higher_is_better=better)
    other = replace(first, name="csv:other", scale=scale)
    asked = request(first, quick_recipe("also.weight=1"), tmp_path / "out", also=(other,))
    ((found, photos),) = other_photos(asked, math.inf, Listener())
    assert found is other and len(photos.indices) == 5
    shares = [other.images[index].mos / 100 for index in photos.indices]
    expected = shares if better else [1 - share for share in shares]
    assert photos.labels.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("whole", [True, False])
def test_photos_that_are_tested_are_decoded_where_they_are_scored_too(
    tmp_path: Path, *, whole: bool
) -> None:
    data = loaded(rated_greys(tmp_path, {value: float(value) for value in range(0, 80, 10)}))
    asked = request(data, quick_recipe(), tmp_path / "out", whole=whole)
    found = decoded(asked, split_of(data), math.inf, Listener())
    # Number 7 is tested.
    assert set(found.rows) == set(range(8 if whole else 7))


def test_photos_without_flaws_are_found_with_their_size(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(np.zeros((60, 90, 3), np.uint8)).save(photo)
    assert clean_photos([tmp_path]) == ((Clean(photo, 5400),),)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="has no photos"):
        clean_photos([tmp_path / "empty"])
    (tmp_path / "broken.png").write_bytes(photo.read_bytes()[:70])
    with pytest.raises(UsageError, match=r"broken\.png: .* take it out"):
        clean_photos([tmp_path])


DMOS = LabelScale(20, 60, higher_is_better=False, meaning="DMOS")


def dataset(labels: list[float], kinds: list[str | None] | None = None) -> Dataset:
    images = tuple(
        RatedImage(f"{n}.png", mos=label, distortion=kinds[n] if kinds else None)
        for n, label in enumerate(labels)
    )
    return Dataset("mini", Path(), "authentic", DMOS, images)


def split_of(data: Dataset) -> Split:
    parts = {"train": (0, 1, 2, 3), "val": (4, 5, 6), "test": (7,)}
    return split_of_parts(data, parts, protocol="image", seed=0)


def store(*, without: tuple[int, ...] = ()) -> ViewStore:
    rows = {n: n for n in range(8) if n not in without}
    return ViewStore(Path(), np.zeros((8, 2, 2, 3), np.uint8), rows, dict.fromkeys(without, "bad"))


LABELS = [20.0, 60.0, 30.0, 40.0, 50.0, 20.0, 25.0, 60.0]


def test_broken_photos_have_no_label() -> None:
    data = dataset(LABELS)
    photos = rated_photos(data, split_of(data), store(without=(1,)), labels="native")
    assert photos.indices == (0, 2, 3) and photos.labels.tolist() == [20, 30, 40]
    assert photos.val == (4, 5, 6) and photos.val_labels.tolist() == [50, 20, 25]
    assert photos.types.tolist() == [-1, -1, -1]
    assert [photos.index_of(sample) for sample in range(4)] == [0, 2, 3, 0]


@pytest.mark.parametrize(
    ("labels", "without", "text"),
    [
        ([30.0] * 4 + LABELS[4:], (), "4 training photos cannot be ordered"),
        (LABELS[:4] + [30.0] * 3 + [60.0], (), "3 validation photos cannot be ordered"),
        (LABELS, (4,), "2 validation photos .* fewer than 3, .*1 photos are broken"),
        (LABELS, (0, 1), "2 training photos .* fewer than 3, .*2 photos are broken"),
    ],
)
def test_photos_that_cannot_be_ordered_are_refused(
    labels: list[float], without: tuple[int, ...], text: str
) -> None:
    data = dataset(labels)
    with pytest.raises(UsageError, match=text):
        rated_photos(data, split_of(data), store(without=without), labels="unit")


def test_types_count_where_every_photo_that_trains_or_validates_has_one() -> None:
    kinds: list[str | None] = ["noise", "blur", "noise", "jpeg", "blur", "blur", "noise", None]
    data = dataset(LABELS, kinds)
    assert distortion_types(data, split_of(data)) == ("blur", "jpeg", "noise")
    photos = rated_photos(data, split_of(data), store(), labels="unit")
    assert photos.types.tolist() == [2, 0, 2, 1]
    assert distortion_types(dataset(LABELS, [*kinds[:6], None, None]), split_of(data)) == ()
