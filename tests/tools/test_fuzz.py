"""The small version of what `make fuzz` does at length."""

import random
import signal
from pathlib import Path

import pytest
from shoots import contents
from tool_loading import load_tool

SIGNALS, NAMES = load_tool("fuzz/signals"), load_tool("fuzz/names")
RESUME, KILLS = load_tool("fuzz/resume"), load_tool("fuzz/kills")
CULLS = load_tool("fuzz/culls")


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SIGNALS.SUFFIXES)
def test_a_run_that_is_killed_at_some_moment_keeps_its_rows(tmp_path: Path, suffix: str) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    SIGNALS.make_photos(photos)
    out.mkdir()
    assert not SIGNALS.trial(out, photos, kill=signal.SIGKILL, suffix=suffix, wait=1.1)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["json", "parquet"])
def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, suffix: str) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    RESUME.make_photos(photos)
    out.mkdir()
    right = RESUME.expected(photos, tmp_path, suffix)
    assert not RESUME.trial(out, photos, suffix=suffix, wait=0.3, right=right)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 3])
def test_a_cull_that_is_killed_loses_nothing_and_is_undone(tmp_path: Path, seed: int) -> None:
    said = CULLS.kill_once(tmp_path, random.Random(seed), scenes=2)
    assert said.endswith(("undone", "before the journal"))


def test_a_lost_photo_is_noticed_and_a_reserved_name_is_none(tmp_path: Path) -> None:
    for name, content in {"a.JPG": b"a", "b.JPG": b"b", "in/c.DNG": b"b"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    photos = contents(tmp_path)
    assert len(photos) == 3
    (tmp_path / "in" / "a.JPG").touch()
    assert contents(tmp_path) == photos
    (tmp_path / "a.JPG").replace(tmp_path / "in" / "a.JPG")
    assert contents(tmp_path) == photos
    (tmp_path / "b.JPG").unlink()
    assert len(contents(tmp_path)) == 2


@pytest.mark.slow
@pytest.mark.parametrize("style", NAMES.FORMATS)
def test_photos_with_odd_names_keep_them(tmp_path: Path, style: str) -> None:
    assert NAMES.check(tmp_path, NAMES.odd_names(60, seed=1), formats=[style]) == []


def test_a_lost_row_would_be_noticed() -> None:
    assert SIGNALS.read_scores("path,score\na,20.0\nb,2", ".csv") == [20.0]
    assert SIGNALS.read_scores('{"path": "a", "score": 20.0}\n{"pa', ".ndjson") == [20.0]
    names = NAMES.odd_names(3, seed=0)
    assert len(set(names)) == 3 and names == NAMES.odd_names(3, seed=0)


@pytest.mark.parametrize("wrong", ["", "a row is lost"])
def test_a_trial_that_went_wrong_is_told_and_is_the_exit_code(
    wrong: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folders: list[tuple[str, int]] = []

    def prepare(_: Path) -> object:
        def trial(folder: Path, number: int, _: object) -> tuple[str, str]:
            folders.append((folder.name, number))
            return "killed", wrong if number else ""

        return trial

    monkeypatch.setattr("sys.argv", ["kills.py", "--kills", "2"])
    with pytest.raises(SystemExit) as ended:
        KILLS.run_trials("Kill.", kills=9, prepare=prepare)
    told = "trial 1: killed: a row is lost\n" if wrong else ""
    assert capsys.readouterr().out == f"{told}2 kills, {len(told) and 1} went wrong\n"
    assert ended.value.code == bool(wrong)
    assert folders == [("0", 0), ("1", 1)]
