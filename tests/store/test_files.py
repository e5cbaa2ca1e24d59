import os
from pathlib import Path

import pytest

from biqa_cli.store.files import state_of, with_content

LONG_AGO = 1_000_000_000_000_000_000


def _file(folder: Path, content: bytes = b"abc", *, mtime_ns: int = LONG_AGO) -> str:
    path = folder / "a.png"
    path.write_bytes(content)
    os.utime(path, ns=(mtime_ns, mtime_ns))
    return str(path)


def test_one_file_has_one_path_however_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = _file(tmp_path)
    monkeypatch.chdir(tmp_path)
    states = {state_of(other) for other in (name, "a.png", "./a.png", f"../{tmp_path.name}/a.png")}
    assert len(states) == 1


@pytest.mark.parametrize("name", ["gone.png", "a\0b.png", "x" * 5000, ""])
def test_what_is_no_file_has_no_state(tmp_path: Path, name: str) -> None:
    assert state_of(str(tmp_path / name)) is None


def test_a_pipe_has_no_state(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert state_of(str(tmp_path / "pipe.png")) is None


@pytest.mark.parametrize(("seconds_ago", "settled"), [(0, False), (60, True), (-60, False)])
def test_a_file_that_has_just_changed_may_change_unnoticed(
    tmp_path: Path, seconds_ago: int, settled: bool
) -> None:
    name = _file(tmp_path)
    changed = Path(name).stat().st_ctime_ns - seconds_ago * 1_000_000_000
    os.utime(name, ns=(changed, changed))
    state = state_of(name)
    assert state is not None and state.settled is settled


def test_the_hash_is_that_of_the_content(tmp_path: Path) -> None:
    first, second = state_of(_file(tmp_path)), None
    assert first is not None
    known = with_content(first)
    (tmp_path / "sub").mkdir()
    second = state_of(_file(tmp_path / "sub"))
    assert second is not None
    other = with_content(second)
    assert known is not None and other is not None and known.content == other.content
    third = state_of(_file(tmp_path, b"abd"))
    assert third is not None
    changed = with_content(third)
    assert changed is not None and changed.content != known.content


def test_a_file_that_changes_while_it_is_read_has_no_known_content(tmp_path: Path) -> None:
    name = _file(tmp_path)
    before = state_of(name)
    assert before is not None
    _file(tmp_path, b"abcd")
    assert with_content(before) is None
    Path(name).unlink()
    assert with_content(before) is None
