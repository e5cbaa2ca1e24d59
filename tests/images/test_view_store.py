import dataclasses
from pathlib import Path

import numpy as np
import pytest
from biqa_cli.training.photos import PhotoStore, prepare_photos
from fakes import photo

from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.errors import UsageError
from biqa_cli.images.reading import read_photo
from biqa_cli.images.transforms import model_view
from biqa_cli.training import photos

SCALE = LabelScale(0, 1, higher_is_better=True, meaning="MOS")


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    images = []
    for number in range(6):
        photo(90, 70, seed=number).save(tmp_path / f"{number}.jpg", quality=95)
        images.append(RatedImage(f"{number}.jpg", mos=number / 6))
    return Dataset("mini", tmp_path, "authentic", SCALE, tuple(images))


@pytest.fixture
def two_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "_PART_BYTES", 2 * 3 * 32 * 40 + 1)


def prepare(dataset: Dataset, *, limit: int | None = None) -> PhotoStore | None:
    return prepare_photos(
        dataset,
        range(len(dataset.images)),
        dataset.root / "store",
        size=(32, 40),
        workers=2,
        go_on=lambda done, _: limit is None or done < limit,
    )


def stored(dataset: Dataset) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in dataset.root.glob("store/*/*.npy")}


def test_a_view_is_what_scoring_makes_of_the_photo(dataset: Dataset) -> None:
    store = prepare(dataset)
    assert store is not None
    image = read_photo(dataset.file(3), at_least=(64, 80)).image
    zero = (0.0, 0.0, 0.0)
    view = model_view(image, height=32, width=40, mean=zero, std=(1.0, 1.0, 1.0))
    assert np.allclose(store.view(3).transpose(2, 0, 1) / 255, view, atol=1e-6)


@pytest.mark.usefixtures("two_a_part")
def test_what_is_decoded_is_not_decoded_again_unless_its_file_changes(dataset: Dataset) -> None:
    prepare(dataset)
    before = stored(dataset)
    assert len(before) == 3
    prepare(dataset)
    assert stored(dataset) == before
    photo(120, 120, seed=9).save(dataset.file(3))
    store = prepare(dataset)
    changed = [name for name, time in stored(dataset).items() if time != before[name]]
    assert changed == ["part-0001.npy"]
    assert store is not None and store.rows[3] == (1, 1)


@pytest.mark.usefixtures("two_a_part")
def test_a_preparation_that_is_stopped_goes_on_where_it_was(dataset: Dataset) -> None:
    assert prepare(dataset, limit=2) is None
    first = stored(dataset)
    assert list(first) == ["part-0000.npy"]
    assert prepare(dataset) is not None
    assert stored(dataset).items() >= first.items() and len(stored(dataset)) == 3


def test_broken_photos_are_named_and_have_no_view(dataset: Dataset) -> None:
    dataset.file(1).write_bytes(b"")
    dataset.file(2).unlink()
    store = prepare(dataset)
    assert store is not None
    assert store.broken == {1: "the file is empty", 2: "no such file"}
    assert sorted(store.rows) == [0, 3, 4, 5]


def test_a_photo_that_is_gone_is_taken_from_the_store(dataset: Dataset) -> None:
    before = prepare(dataset)
    dataset.file(4).unlink()
    after = prepare(dataset)
    assert before is not None and after is not None
    assert np.array_equal(before.view(4), after.view(4))


def test_another_size_and_another_list_have_stores_of_their_own(dataset: Dataset) -> None:
    prepare(dataset)
    prepare(dataclasses.replace(dataset, images=dataset.images[:5]))
    assert len(list(dataset.root.glob("store/*"))) == 2


def test_no_readable_photo_at_all_is_an_error(dataset: Dataset) -> None:
    for index in range(6):
        dataset.file(index).write_bytes(b"?")
    with pytest.raises(UsageError, match="no photo can be read: 0.jpg: not an image"):
        prepare(dataset)


def test_a_folder_that_cannot_be_written_is_an_error(dataset: Dataset) -> None:
    (dataset.root / "store").write_text("a file")
    with pytest.raises(UsageError, match="cannot keep decoded photos in"):
        prepare(dataset)
