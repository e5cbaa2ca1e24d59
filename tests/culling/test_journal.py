import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biqa_cli.culling import journal as journals
from biqa_cli.culling.actions import Action, How, MakeFolder, Transfer, WriteSidecar
from biqa_cli.culling.placing import Mark
from biqa_cli.errors import OutputError, UsageError

_ACTIONS: list[Action] = [
    MakeFolder(Path("/p/new")),
    WriteSidecar(Path("/p/\udcff.xmp"), b"\0new", b"", 5),
    WriteSidecar(Path("/p/ü\n.xmp"), b"new"),
    Transfer(How.move, Path("/p/a.jpg"), Path("/p/new/a.jpg")),
    Transfer(How.move, Path("/p/a.xmp"), Path("/p/new/a.xmp"), Path("/p/new/a.jpg")),
]


def test_a_journal_says_what_was_planned_begun_and_ended(tmp_path: Path) -> None:
    path = tmp_path / "a" / "j.jsonl"
    written = journals.create(path, _ACTIONS, page={"file": "p.html"})
    assert journals.read(path) == written and written.page == {"file": "p.html"}
    assert written.actions == tuple(_ACTIONS) and written.is_unfinished
    with journals.writing(path) as writer:
        for number in range(4):
            writer.begin(number, Mark(12, 5) if number == 3 else None)
    begun = journals.read(path)
    assert begun.begun == 4 and begun.marks == {3: Mark(12, 5)}
    with journals.writing(path) as writer:
        writer.leave(3)
        writer.back(1)
    assert [number for number, _ in journals.read(path).in_force] == [0, 2]
    with journals.writing(path) as writer:
        writer.end("finished")
    assert not journals.read(path).is_unfinished
    # A second run locks the same file, not a new one of its name.
    lock = path.with_name("j.jsonl.lock").stat()
    with journals.writing(path):
        assert os.path.samestat(path.with_name("j.jsonl.lock").stat(), lock)


def test_a_line_that_was_not_written_to_its_end_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    journals.create(path, _ACTIONS)
    with path.open("ab") as file:
        file.write(b'{"begin": 3')
    assert journals.read(path).begun == 0
    with journals.writing(path) as writer:
        writer.begin(0, None)
    assert journals.read(path).begun == 1


def test_a_plan_that_is_not_whole_is_nothing_to_finish(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    journals.create(path, _ACTIONS)
    whole = path.read_bytes()
    for lines in range(1, 6):
        path.write_bytes(b"".join(whole.splitlines(keepends=True)[:lines]))
        assert not journals.read(path).is_unfinished


@given(st.binary(max_size=200))
def test_what_is_no_journal_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "noise.jsonl"
    path.write_bytes(data)
    with pytest.raises(UsageError, match="not a journal of `biqa cull`"):
        journals.read(path)


@pytest.mark.parametrize(("version", "by"), [(1, "an earlier"), (3, "a later")])
def test_a_journal_of_another_version_is_left_to_the_biqa_that_wrote_it(
    tmp_path: Path, version: int, by: str
) -> None:
    path = tmp_path / "j.jsonl"
    journals.create(path, _ACTIONS)
    written = path.read_bytes().replace(b'"version": 2', b'"version": %d' % version)
    path.write_bytes(written)
    with pytest.raises(UsageError, match=f"written by {by} version of biqa .*undo or finish it"):
        journals.read(path)


def test_a_journal_that_does_not_fit_on_the_disk_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        journals.create(tmp_path / "j.jsonl", _ACTIONS)
    assert list(tmp_path.iterdir()) == []


def test_a_journal_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    path.write_bytes(b"a person's")
    with pytest.raises(UsageError, match="File exists"):
        journals.create(path, _ACTIONS)
    assert path.read_bytes() == b"a person's"
