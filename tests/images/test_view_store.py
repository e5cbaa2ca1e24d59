import re
from pathlib import Path

import numpy as np
import pytest
from fakes import photo

from biqa_cli.errors import UsageError
from biqa_cli.images.reading import read_photo
from biqa_cli.images.transforms import ViewSize, resized
from biqa_cli.images.view_store import ViewStore, store_name, store_views

SIZE = ViewSize(32, 40)


@pytest.fixture
def files(tmp_path: Path) -> dict[int, Path]:
    """Six photos under the numbers 10 to 60."""
    found = {}
    for number in range(6):
        found[10 * number + 10] = tmp_path / f"{number}.jpg"
        photo(90, 70, seed=number).save(tmp_path / f"{number}.jpg", quality=95)
    return found


@pytest.fixture(autouse=True)
def two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("biqa_cli.images.view_store._AT_ONCE", 2)


class StoppedError(Exception):
    """Somebody wants no more photos now."""


def whole(files: dict[int, Path], *, limit: int = 100) -> ViewStore:
    def tell(done: int, _total: int) -> None:
        if done >= limit:
            raise StoppedError

    home = next(iter(files.values())).parent / "store"
    return store_views(files, home, size=SIZE, workers=2, tell=tell)


def view_of(file: Path) -> np.ndarray:
    image = read_photo(file, at_least=(64, 80)).image
    return resized(image, height=32, width=40) / 255


def test_a_view_is_what_scoring_makes_of_the_photo(files: dict[int, Path]) -> None:
    store = whole(files)
    for number, file in files.items():
        assert np.allclose(store.view(number) / 255, view_of(file), atol=1e-6)


@pytest.mark.parametrize("size", [(200, 150), (400, 150), (160, 300), (330, 135)])
def test_a_jpeg_is_decoded_at_twice_the_view_in_both_directions(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    # Codecs halve: another margin, or one side without, would give other pixels.
    photo(*size).save(tmp_path / "large.jpg", quality=95)
    files = {7: tmp_path / "large.jpg"}
    assert np.allclose(whole(files).view(7) / 255, view_of(files[7]), atol=1e-6)


def test_photos_are_decoded_once(files: dict[int, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    before = np.array(whole(files).pixels)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr("biqa_cli.images.view_store.read_photo", refuse)
    assert np.array_equal(whole(files).pixels, before)


def test_a_file_of_another_length_is_decoded_again(files: dict[int, Path]) -> None:
    before = np.array(whole(files).pixels)
    photo(120, 120, seed=9).save(files[40])
    after = whole(files)
    assert np.allclose(after.view(40) / 255, view_of(files[40]), atol=1e-6)
    assert not np.array_equal(after.view(40), before[3])
    assert np.array_equal(after.view(10), before[0])


def test_a_pass_that_is_stopped_goes_on_where_it_was(
    files: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoppedError):
        whole(files, limit=2)
    read: list[Path] = []

    def note(file: Path, **sizes: tuple[int, int]) -> object:
        read.append(file)
        return read_photo(file, **sizes)

    monkeypatch.setattr("biqa_cli.images.view_store.read_photo", note)
    store = whole(files)
    assert sorted(read) == [files[number] for number in (30, 40, 50, 60)]
    assert all(np.allclose(store.view(n) / 255, view_of(f), atol=1e-6) for n, f in files.items())


def test_broken_photos_are_named_and_have_no_view(files: dict[int, Path]) -> None:
    files[20].write_bytes(b"")
    files[30].unlink()
    for _ in range(2):
        store = whole(files)
        assert store.broken == {20: "the file is empty", 30: "no such file"}
        assert sorted(store.rows) == [10, 40, 50, 60]
        assert np.allclose(store.view(40) / 255, view_of(files[40]), atol=1e-6)


def test_a_photo_that_is_gone_is_taken_from_the_store(files: dict[int, Path]) -> None:
    before = np.array(whole(files).view(50))
    files[50].unlink()
    assert np.array_equal(whole(files).view(50), before)


def test_no_readable_photo_at_all_is_an_error(files: dict[int, Path]) -> None:
    for file in files.values():
        file.write_bytes(b"?")
    with pytest.raises(UsageError, match="no photo can be read: .*0.jpg: not an image"):
        whole(files)


def test_a_folder_that_cannot_be_written_is_an_error(files: dict[int, Path]) -> None:
    (files[10].parent / "store").write_text("a file")
    with pytest.raises(UsageError, match="cannot write"):
        whole(files)


def test_another_size_another_list_and_another_label_have_folders_of_their_own() -> None:
    names = {
        store_name("koniq", ["a", "b"], ViewSize(32, 40)),
        store_name("koniq", ["a", "b"], ViewSize(40, 32)),
        store_name("koniq", ["a", "b"], ViewSize(32, 40, keeps_aspect=True)),
        store_name("koniq", ["a"], ViewSize(32, 40)),
        store_name("koniq", ["a", "c"], ViewSize(32, 40)),
        store_name("csv:../x", ["a", "b"], ViewSize(32, 40)),
    }
    assert len(names) == 6 and not any("/" in name or ":" in name for name in names)
    assert store_name("koniq", ["a", "b"], ViewSize(32, 40)) in names
    assert all(re.fullmatch(r".+-[0-9]+x[0-9]+-[0-9a-f]{12}", name) for name in names)


def test_a_pass_that_is_killed_while_it_takes_notes_goes_on(
    files: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = 0

    def die_at_the_second(descriptor: int) -> None:
        nonlocal writes
        writes += 1
        if writes == 2:
            raise KeyboardInterrupt(descriptor)

    monkeypatch.setattr("os.fsync", die_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        whole(files)
    store = whole(files)
    assert all(np.allclose(store.view(n) / 255, view_of(f), atol=1e-6) for n, f in files.items())
