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
from biqa_cli.culling.carrying_out import carry_out, undo
from biqa_cli.errors import OutputError, UsageError

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
    (folder / "empty.wav").touch()
    return folder


def _actions(photos: Path, how: How) -> list[Action]:
    there = photos.parent / "there"
    return [
        MakeFolder(there),
        WriteSidecar(photos / "a.xmp", b"newer", b"old", 1_700_000_000_000_000_000),
        WriteSidecar(photos / "b.xmp", b"new"),
        Transfer(how, photos / "a.jpg", there / "a.jpg", 7),
        Transfer(how, photos / "a.xmp", there / "a.xmp", 5),
        Transfer(how, photos / "empty.wav", there / "empty.wav", 0),
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
                assert list(undo(path)) == []
                assert tree(root) == before
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
                    assert list(undo(path)) == []
                except Killed:
                    was_killed = True
            if was_killed and journals.read(path).end != "undone":
                assert list(undo(path)) == []
            assert tree(root) == before
        if not was_killed:
            break
    assert step > 10


def test_times_of_sidecars_come_back(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    carry_out(journals.create(path, _actions(photos, How.move)))
    assert list(undo(path)) == []
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
    (problem,) = undo(path)
    assert "a.jpg stays: it is not what" in problem
    assert (there / "a.jpg").read_bytes() == b"somebody else's"
    assert (photos / "a.xmp").read_bytes() == b"old" and not (photos / "b.xmp").exists()


def test_a_sidecar_that_changed_meanwhile_is_not_written(photos: Path, tmp_path: Path) -> None:
    written = journals.create(tmp_path / "j.jsonl", _actions(photos, How.move))
    (photos / "a.xmp").write_bytes(b"a person's")
    with pytest.raises(OutputError, match="has changed since it was read"):
        carry_out(written)
    assert (photos / "a.xmp").read_bytes() == b"a person's"


def test_a_moved_file_that_was_emptied_is_not_taken_for_a_reserved_name(
    photos: Path, tmp_path: Path
) -> None:
    path = tmp_path / "j.jsonl"
    carry_out(journals.create(path, _actions(photos, How.move)))
    (photos.parent / "there" / "a.jpg").write_bytes(b"")
    assert list(undo(path)) == []
    assert (photos / "a.jpg").read_bytes() == b""


def test_a_copy_whose_original_is_gone_stays(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    carry_out(journals.create(path, _actions(photos, How.copy)))
    (photos / "a.jpg").unlink()
    (problem,) = undo(path)
    assert "of which it was made, is gone" in problem
    assert (photos.parent / "there" / "a.jpg").read_bytes() == b"a photo"
    # What could be undone was; the rest is tried again.
    (photos / "a.jpg").write_bytes(b"a photo")
    assert list(undo(path)) == []


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
    assert list(undo(path)) == []
    carry_out(stale)
    assert tree(photos.parent) == before


def test_a_file_that_is_no_journal_gets_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"no journal, no line end")
    with pytest.raises(UsageError, match="not a journal"):
        list(undo(path))
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
        noted.append((number, f'{{"begin": {number}}}\n'.encode() in flushed[-1]))

    monkeypatch.setattr(carrying_out, "perform", perform)
    carry_out(journals.create(path, _actions(photos, How.move)), watch=watch)
    assert noted == [(number, True) for number in range(6)]
    assert b'"ready": 6' in flushed[0]
