"""Runs that end at every step at which a program can be killed, finished and undone."""

import errno
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from shoots import tree

from biqa_cli.culling import journal as journals
from biqa_cli.culling.actions import Action, How, MakeFolder, Transfer, WriteSidecar
from biqa_cli.culling.carrying_out import Undone, carry_out, undo
from biqa_cli.culling.journals import journals_folder, note_elsewhere
from biqa_cli.errors import OutputError, UsageError

LONG_AGO = 1_600_000_000_000_000_000

_STEPS: tuple[tuple[Any, str], ...] = (
    *((os, name) for name in ("link", "fsync", "open", "utime")),
    *((Path, name) for name in ("replace", "unlink", "mkdir", "rmdir")),
)


class Killed(BaseException):
    """The process ends here: nothing handles it."""


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    # Whether data is on the disk makes no difference here, and thousands of flushes are slow.
    monkeypatch.setattr(os, "fsync", lambda _: None)


def _kill_at(patch: pytest.MonkeyPatch, step: int) -> None:
    """End the process before its n-th change of a file."""
    left = itertools.count(1)

    def killing(real: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*arguments: Any, **options: Any) -> Any:
            if next(left) == step:
                raise Killed
            return real(*arguments, **options)

        return changed

    for owner, name in _STEPS:
        patch.setattr(owner, name, killing(getattr(owner, name)))


