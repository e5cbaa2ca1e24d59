from pathlib import Path

import numpy as np
import pytest

from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.datasets.splits import Split, split_of_parts
from biqa_cli.errors import UsageError
from biqa_cli.images.view_store import ViewStore
from biqa_cli.recipes.network import score_scale
from biqa_cli.training.labels import distortion_types, rated_photos, scaled_labels

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


def test_labels_are_laid_on_the_recipes_scale_and_never_flipped() -> None:
    data = dataset(LABELS)
    wanted = (0, 1, 2)
    assert scaled_labels(data, wanted, labels="native").tolist() == [20, 60, 30]
    assert scaled_labels(data, wanted, labels="unit").tolist() == [0, 1, 0.25]
    assert scaled_labels(data, wanted, labels="percent").tolist() == [0, 100, 25]
    scale = score_scale(data, labels="unit")
    assert (scale.lowest, scale.highest, scale.higher_is_better) == (0, 1, False)
    assert scale.meaning == "DMOS of mini, from 0 to 1"
    assert score_scale(data, labels="native").meaning == "DMOS of mini"


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
