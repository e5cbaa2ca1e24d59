"""Files that are whole or not there."""

import errno
import os
import threading
from pathlib import Path
from typing import IO

import pytest

from biqa_cli import whole_files
from biqa_cli.errors import OutputError, UsageError
from biqa_cli.whole_files import (
    open_appended,
    open_output,
    replace_appended,
    require_writable,
    write_whole,
)


def test_a_file_is_whole_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file"
    write_whole(target, "first")

    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OutputError, match="cannot write .*: No space left on device"):
        write_whole(target, "second")
    assert target.read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_its_folder_is_made(tmp_path: Path) -> None:
    write_whole(tmp_path / "new" / "file", b"\xff")
    assert (tmp_path / "new" / "file").read_bytes() == b"\xff"
    with pytest.raises(UsageError, match="cannot write"):
        write_whole(tmp_path / "new" / "file" / "below", "")


def test_whether_a_file_can_be_written_is_known_before_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("kept")
    require_writable(tmp_path / "old")
    require_writable(tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_text() == "kept"
    for path, message in (
        (tmp_path, "it is a folder: name a file in it"),
        (tmp_path / "old" / "below", "old is a file, not a folder"),
    ):
        with pytest.raises(UsageError, match=message):
            require_writable(path)
    require_writable(Path(os.devnull))


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    first, second = open_output(tmp_path / "file"), open_output(tmp_path / "file")
    assert first.partial != second.partial
    first.file.write(b"a long first content")
    second.file.write(b"second")
    second.finish()
    first.finish()
    assert (tmp_path / "file").read_bytes() == b"a long first content"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "file")
    write_whole(tmp_path / "link", "content")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "file").read_text() == "content"


def test_a_pipe_is_written_through(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, "content")
    reader.join(10)
    assert read == [b"content"] and pipe.is_fifo()


@pytest.mark.parametrize("name", ["loop", "folder", "a" * 300, "nul\0"])
def test_a_name_that_does_not_do_is_the_users_fault(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="^cannot write "):
        write_whole(tmp_path / name, "")


def test_a_full_device_is_not() -> None:
    with pytest.raises(OutputError, match="cannot write /dev/full: No space left on device"):
        write_whole(Path("/dev/full"), "content")


def test_what_is_added_to_a_file_comes_after_what_stays(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"one\ntw")
    output = open_appended(path, after=4, length=6)
    output.file.write(b"two\n")
    output.finish()
    assert path.read_bytes() == b"one\ntwo\n"
    path.write_bytes(b"one")
    output = open_appended(path, after=3, length=3, lacks_line_end=True)
    output.file.write(b"two\n")
    output.finish()
    assert path.read_bytes() == b"one\ntwo\n"


def test_no_two_add_to_one_file_at_once(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    path = tmp_path / "rows"
    first = open_appended(path, after=0, length=0)
    with pytest.raises(UsageError, match="another run adds to .*rows: nothing was written"):
        open_appended(path, after=0, length=0)
    first.file.write(b"one\n")
    first.finish()
    assert path.read_bytes() == b"one\n"
    open_appended(path, after=4, length=4).finish()


def test_what_was_added_since_a_file_was_read_is_not_deleted(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"one\ntwo\n")
    with pytest.raises(UsageError, match="run this one again"):
        open_appended(path, after=4, length=4)
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_file_that_was_written_anew_is_not_added_to_under_its_old_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"one\n")
    locked = whole_files._locked  # noqa: SLF001  what happens between opening and locking

    def late(file: IO[bytes]) -> bool:
        write_whole(path, b"new\n")
        return locked(file)

    monkeypatch.setattr(whole_files, "_locked", late)
    with pytest.raises(UsageError, match="another run adds to"):
        open_appended(path, after=4, length=4)
    assert path.read_bytes() == b"new\n"


def test_a_file_that_cannot_be_written_anew_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows"
    output = open_appended(path, after=0, length=0)
    output.file.write(b"one\ntwo\n")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_appended(output, lambda content: content[4:])
    output.finish()
    assert path.read_bytes() == b"one\ntwo\n"
    assert list(tmp_path.iterdir()) == [path]