def _other_disk(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let a folder be on another disk, where nothing can be renamed to."""
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if self.is_relative_to(folder) != target.is_relative_to(folder):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return real(self, target)

    patch.setattr(Path, "replace", replace)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "tree" / "photos"
    folder.mkdir(parents=True)
    (folder / "a.jpg").write_bytes(b"a photo")
    (folder / "a.xmp").write_bytes(b"old")
    (folder / "b.jpg").write_bytes(b"another")
    (folder / "empty.wav").touch(mode=0o640)
    os.utime(folder / "empty.wav", ns=(LONG_AGO, LONG_AGO))
    return folder


def _assert_empty_file_is_itself(path: Path) -> None:
    """Check that an empty file has its time and rights, which a reserved name has not."""
    found = path.stat()
    assert (found.st_mtime_ns, found.st_mode & 0o777) == (LONG_AGO, 0o640)


def _actions(photos: Path, how: How) -> list[Action]:
    there = photos.parent / "there"
    return [
        MakeFolder(there),
        WriteSidecar(photos / "a.xmp", b"newer", b"old", 1_700_000_000_000_000_000),
        WriteSidecar(photos / "b.xmp", b"new"),
        Transfer(how, photos / "a.jpg", there / "a.jpg"),
        Transfer(how, photos / "a.xmp", there / "a.xmp", there / "a.jpg"),
        Transfer(how, photos / "empty.wav", there / "empty.wav"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "other_disk"),
    [(How.move, False), (How.move, True), (How.copy, False), (How.link, False)],
)
def test_killed_at_any_step_a_run_can_be_finished_and_undone(
    photos: Path, tmp_path: Path, how: How, other_disk: bool
) -> None:
    root = photos.parent
    before = tree(root)
    finished: dict[str, str] | None = None
    for step in itertools.count(1):
        with pytest.MonkeyPatch.context() as patch:
            if other_disk:
                _other_disk(patch, root / "there")
            for ending in ("undo", "finish"):
                path = tmp_path / f"{step}-{ending}.jsonl"
                written = journals.create(path, _actions(photos, how))
                was_killed = False
                with pytest.MonkeyPatch.context() as killing:
                    _kill_at(killing, step)
                    try:
                        carry_out(written)
                    except Killed:
                        was_killed = True
                if ending == "finish" and was_killed:
                    carry_out(journals.read(path))
                if ending == "finish":
                    finished = finished or tree(root)
                    assert tree(root) == finished
                    _assert_empty_file_is_itself(root / "there" / "empty.wav")
                assert undo(path).problems == ()
                assert tree(root) == before
                _assert_empty_file_is_itself(photos / "empty.wav")
        if not was_killed:
            break
    assert step > 15 and finished is not None and "there/a.jpg" in finished


@pytest.mark.slow
@pytest.mark.parametrize("other_disk", [False, True])
def test_killed_at_any_step_an_undo_can_be_undone_again(
    photos: Path, tmp_path: Path, other_disk: bool
) -> None:
    root = photos.parent
    before = tree(root)
    for step in itertools.count(1):
        with pytest.MonkeyPatch.context() as patch:
            if other_disk:
                _other_disk(patch, root / "there")
            path = tmp_path / f"{step}.jsonl"
            carry_out(journals.create(path, _actions(photos, How.move)))
            was_killed = False
            with pytest.MonkeyPatch.context() as killing:
                _kill_at(killing, step)
                try:
                    assert undo(path).problems == ()
                except Killed:
                    was_killed = True
            if was_killed and journals.read(path).end != "undone":
                assert undo(path).problems == ()
            assert tree(root) == before
            _assert_empty_file_is_itself(photos / "empty.wav")
        if not was_killed:
            break
    assert step > 10


def test_times_of_sidecars_come_back(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    carry_out(journals.create(path, _actions(photos, How.move)))
    assert undo(path).problems == ()
    assert (photos / "a.xmp").stat().st_mtime_ns == 1_700_000_000_000_000_000


def test_a_file_that_came_into_being_is_not_overwritten(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    written = journals.create(path, _actions(photos, How.move))
    there = photos.parent / "there"
    there.mkdir()
    (there / "a.jpg").write_bytes(b"somebody else's")
    with pytest.raises(OutputError, match=r"stopped after 3 of 6 steps: .*a.jpg has come into"):
        carry_out(written)
    assert (there / "a.jpg").read_bytes() == b"somebody else's"
    assert (photos / "a.jpg").read_bytes() == b"a photo"
    # Nothing was done of that step, so nothing of it is left to undo.
    assert undo(path).problems == ()
    assert (there / "a.jpg").read_bytes() == b"somebody else's"
    assert (photos / "a.xmp").read_bytes() == b"old" and not (photos / "b.xmp").exists()


def test_a_run_that_stopped_is_finished_once_its_way_is_free(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    written = journals.create(path, _actions(photos, How.move))
    there = photos.parent / "there"
    there.mkdir()
    (there / "a.xmp").write_bytes(b"newer")
    # It holds the same, and is nevertheless somebody else's.
    with pytest.raises(OutputError, match="once that is mended"):
        carry_out(written)
    (there / "a.xmp").unlink()
    carry_out(journals.read(path))
    assert (there / "a.xmp").read_bytes() == b"newer" and not (photos / "a.xmp").exists()


def test_a_run_that_was_killed_before_it_missed_a_file_is_finished_once_it_is_there(
    photos: Path, tmp_path: Path
) -> None:
    path = tmp_path / "j.jsonl"
    source, target = photos / "c.jpg", photos / "d.jpg"
    journals.create(path, [Transfer(How.move, source, target)])
    with journals.writing(path) as writer:
        writer.begin(0, None)
    with pytest.raises(OutputError, match=r"c.jpg is not there any more"):
        carry_out(journals.read(path))
    source.write_bytes(b"back")
    carry_out(journals.read(path))
    assert target.read_bytes() == b"back" and undo(path).problems == ()
    assert source.read_bytes() == b"back"


def test_a_sidecar_that_changed_meanwhile_is_not_written(photos: Path, tmp_path: Path) -> None:
    written = journals.create(tmp_path / "j.jsonl", _actions(photos, How.move))
    (photos / "a.xmp").write_bytes(b"a person's")
    with pytest.raises(OutputError, match="has changed since it was read"):
        carry_out(written)
    assert (photos / "a.xmp").read_bytes() == b"a person's"


def test_a_moved_file_that_was_emptied_is_not_taken_for_a_reserved_name(
    photos: Path, tmp_path: Path
) -> None:
    path, moved = tmp_path / "j.jsonl", photos.parent / "there" / "a.jpg"
    carry_out(journals.create(path, _actions(photos, How.move)))
    moved.write_bytes(b"")
    first, second = undo(path).problems
    assert "a.xmp stays with its photo" in first and "a.jpg stays: it has changed since" in second
    assert moved.read_bytes() == b"" and not (photos / "a.jpg").exists()


def test_another_file_of_the_name_is_not_taken_for_the_one_that_was_moved(
    photos: Path, tmp_path: Path
) -> None:
    path, there = tmp_path / "j.jsonl", photos.parent / "there"
    carry_out(journals.create(path, _actions(photos, How.move)))
    other = tmp_path / "a.jpg"
    other.write_bytes(b"of another shoot")
    other.replace(there / "a.jpg")
    assert any("another file than was moved" in problem for problem in undo(path).problems)
    assert (there / "a.jpg").read_bytes() == b"of another shoot"
    # What was deleted with the photo that is gone stands alone, and goes back.
    (there / "a.jpg").unlink()
    (problem,) = undo(path).problems
    assert "a.jpg is neither there nor at" in problem
    assert (photos / "a.xmp").read_bytes() == b"old"


def test_another_file_at_the_old_place_is_not_taken_for_the_one_that_was_moved(
    photos: Path, tmp_path: Path
) -> None:
    path, moved = tmp_path / "j.jsonl", photos.parent / "there" / "a.jpg"
    carry_out(journals.create(path, _actions(photos, How.move)))
    moved.rename(tmp_path / "away.jpg")
    (photos / "a.jpg").write_bytes(b"of another shoot")
    (problem,) = undo(path).problems
    assert problem.startswith(f"{photos / 'a.jpg'} stays: it has changed since, or is another")
    assert (photos / "a.jpg").read_bytes() == b"of another shoot"
    # What a person has moved back is back.
    (tmp_path / "away.jpg").replace(photos / "a.jpg")
    assert undo(path) == Undone((), 1, 5)


def test_a_sidecar_that_a_program_has_changed_goes_back_with_its_photo(
    photos: Path, tmp_path: Path
) -> None:
    path, there = tmp_path / "j.jsonl", photos.parent / "there"
    carry_out(journals.create(path, _actions(photos, How.move)))
    (there / "a.xmp").write_bytes(b"developed in another program")
    (problem,) = undo(path).problems
    assert problem == f"{photos / 'a.xmp'} has changed since: it stays as it is"
    assert (photos / "a.xmp").read_bytes() == b"developed in another program"
    assert (photos / "a.jpg").exists() and not (there / "a.xmp").exists()


def test_an_undo_that_is_repeated_tries_only_what_is_left(photos: Path, tmp_path: Path) -> None:
    path, there = tmp_path / "j.jsonl", photos.parent / "there"
    carry_out(journals.create(path, _actions(photos, How.move)))
    (there / "empty.wav").rename(tmp_path / "away.wav")
    once = undo(path)
    (problem,) = once.problems
    assert "empty.wav is neither there nor at" in problem
    assert (once.taken_back, once.before) == (5, 0)
    # What is back is the user's again, to change, move and delete.
    (photos / "a.xmp").write_bytes(b"a person's")
    (photos / "a.jpg").unlink()
    (photos / "b.xmp").write_bytes(b"a person's, too")
    again = undo(path)
    assert (again.problems, again.taken_back, again.before) == ((problem,), 0, 5)
    (tmp_path / "away.wav").rename(photos / "empty.wav")
    assert undo(path) == Undone((), 1, 5)
    assert undo(path) == Undone((), 0, 6)
    assert (photos / "a.xmp").read_bytes() == b"a person's"


@pytest.fixture
def two_runs(photos: Path) -> tuple[Path, Path]:
    """Two runs over the same files, the second over what the first has moved and written."""
    first, second = journals_folder() / "1.jsonl", journals_folder() / "2.jsonl"
    there, elsewhere = photos.parent / "there", photos.parent / "elsewhere"
    carry_out(journals.create(first, _actions(photos, How.move)))
    later: list[Action] = [
        MakeFolder(elsewhere),
        WriteSidecar(photos / "b.xmp", b"newest", b"new", LONG_AGO),
        Transfer(How.move, there / "a.jpg", elsewhere / "a.jpg"),
        Transfer(How.copy, there / "a.xmp", elsewhere / "a.xmp", elsewhere / "a.jpg"),
    ]
    carry_out(journals.create(second, later))
    return first, second


def test_what_a_later_run_has_worked_on_waits_for_its_undo(
    photos: Path, two_runs: tuple[Path, Path]
) -> None:
    first, second = two_runs
    root = photos.parent
    (problem,) = undo(first).problems
    assert problem == (
        f"{root / 'there' / 'a.xmp'} and 2 more: a later run has worked on it since; "
        f"undo that one first: `biqa cull --undo {second}`"
    )
    # What the later run has nothing to do with is back.
    assert (photos / "empty.wav").exists() and (photos / "b.xmp").read_bytes() == b"newest"
    assert undo(second).problems == ()
    assert undo(first).problems == ()
    assert sorted(tree(root)) == ["photos", *(f"photos/{name}" for name in
        ("a.jpg", "a.xmp", "b.jpg", "empty.wav"))]  # fmt: skip
    assert (photos / "a.xmp").read_bytes() == b"old"


def test_a_file_that_is_the_same_by_chance_is_left_to_the_later_run(
    photos: Path, tmp_path: Path
) -> None:
    there = photos.parent / "there"
    move: list[Action] = [MakeFolder(there), Transfer(How.move, photos / "a.jpg", there / "a.jpg")]
    first, second = journals_folder() / "1.jsonl", tmp_path / "named.jsonl"
    carry_out(journals.create(first, move))
    (there / "a.jpg").rename(photos / "a.jpg")
    carry_out(journals.create(second, move))
    # A journal that lies elsewhere is known by its note.
    note_elsewhere(second)
    (problem,) = undo(first).problems
    assert str(second) in problem and (there / "a.jpg").exists()
    assert undo(second).problems == () and undo(first).problems == ()
    assert (photos / "a.jpg").exists() and not there.exists()


def test_a_copy_whose_original_is_gone_stays(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    carry_out(journals.create(path, _actions(photos, How.copy)))
    (photos / "a.jpg").unlink()
    (problem,) = undo(path).problems
    assert "of which it was made, is gone" in problem
    assert (photos.parent / "there" / "a.jpg").read_bytes() == b"a photo"
    # What could be undone was; the rest is tried again.
    (photos / "a.jpg").write_bytes(b"a photo")
    assert undo(path).problems == ()


def test_two_runs_do_not_work_on_one_journal(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    written = journals.create(path, _actions(photos, How.move))
    with journals.writing(path), pytest.raises(UsageError, match="another run of biqa works on"):
        carry_out(written)


def test_what_another_run_has_finished_or_undone_meanwhile_is_not_done_again(
    photos: Path, tmp_path: Path
) -> None:
    path, before = tmp_path / "j.jsonl", tree(photos.parent)
    stale = journals.create(path, _actions(photos, How.move))
    carry_out(journals.read(path))
    finished, written = tree(photos.parent), path.read_bytes()
    carry_out(stale)
    assert tree(photos.parent) == finished and path.read_bytes() == written
    assert undo(path).problems == ()
    carry_out(stale)
    assert tree(photos.parent) == before


def test_a_file_that_is_no_journal_gets_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"no journal, no line end")
    with pytest.raises(UsageError, match="not a journal"):
        undo(path)
    assert path.read_bytes() == b"no journal, no line end"
    assert list(tmp_path.iterdir()) == [path]


def test_every_action_is_on_the_disk_before_it_is_begun(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "j.jsonl"
    flushed: list[bytes] = []
    monkeypatch.setattr(os, "fsync", lambda _: flushed.append(path.read_bytes()))
    noted: list[tuple[int, bool]] = []

    def watch(actions: list[tuple[int, Action]]) -> Iterator[tuple[int, Action]]:
        yield from actions

    from biqa_cli.culling import carrying_out

    def perform(_: Action, **__: Any) -> None:
        number = len(noted)
        noted.append((number, f'{{"begin": {number}'.encode() in flushed[-1].splitlines()[-1]))

    monkeypatch.setattr(carrying_out, "perform", perform)
    carry_out(journals.create(path, _actions(photos, How.move)), watch=watch)
    assert noted == [(number, True) for number in range(6)]
    assert b'"ready": 6' in flushed[0]
