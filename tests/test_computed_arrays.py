from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from biqa_cli.computed_arrays import Tell, computed_array, tell_nobody
from biqa_cli.errors import UsageError


class StoppedError(Exception):
    """Somebody wants no more rows now."""


class Squares:
    """The squares of row numbers, two a row; takes note of what it reads."""

    def __init__(self, *, fails_at: int | None = None) -> None:
        self.read_rows: list[int] = []
        self.fails_at = fails_at

    def array(self, path: Path, *, tell: Tell = tell_nobody) -> NDArray[np.int64]:
        return computed_array(
            path, 10, read=self.read, compute=self.compute, at_once=4, workers=1, tell=tell
        )

    def read(self, rows: range) -> list[int]:
        self.read_rows += rows
        return list(rows)

    def compute(self, rows: list[int]) -> NDArray[np.int64]:
        if self.fails_at in rows:
            raise KeyboardInterrupt
        return np.array([[row**2, -(row**2)] for row in rows])


EXPECTED = np.array([[row**2, -(row**2)] for row in range(10)])


def test_an_array_is_computed_once(tmp_path: Path) -> None:
    path, first, second = tmp_path / "new" / "squares.npy", Squares(), Squares()
    found = first.array(path)
    assert np.array_equal(found, EXPECTED)
    assert isinstance(found, np.memmap) and first.read_rows == list(range(10))
    again = second.array(path)
    assert np.array_equal(again, EXPECTED) and second.read_rows == []
    assert {file.suffix for file in path.parent.iterdir()} == {".npy", ".lock"}


def test_it_stops_when_told_and_goes_on_behind_the_last_rows(tmp_path: Path) -> None:
    path, told = tmp_path / "squares.npy", list[tuple[int, int]]()

    def stop(done: int, total: int) -> None:
        told.append((done, total))
        if done < total:
            raise StoppedError

    for _ in range(2):
        with pytest.raises(StoppedError):
            Squares().array(path, tell=stop)
        assert not path.exists()
    last = Squares()
    assert np.array_equal(last.array(path, tell=stop), EXPECTED)
    assert last.read_rows == [8, 9] and told == [(4, 10), (8, 10), (10, 10)]


@pytest.mark.parametrize("fails_at", [0, 5, 9])
def test_it_is_whole_or_not_there_after_a_crash(fails_at: int, tmp_path: Path) -> None:
    path = tmp_path / "squares.npy"
    with pytest.raises(KeyboardInterrupt):
        Squares(fails_at=fails_at).array(path)
    assert not path.exists()
    resumed = Squares()
    found = resumed.array(path)
    assert np.array_equal(found, EXPECTED)
    assert resumed.read_rows == list(range(fails_at // 4 * 4, 10))


def test_rows_whose_mark_was_not_written_are_computed_again(tmp_path: Path) -> None:
    path = tmp_path / "squares.npy"
    with pytest.raises(KeyboardInterrupt):
        Squares(fails_at=5).array(path)
    (tmp_path / "squares.done").unlink()
    again = Squares()
    found = again.array(path)
    assert np.array_equal(found, EXPECTED)
    assert again.read_rows == list(range(10))


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(UsageError, match="cannot write .*file: "):
        Squares().array(tmp_path / "file" / "squares.npy")


def test_an_array_whose_rows_are_all_there_gets_its_name(tmp_path: Path) -> None:
    # A run may be killed after the last rows, before it renames the file.
    path, again = tmp_path / "squares.npy", Squares()
    np.save(tmp_path / "squares.partial.npy", EXPECTED)
    (tmp_path / "squares.done").write_text("10")
    found = again.array(path)
    assert np.array_equal(found, EXPECTED) and again.read_rows == []
    assert not (tmp_path / "squares.done").exists()
