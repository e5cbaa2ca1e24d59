import io
import os
import sys
from pathlib import Path

import pytest

from biqa_cli.errors import UsageError
from biqa_cli.images.discovery import find_images
from biqa_cli.images.name_lists import read_names


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


def test_lists_are_split_at_lines_or_at_nul(tmp_path: Path) -> None:
    listing = tmp_path / "list"
    listing.write_bytes(b"a.png\r\nb b.png\n\nc\xff.png")
    assert list(read_names(str(listing))) == ["a.png", "b b.png", os.fsdecode(b"c\xff.png")]
    listing.write_bytes(b"a\nb.png\0c.png\0")
    assert list(read_names(str(listing), nul_separated=True)) == ["a\nb.png", "c.png"]


def test_names_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a.png\nb.png\n")))
    assert list(read_names("-")) == ["a.png", "b.png"]


def test_a_missing_list_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the list of files .*No such file"):
        list(read_names(str(tmp_path / "none")))


def test_a_broken_link_is_found_so_that_its_row_can_say_so(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").symlink_to(tmp_path / "gone.jpg")
    assert _names(find_images([str(tmp_path)]), tmp_path) == ["broken.jpg"]
