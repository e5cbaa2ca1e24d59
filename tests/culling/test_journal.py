import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biqa_cli.culling import journal as journals
from biqa_cli.culling.actions import Action, How, MakeFolder, Transfer, WriteSidecar
from biqa_cli.errors import UsageError

_ACTIONS: list[Action] = [
    MakeFolder(Path("/p/new")),
    WriteSidecar(Path("/p/\udcff.xmp"), b"\0new", b"", 5),
    WriteSidecar(Path("/p/ü\n.xmp"), b"new"),
    Transfer(How.move, Path("/p/a.jpg"), Path("/p/new/a.jpg"), 12),
]


def test_a_journal_says_what_was_planned_begun_and_ended(tmp_path: Path) -> None:
    path = tmp_path / "a" / "j.jsonl"
    written = journals.create(path, _ACTIONS)
    assert journals.read(path) == written
    assert written.actions == tuple(_ACTIONS) and written.is_unfinished
    with journals.writing(path) as writer:
        writer.begin(0)
        writer.begin(1)
    assert journals.read(path).begun == 2
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
        writer.begin(0)
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


def test_the_interrupted_run_over_some_photos_is_found(tmp_path: Path) -> None:
    folder = journals.journals_folder()
    photos = tmp_path / "photos"
    photos.mkdir()
    (folder / "other.jsonl").write_bytes(b"noise")
    path = folder / "1.jsonl"
    move = Transfer(How.move, photos / "a.jpg", tmp_path / "r" / "a.jpg", 1)
    journals.create(path, [move])
    assert journals.unfinished_below([tmp_path]) == path
    assert journals.unfinished_below([photos]) == path
    assert journals.unfinished_below([tmp_path / "r", tmp_path / "photos2"]) is None
    with journals.writing(path) as writer:
        writer.end("finished")
    assert journals.unfinished_below([tmp_path]) is None


def test_new_journals_have_names_of_their_own() -> None:
    names = {journals.new_journal_path() for _ in range(20)}
    assert len(names) > 15 and all(path.suffix == ".jsonl" for path in names)


def test_without_a_home_a_journal_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home(_: str) -> Path:
        raise RuntimeError

    monkeypatch.delenv("BIQA_JOURNALS")
    monkeypatch.setattr(journals.platformdirs, "user_state_path", no_home)
    with pytest.raises(UsageError, match="name a file with --journal"):
        journals.new_journal_path()
    assert journals.unfinished_below([Path("/")]) is None
