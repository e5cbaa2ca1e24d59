import inspect
import os
import sys
import time
from pathlib import Path

import pytest

from biqa_cli.errors import UsageError
from biqa_cli.images.discovery import find_images, time_of


def _touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def _names(found: object, root: Path) -> list[str]:
    return [os.path.relpath(name, root) for name in found]  # type: ignore[attr-defined]


def test_a_folder_yields_its_photos_sorted_and_its_folders_after(tmp_path: Path) -> None:
    _touch(*(tmp_path / name for name in ("b.JPG", "a.png", "notes.txt", "0/c.webp")))
    assert _names(find_images([str(tmp_path)]), tmp_path) == ["a.png", "b.JPG", "0/c.webp"]


def test_without_recursion_folders_inside_are_left_alone(tmp_path: Path) -> None:
    _touch(tmp_path / "a.png", tmp_path / "sub" / "b.png")
    assert _names(find_images([str(tmp_path)], recursive=False), tmp_path) == ["a.png"]


def test_a_link_to_the_folder_itself_is_not_followed(tmp_path: Path) -> None:
    _touch(tmp_path / "a.png")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert _names(find_images([str(tmp_path)]), tmp_path) == ["a.png"]


def test_a_file_with_several_names_is_found_once(tmp_path: Path) -> None:
    _touch(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
    os.link(tmp_path / "a.png", tmp_path / "c.png")
    inputs = [str(tmp_path), str(tmp_path / "a.png")]
    assert _names(find_images(inputs), tmp_path) == ["a.png"]


def test_a_named_file_is_found_whatever_its_suffix_and_even_if_it_is_missing(
    tmp_path: Path,
) -> None:
    _touch(tmp_path / "photo.weird")
    inputs = [str(tmp_path / "photo.weird"), str(tmp_path / "gone.jpg")]
    assert list(find_images(inputs)) == inputs


def test_a_pipe_in_a_folder_is_not_a_photo(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert list(find_images([str(tmp_path)])) == []


def test_a_broken_link_is_found_so_that_its_row_can_say_so(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").symlink_to(tmp_path / "gone.jpg")
    assert _names(find_images([str(tmp_path)]), tmp_path) == ["broken.jpg"]


def test_a_link_to_itself_and_one_into_nowhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    (tmp_path / "file").touch()
    (tmp_path / "through.jpg").symlink_to(tmp_path / "file" / "below.jpg")
    _touch(tmp_path / "z.png")
    found = _names(find_images([str(tmp_path)]), tmp_path)
    assert found == ["loop.jpg", "through.jpg", "z.png"]
    assert list(find_images([str(tmp_path / "loop.jpg")])) == [str(tmp_path / "loop.jpg")]


@pytest.mark.parametrize("name", ["a" * 300, "a/" * 2500, "a\0b.jpg", "data:image/png;base64,iVBO"])
def test_a_name_that_no_file_has_is_passed_on(name: str) -> None:
    assert list(find_images([name, "x.jpg"])) == [name, "x.jpg"]


def test_folders_may_lie_deeper_than_python_calls_functions(tmp_path: Path) -> None:
    # Deleting the 1,000 levels that the usual limit allows takes seconds.
    deep = tmp_path.joinpath(*200 * "d")
    deep.mkdir(parents=True)
    (deep / "a.png").touch()
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 150)
    try:
        found = list(find_images([str(tmp_path)]))
    finally:
        sys.setrecursionlimit(usual)
    assert found == [str(deep / "a.png")]


def test_files_of_one_inode_are_all_found_where_each_says_it_has_one_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _touch(*(tmp_path / name for name in ("a.png", "b.png", "c.png")))
    (tmp_path / "d.png").symlink_to(tmp_path / "a.png")
    os.link(tmp_path / "c.png", tmp_path / "e.png")
    real = Path.stat

    def stat_of_a_network(self: Path, **options: bool) -> os.stat_result:
        status = real(self, **options)
        return os.stat_result((status.st_mode, 7, *status[2:]))

    monkeypatch.setattr(Path, "stat", stat_of_a_network)
    found = _names(find_images([str(tmp_path), str(tmp_path / "b.png")]), tmp_path)
    assert found == ["a.png", "b.png", "c.png"]


@pytest.mark.parametrize(
    "name", [".Trash-1000", "@eaDir", ".hidden", "#recycle", "$RECYCLE.BIN", "lost+found"]
)
def test_hidden_and_system_folders_are_left_out_unless_named(tmp_path: Path, name: str) -> None:
    _touch(tmp_path / "a.png", tmp_path / name / "b.png", tmp_path / "._a.png")
    assert _names(find_images([str(tmp_path)]), tmp_path) == ["a.png"]
    named = [str(tmp_path / name), str(tmp_path / "._a.png")]
    assert _names(find_images(named), tmp_path) == [f"{name}/b.png", "._a.png"]


def test_patterns_leave_out_files_and_folders_inside_folders(tmp_path: Path) -> None:
    _touch(*(tmp_path / name for name in ("a.png", "a_thumb.png", "raw/b.png", "other/c.png")))
    found = find_images([str(tmp_path)], exclude=["*_thumb.*", "raw"])
    assert _names(found, tmp_path) == ["a.png", "other/c.png"]
    named = str(tmp_path / "a_thumb.png")
    assert list(find_images([named], exclude=["*_thumb.*"])) == [named]


def test_a_hidden_photo_and_links_to_one_are_found(tmp_path: Path) -> None:
    _touch(tmp_path / ".a.png", tmp_path / ".hidden" / "b.png")
    (tmp_path / "c.png").symlink_to(tmp_path / ".hidden" / "b.png")
    assert _names(find_images([str(tmp_path)]), tmp_path) == [".a.png", "c.png"]


def test_only_what_was_changed_later_is_found(tmp_path: Path) -> None:
    for index, name in enumerate(("a.png", "b.png", "c.png")):
        _touch(tmp_path / name)
        os.utime(tmp_path / name, ns=(0, 1000 + index))
    found = find_images([str(tmp_path)], newer_than=1001)
    assert _names(found, tmp_path) == ["c.png"]
    # Named ones too, as by `find -newer`; what is not there has a row that says so.
    named = [str(tmp_path / name) for name in ("a.png", "c.png", "gone.png")]
    assert list(find_images(named, newer_than=1001)) == named[1:]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-29T18:30+00:00", 1795977000),
        ("2026-11-29T18:30:05Z", 1795977005),
        ("20261129T183000+0100", 1795973400),
    ],
)
def test_a_date_is_a_time(text: str, seconds: int) -> None:
    assert time_of(text) == seconds * 1_000_000_000


def test_a_date_alone_is_its_midnight_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC-3")
    time.tzset()
    try:
        assert time_of("2026-11-29") == time_of("2026-11-28T21:00+00:00")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_file_is_the_time_of_its_last_change(tmp_path: Path) -> None:
    _touch(tmp_path / "last")
    os.utime(tmp_path / "last", ns=(5, 1_234_567_890_123_456_789))
    assert time_of(str(tmp_path / "last")) == 1_234_567_890_123_456_789


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "", "a\0b"])
def test_what_is_neither_a_date_nor_a_file_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="neither a date, such as 2026-11-29 or .*, nor a file"):
        time_of(text)
