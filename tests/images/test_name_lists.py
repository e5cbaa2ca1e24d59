import io
import os
import sys
from pathlib import Path

import pytest

from biqa_cli.errors import UsageError
from biqa_cli.images import name_lists
from biqa_cli.images.name_lists import is_regular, read_names, require_readable


def test_lists_are_split_at_lines_or_at_nul(tmp_path: Path) -> None:
    listing = tmp_path / "list"
    listing.write_bytes(b"a.png\r\nb b.png\n\nc\xff.png")
    assert list(read_names(str(listing))) == ["a.png", "b b.png", os.fsdecode(b"c\xff.png")]
    listing.write_bytes(b"a\nb.png\0c.png\0")
    assert list(read_names(str(listing), nul_separated=True)) == ["a\nb.png", "c.png"]


def test_names_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a.png\nb.png\n")))
    assert list(read_names("-")) == ["a.png", "b.png"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("chunk", [1, 2, 3, 1 << 16])
def test_a_list_may_begin_with_the_mark_of_its_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, chunk: int
) -> None:
    monkeypatch.setattr(name_lists, "_CHUNK", chunk)
    text = "é.png\r\n写真.png\r\n" if encoding != "utf-16-le" else "é.png\r\n写真.png"
    mark = "\ufeff" if encoding.endswith(("le", "be")) else ""
    (tmp_path / "list").write_bytes((mark + text).encode(encoding))
    assert list(read_names(str(tmp_path / "list"))) == ["é.png", "写真.png"]


def test_an_empty_list_has_no_names(tmp_path: Path) -> None:
    for content in (b"", b"\n\r\n", b"\xef\xbb\xbf", b"\xff\xfe"):
        (tmp_path / "list").write_bytes(content)
        assert list(read_names(str(tmp_path / "list"))) == []


def test_names_come_one_by_one_from_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    for end, nul in ((b"\n", False), (b"\0", True)):
        reader, writer = os.pipe()
        with os.fdopen(reader) as pipe:
            monkeypatch.setattr(sys, "stdin", pipe)
            names = read_names("-", nul_separated=nul)
            for name in ("a.png", "b.png"):
                os.write(writer, name.encode() + end)
                # Blocks for ever where the reader waits for more.
                assert next(names) == name
            os.close(writer)
            assert list(names) == []


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_a_list_that_no_file_can_be_says_so(name: str) -> None:
    with pytest.raises(UsageError, match="cannot read the list of files"):
        list(read_names(name))


def test_a_missing_list_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the list of files .*No such file"):
        list(read_names(str(tmp_path / "none")))


def test_a_list_that_cannot_be_read_is_told_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("a.png")
    require_readable(str(tmp_path / "list"))
    with pytest.raises(UsageError, match="cannot read the list of files .*No such file"):
        require_readable(str(tmp_path / "none"))
    with pytest.raises(UsageError, match="cannot read the list of files .*directory"):
        require_readable(str(tmp_path))


def test_what_can_be_read_only_once_is_not_opened_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(sys, "stdin", None)
    # An opened pipe waits for its writer.
    for source in ("-", str(tmp_path / "pipe")):
        monkeypatch.setattr(name_lists, "read_names", None)
        require_readable(source)


def test_only_a_file_on_the_disk_can_be_read_twice(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("a.png")
    os.mkfifo(tmp_path / "pipe")
    sources = ["-", "/dev/null", *(str(tmp_path / name) for name in ("pipe", "none", "list"))]
    assert [is_regular(source) for source in sources] == [False, False, False, False, True]
