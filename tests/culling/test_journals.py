from pathlib import Path

import pytest

from biqa_cli.culling import journals
from biqa_cli.culling.actions import How, Transfer
from biqa_cli.culling.journal import create, writing
from biqa_cli.errors import UsageError


def test_an_interrupted_run_over_some_photos_is_in_the_way(tmp_path: Path) -> None:
    folder, photos = journals.journals_folder(), tmp_path / "photos"
    folder.mkdir(parents=True)
    (folder / "other.jsonl").write_bytes(b"noise")
    path = folder / "1.jsonl"
    create(path, [Transfer(How.move, photos / "a.jpg", tmp_path / "r" / "a.jpg")])
    for root in (tmp_path, photos, tmp_path / "r"):
        with pytest.raises(UsageError, match=r"interrupted: `biqa cull --finish .*--undo .*`"):
            journals.refuse_beside_others([root])
    journals.refuse_beside_others([tmp_path / "photos2"])
    with writing(path) as writer:
        writer.end("finished")
    journals.refuse_beside_others([tmp_path])


def test_a_run_that_is_at_work_is_waited_for(tmp_path: Path) -> None:
    path = journals.journals_folder() / "1.jsonl"
    create(path, [Transfer(How.move, tmp_path / "a.jpg", tmp_path / "r" / "a.jpg")])
    with (
        writing(path),
        pytest.raises(UsageError, match=r"another run .* works on .*again when it has ended"),
    ):
        journals.refuse_beside_others([tmp_path])


def test_an_undo_that_was_interrupted_is_in_the_way_until_it_has_ended(tmp_path: Path) -> None:
    path = journals.journals_folder() / "1.jsonl"
    create(path, [Transfer(How.move, tmp_path / "a.jpg", tmp_path / "r" / "a.jpg")] * 9)
    for end in ("undone", "undone in part"):
        with writing(path) as writer:
            for number in range(9):
                writer.begin(number, None)
            writer.end("finished")
        journals.refuse_beside_others([tmp_path])
        for after in range(9):
            with writing(path) as writer:
                if after == 0:
                    writer.end("undoing")
                else:
                    writer.back(after)
            with pytest.raises(UsageError, match=r"the undo of .* interrupted: `biqa cull --undo"):
                journals.refuse_beside_others([tmp_path])
        with (
            writing(path) as writer,
            pytest.raises(UsageError, match=r"another run .* works on .*again when it has ended"),
        ):
            journals.refuse_beside_others([tmp_path])
        with writing(path) as writer:
            writer.end(end)
        journals.refuse_beside_others([tmp_path])


def test_a_journal_elsewhere_is_found_as_long_as_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "mine" / "j.txt"
    create(path, [Transfer(How.move, tmp_path / "a.jpg", tmp_path / "r" / "a.jpg")])
    journals.note_elsewhere(path)
    (journals.journals_folder() / "x.elsewhere.json").write_text("[]")
    with pytest.raises(UsageError, match=r"j\.txt"):
        journals.refuse_beside_others([tmp_path])
    path.unlink()
    journals.refuse_beside_others([tmp_path])


def test_one_run_plans_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "_PATIENCE", 0.05)
    with (
        journals.alone(),
        pytest.raises(UsageError, match="another run of biqa plans"),
        journals.alone(),
    ):
        pass
    with journals.alone():
        pass


def test_new_journals_have_names_of_their_own() -> None:
    names = {journals.new_journal_path() for _ in range(20)}
    assert len(names) > 15 and all(path.suffix == ".jsonl" for path in names)


def test_without_a_home_the_folder_of_journals_must_be_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_home(_: str) -> Path:
        raise RuntimeError

    monkeypatch.delenv("BIQA_JOURNALS")
    monkeypatch.setattr(journals.platformdirs, "user_state_path", no_home)
    with pytest.raises(UsageError, match="name one in BIQA_JOURNALS"):
        journals.new_journal_path()
    journals.refuse_beside_others([Path("/")])
