import json
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import brightness_model, grey_png

from biqa_cli.errors import OutputError
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.rater import is_current, rater_of
from biqa_cli.scoring import score_files
from biqa_cli.store.known_scores import Store
from biqa_cli.store.records import Rater
from biqa_cli.store.upkeep import Contents, Removed, contents_of, forget, forget_all, prune

OTHER = replace(brightness_model(), weights_sha256="1" * 64)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "scores.sqlite"


@pytest.fixture
def folder(tmp_path: Path, path: Path) -> Path:
    """Return photos/a.png, photos/b.png, photos2/c.png, whose scores are known."""
    for name, value in (("photos/a", 1), ("photos/b", 2), ("photos2/c", 3)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        grey_png(tmp_path / f"{name}.png", value)
    _score(tmp_path, path, brightness_model())
    return tmp_path


def _score(folder: Path, path: Path, model: LoadedModel) -> int:
    """Score all photos; return how many were known."""
    with Store(path) as store:
        list(score_files(sorted(map(str, folder.glob("*/*.png"))), model, store=store))
        return store.recalled


def _everything(_: Rater) -> bool:
    return True


def test_where_there_is_no_store_nothing_is_known_or_made(path: Path) -> None:
    assert contents_of(path) == Contents(0, 0, 0, ())
    assert prune(path, is_known=_everything) == forget_all(path) == Removed(0, 0, 0)
    assert not path.exists()


def test_contents_are_counted_by_rater(folder: Path, path: Path) -> None:
    shutil.copy(folder / "photos/a.png", folder / "photos/a2.png")
    assert _score(folder, path, brightness_model()) == 4
    _score(folder, path, OTHER)
    found = contents_of(path)
    # Two files of one content have one score under each model.
    assert (found.files, found.scores) == (4, 6)
    assert [use.rater for use in found.raters] == [rater_of(OTHER), rater_of(brightness_model())]
    assert [use.scores for use in found.raters] == [3, 3]
    assert found.bytes >= path.stat().st_size > 0


def test_files_that_are_gone_are_pruned_with_their_scores(folder: Path, path: Path) -> None:
    (folder / "photos/a.png").unlink()
    shutil.rmtree(folder / "photos2")
    for dry_run in (True, True, False):
        assert prune(path, is_known=_everything, dry_run=dry_run) == Removed(2, 2, 0)
    assert prune(path, is_known=_everything) == Removed(0, 0, 0)
    assert _score(folder, path, brightness_model()) == 1


def test_raters_that_nobody_has_any_more_are_pruned(folder: Path, path: Path) -> None:
    _score(folder, path, OTHER)
    kept = rater_of(OTHER)
    assert prune(path, is_known=lambda rater: rater == kept) == Removed(0, 3, 1)
    assert _score(folder, path, OTHER) == 3


def test_scores_of_no_rater_are_pruned(folder: Path, path: Path) -> None:
    _score(folder, path, OTHER)
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM raters WHERE key = ?", (rater_of(OTHER).key,))
    database.close()
    assert prune(path, is_known=_everything) == Removed(0, 3, 0)
    assert _score(folder, path, brightness_model()) == 3


def test_old_scores_are_pruned(folder: Path, path: Path) -> None:
    assert prune(path, is_known=_everything, older_than=1) == Removed(0, 0, 0)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE scores SET made = made - 86400 * 2 WHERE native > 0.01")
    database.close()
    assert prune(path, is_known=_everything, older_than=1) == Removed(1, 1, 0)
    assert _score(folder, path, brightness_model()) == 2


@pytest.mark.parametrize(
    ("names", "left"),
    [
        (["photos"], 1),
        (["photos/"], 1),
        (["photos/a.png"], 2),
        (["photos/a.png", "photos2"], 1),
        (["photos/a"], 3),
        (["."], 0),
        (["/"], 0),
    ],
)
def test_files_and_folders_are_forgotten_by_name(
    folder: Path, path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str], left: int
) -> None:
    monkeypatch.chdir(folder)
    assert forget(path, names) == Removed(3 - left, 3 - left, 0)
    assert _score(folder, path, brightness_model()) == left


def test_a_copy_keeps_the_score_of_a_photo_that_is_forgotten(folder: Path, path: Path) -> None:
    shutil.copy(folder / "photos/a.png", folder / "photos/a2.png")
    _score(folder, path, brightness_model())
    assert forget(path, [str(folder / "photos/a.png")]) == Removed(1, 0, 0)


def test_what_is_forgotten_is_not_in_the_file(folder: Path, path: Path) -> None:
    assert b"photos2" in path.read_bytes()
    assert forget_all(path) == Removed(3, 3, 1)
    assert b"photos2" not in path.read_bytes()
    assert _score(folder, path, brightness_model()) == 0


def test_a_file_that_is_no_store_is_told(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("a letter")
    with pytest.raises(OutputError, match="letter.txt cannot be used: .* is no store of biqa"):
        contents_of(letter)
    assert letter.read_text() == "a letter"


@pytest.mark.parametrize(
    ("facts", "current"),
    [
        ({}, True),
        ({"scoring": 0}, False),
        ({"decoders": {"pillow": "1.0"}}, False),
        ({"engine": "onnx 0.1"}, False),
        # Of an earlier version: no longer the listed ones.
        ({"is_listed": True}, False),
    ],
)
def test_a_rater_is_current_while_its_parts_are_here(
    facts: dict[str, object], current: bool
) -> None:
    rater = rater_of(brightness_model())
    changed = replace(rater, facts=json.dumps(json.loads(rater.facts) | facts))
    assert is_current(changed) is current


@pytest.mark.parametrize("facts", ["", "[]", "{}", "3"])
def test_a_rater_that_says_nothing_is_not_current(facts: str) -> None:
    assert not is_current(Rater("key", "brightness", facts))
