"""The store under `score_files`: what is found again, what is not, and what harms no run."""

import os
import shutil
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import BrightnessEngine, brightness_model, grey_png
from PIL import Image

from biqa_cli import scoring
from biqa_cli.images.limits import Limits
from biqa_cli.images.reading import Photo
from biqa_cli.known import Looking
from biqa_cli.models import rater
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.rater import rater_of
from biqa_cli.models.spec import Calibration, ScoreScale
from biqa_cli.results import ImageResult
from biqa_cli.scoring import score_and_look, score_files
from biqa_cli.store import database as database_of_store
from biqa_cli.store.known_scores import Store
from biqa_cli.store.upkeep import forget, forget_all, prune

LONG_AGO = 1_000_000_000_000_000_000


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    folder = tmp_path / "photos"
    folder.mkdir()
    names = [grey_png(folder / f"{value}.png", value) for value in (0, 51, 102)]
    for name in names:
        os.utime(name, ns=(LONG_AGO, LONG_AGO))
    return names


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "scores.sqlite"


def _bitmap(name: str, value: int) -> None:
    """Write a photo of one grey, as many bytes for every grey."""
    Image.new("RGB", (8, 8), (value,) * 3).save(name, "BMP")


def _run(
    names: Sequence[str], path: Path, model: LoadedModel | None = None, *, fresh: bool = False
) -> tuple[list[ImageResult], int]:
    """Return the results and how many photos the model has seen."""
    ready = model or brightness_model()
    assert isinstance(ready.engine, BrightnessEngine)
    before = sum(ready.engine.batches)
    with Store(path, fresh=fresh) as store:
        results = list(score_files(names, ready, store=store))
        assert store.recalled + sum(ready.engine.batches) - before == sum(
            result.status == "ok" for result in results
        )
    return results, sum(ready.engine.batches) - before


def test_a_second_run_reads_no_photo_and_says_the_same(photos: list[str], path: Path) -> None:
    plain = list(score_files(photos, brightness_model()))
    assert _run(photos, path) == (plain, 3)
    assert _run(photos, path) == (plain, 0)


def test_scores_and_intervals_are_the_same_to_the_last_digit(photos: list[str], path: Path) -> None:
    model = brightness_model()
    curve = Calibration((97.0, 3.0, 47.1, 13.7), (10.0, 90.0), (7.77, 13.3), photos=9)
    scale = ScoreScale(0.0, 1.0, higher_is_better=True, meaning="brightness", calibration=curve)
    model = replace(model, spec=replace(model.spec, scale=scale))
    plain = list(score_files(photos, model))
    assert plain[1].low is not None
    assert _run(photos, path, model)[0] == _run(photos, path, model)[0] == plain


def test_known_and_new_photos_keep_their_order(photos: list[str], path: Path) -> None:
    _run(photos[1:2], path)
    results, scored = _run(photos, path)
    assert [result.path for result in results] == photos and scored == 2


@pytest.mark.parametrize("seconds", [1, -1])
def test_a_changed_photo_is_scored_again(photos: list[str], path: Path, seconds: int) -> None:
    _bitmap(photos[1], 51)
    os.utime(photos[1], ns=(LONG_AGO, LONG_AGO))
    _run(photos, path)
    before = Path(photos[1]).stat()
    _bitmap(photos[1], 153)
    assert Path(photos[1]).stat().st_size == before.st_size
    changed = LONG_AGO + seconds * 1_000_000_000
    os.utime(photos[1], ns=(changed, changed))
    results, scored = _run(photos, path)
    assert [result.score for result in results] == [0.0, 60.0, 40.0] and scored == 1


def test_a_photo_that_was_touched_is_known_by_its_content(photos: list[str], path: Path) -> None:
    _run(photos, path)
    os.utime(photos[0], ns=(LONG_AGO + 1, LONG_AGO + 1))
    assert _run(photos, path)[1] == 0


def test_a_photo_that_was_moved_or_copied_is_known(photos: list[str], path: Path) -> None:
    _run(photos, path)
    moved = str(Path(photos[0]).rename(path.parent / "moved.png"))
    copied = str(shutil.copy(photos[1], path.parent / "copied.png"))
    results, scored = _run([moved, copied], path)
    assert [result.score for result in results] == [0.0, 20.0] and scored == 0
    assert [result.path for result in results] == [moved, copied]


def test_a_file_changed_within_a_tick_of_the_clock_is_not_mistaken(
    photos: list[str], path: Path
) -> None:
    _bitmap(photos[0], 51)
    now = Path(photos[0]).stat()
    _run(photos[:1], path)
    _bitmap(photos[0], 102)
    # As a file system would do whose clock stands still for two seconds.
    os.utime(photos[0], ns=(now.st_atime_ns, now.st_mtime_ns))
    assert Path(photos[0]).stat().st_size == now.st_size
    results, _ = _run(photos[:1], path)
    assert results[0].score == 40.0


@pytest.mark.parametrize(
    "change",
    [
        lambda model: replace(model, weights_sha256="1" * 64),
        lambda model: replace(model, graph_sha256="1" * 64),
        lambda _: brightness_model(height=8),
        lambda model: replace(
            model, spec=replace(model.spec, scale=replace(model.spec.scale, highest=2.0))
        ),
        lambda model: replace(model, spec=replace(model.spec, options={"blocks": 3})),
    ],
    ids=["weights", "graph", "input", "scale", "options"],
)
def test_what_scores_depend_on_makes_another_rater(
    photos: list[str], path: Path, change: object
) -> None:
    assert callable(change)
    _run(photos, path)
    other = change(brightness_model())
    plain = list(score_files(photos, other))
    assert _run(photos, path, other) == (plain, 3)
    assert _run(photos, path) == (list(score_files(photos, brightness_model())), 0)


def test_another_version_of_the_scoring_path_knows_nothing(
    photos: list[str], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(photos, path)
    monkeypatch.setattr(rater, "SCORING_VERSION", 0)
    assert _run(photos, path)[1] == 3


def test_a_fresh_run_knows_nothing_and_keeps_what_it_scores(photos: list[str], path: Path) -> None:
    _run(photos[:2], path)
    assert _run(photos, path, fresh=True)[1] == 3
    assert _run(photos, path)[1] == 0


def test_errors_are_not_kept(photos: list[str], path: Path) -> None:
    Path(photos[0]).write_bytes(b"\x89PNG\r\n\x1a\n")
    os.utime(photos[0], ns=(LONG_AGO, LONG_AGO))
    assert _run([*photos, "late.png"], path)[0][0].status == "error"
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM scores").fetchone() == (2,)
        assert database.execute("SELECT count(*) FROM files").fetchone() == (2,)
    database.close()


def test_a_known_photo_over_the_limit_of_this_run_is_an_error_as_without_the_store(
    photos: list[str], path: Path
) -> None:
    _run(photos, path)
    strict = Limits(max_pixels=63)
    plain = list(score_files(photos, brightness_model(), limits=strict))
    with Store(path) as store:
        assert list(score_files(photos, brightness_model(), limits=strict, store=store)) == plain
        assert store.recalled == 0
    assert {result.status for result in plain} == {"error"}


class _Corner:
    """Sees the first pixel of photos, and counts how many were decoded for it."""

    def __init__(self, key: str = "corner", fails_on: str = "") -> None:
        self.seen = 0
        self._key = key
        self._fails_on = fails_on

    def __call__(self, source: object, photo: Photo) -> int:
        if source == self._fails_on:
            raise ZeroDivisionError
        self.seen += 1
        return np.asarray(photo.image)[0, 0, 0].item()

    def run(self, photos: list[str], path: Path, model: LoadedModel, **options: Any) -> list[int]:
        looking = Looking(self, self._key, lambda seen: bytes([seen]), lambda data: data[0])
        with Store(path, **options) as store:
            pairs = list(score_and_look(photos, model, look=looking, store=store))
            assert {result.status for result, _ in pairs} == {"ok"}
            return [seen for _, seen in pairs if seen is not None]


def test_a_known_score_counts_once_it_is_used(photos: list[str], path: Path) -> None:
    _run(photos, path)
    see = _Corner(fails_on=photos[0])
    looking = Looking(see, "corner", lambda seen: bytes([seen]), lambda data: data[0])
    with Store(path) as store:
        pairs = list(score_and_look(photos, brightness_model(), look=looking, store=store))
        assert [result.status for result, _ in pairs] == ["error", "ok", "ok"]
        assert store.recalled == 2


@pytest.mark.parametrize("scored_before", [False, True])
def test_what_was_seen_is_kept_beside_the_score(
    photos: list[str], path: Path, scored_before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if scored_before:
        _run(photos, path)
    see = _Corner()
    assert see.run(photos, path, brightness_model()) == [0, 51, 102] and see.seen == 3
    moved = [str(Path(photo).rename(f"{photo}.moved.png")) for photo in photos]
    with monkeypatch.context() as patch:
        patch.setattr(scoring, "reading_photo", None)
        assert see.run(moved, path, brightness_model()) == [0, 51, 102]
    # Of another content, by another look, under another model, and where nothing is to be known.
    _bitmap(moved[0], 7)
    assert see.run(moved, path, brightness_model()) == [7, 51, 102] and see.seen == 4
    other = _Corner(key="another")
    assert other.run(moved, path, brightness_model()) == [7, 51, 102] and other.seen == 3
    assert see.run(moved, path, brightness_model(height=8)) == [7, 51, 102] and see.seen == 7
    assert see.run(moved, path, brightness_model(), fresh=True) == [7, 51, 102] and see.seen == 10


def test_what_was_seen_and_damaged_is_not_used(photos: list[str], path: Path) -> None:
    see = _Corner()
    see.run(photos, path, brightness_model())
    with sqlite3.connect(path) as database:
        database.execute("UPDATE sights SET seen = X'09'")
    database.close()
    assert see.run(photos, path, brightness_model()) == [0, 51, 102]
    assert len(list(path.parent.glob("*.damaged-*"))) == 1


def test_what_was_seen_goes_with_its_score(photos: list[str], path: Path) -> None:
    see = _Corner()
    see.run(photos, path, brightness_model())
    see.run(photos, path, brightness_model(height=8))
    forget(path, photos[:1])
    prune(path, is_known=lambda rater: rater == rater_of(brightness_model()))
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM sights").fetchone() == (2,)
    database.close()
    forget_all(path)
    assert see.run(photos, path, brightness_model()) == [0, 51, 102] and see.seen == 9


def test_pictures_without_a_file_are_not_kept(photos: list[str], path: Path) -> None:
    with Store(path) as store:
        sources = [Path(photos[1]).read_bytes(), Image.new("RGB", (9, 9))]
        results = list(score_files(sources, brightness_model(), store=store))
    assert [result.score for result in results] == [20.0, 0.0]
    assert not path.exists()


def test_names_that_are_not_utf_8_are_known(tmp_path: Path, path: Path) -> None:
    name = os.fsdecode(bytes(tmp_path) + b"/\xff\x1b'.png")
    grey_png(Path(name), 51)
    assert [_run([name], path)[1] for _ in range(2)] == [1, 0]


def test_a_row_is_on_disk_as_soon_as_it_is_yielded(photos: list[str], path: Path) -> None:
    store = Store(path)
    stream = score_files(photos, brightness_model(), store=store, workers=1)
    next(stream)
    # What another process sees is what survives the end of this one.
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM scores").fetchone() == (1,)
    database.close()
    stream.close()
    store.close()
    assert _run(photos, path)[1] == 2


def test_two_runs_at_once_do_no_harm(tmp_path: Path, path: Path) -> None:
    names = [grey_png(tmp_path / f"{value}.png", value) for value in range(60)]
    plain = list(score_files(names, brightness_model()))
    found: list[list[ImageResult]] = []
    threads = [
        threading.Thread(target=lambda: found.append(_run(names, path)[0])) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [plain] * 4
    assert _run(names, path) == (plain, 0)


@pytest.mark.parametrize("numbers", ["never twice", "twice, as in older stores"])
@pytest.mark.parametrize(
    "remove", [forget_all, lambda path: prune(path, is_known=lambda _: False)], ids=["all", "prune"]
)
def test_what_is_removed_during_a_run_harms_no_score(
    photos: list[str],
    path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    remove: object,
    numbers: str,
) -> None:
    assert callable(remove)
    if numbers != "never twice":
        tables = database_of_store._TABLES.replace(" AUTOINCREMENT", "")  # noqa: SLF001
        monkeypatch.setattr(database_of_store, "_TABLES", tables)
    plain = list(score_files(photos, brightness_model()))
    other = replace(brightness_model(), weights_sha256="1" * 64)
    with Store(path) as store:
        stream = score_files(photos, brightness_model(), store=store, workers=1)
        results = [next(stream)]
        remove(path)
        # Another rater comes while the run still has what it knew of its own.
        assert _run(photos, path, other) == (list(score_files(photos, other)), 3)
        results += stream
    assert results == plain
    assert _run(photos[1:], path) == (plain[1:], 0)
    assert _run(photos, path, other)[1] == 0
    assert not caplog.messages


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"no database".ljust(len(content)),
        lambda content: bytes(len(content)),
        lambda content: content[: len(content) // 2],
        lambda content: content[:4096] + b"\xff" * (len(content) - 4096),
    ],
    ids=["text", "zeros", "cut", "middle"],
)
def test_a_damaged_store_is_set_aside_and_made_anew(
    photos: list[str], path: Path, caplog: pytest.LogCaptureFixture, damage: object
) -> None:
    assert callable(damage)
    plain, _ = _run(photos, path)
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    assert _run(photos, path) == (plain, 3)
    (aside,) = path.parent.glob("scores.sqlite.damaged-*")
    assert aside.read_bytes() == damaged
    (told,) = caplog.messages
    assert told == (
        f"the store of known scores was damaged: it is now {aside}, and a new one is begun"
    )
    assert _run(photos, path) == (plain, 0)
    assert len(caplog.messages) == 1


def test_a_damaged_store_of_another_name_is_set_aside(photos: list[str], tmp_path: Path) -> None:
    mine = tmp_path / "mine.photos"
    plain, _ = _run(photos, mine)
    content = mine.read_bytes()
    mine.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    assert _run(photos, mine) == (plain, 3)
    assert len(list(tmp_path.glob("mine.photos.damaged-*"))) == 1


def test_a_score_that_is_not_the_one_that_was_written_is_damage(
    photos: list[str], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plain, _ = _run(photos, path)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE scores SET native = native + 0.001")
    database.close()
    assert _run(photos, path) == (plain, 3)
    assert "was damaged" in caplog.text and _run(photos, path) == (plain, 0)


def test_any_flipped_byte_changes_no_score(photos: list[str], path: Path) -> None:
    plain, _ = _run(photos, path)
    whole = path.read_bytes()
    for at in range(0, len(whole), 2003):
        for other in path.parent.iterdir():
            other.unlink()
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        assert _run(photos, path)[0] == plain, at


def _database_of_others(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE photos (id)")
    database.close()


def _damaged_database_of_others(path: Path) -> None:
    _database_of_others(path)
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * 4000)


def _later_version(path: Path) -> None:
    with Store(path) as store:
        list(score_files([grey_png(path.with_suffix(".png"), 1)], brightness_model(), store=store))
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


_EARLIER_TABLES = """
CREATE TABLE raters (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE,
    model TEXT NOT NULL, facts TEXT NOT NULL, used INTEGER NOT NULL);
CREATE TABLE files (path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER,
    content BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX files_by_size ON files (size);
CREATE INDEX files_by_content ON files (content);
CREATE TABLE scores (rater INTEGER NOT NULL REFERENCES raters (id), content BLOB NOT NULL,
    native REAL NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, note TEXT NOT NULL,
    made INTEGER NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (rater, content)) WITHOUT ROWID;
INSERT INTO raters VALUES (7, 'key', 'brightness', '{}', 1);
INSERT INTO files VALUES (CAST('/a.png' AS BLOB), 3, 4, CAST('content' AS BLOB));
INSERT INTO scores VALUES (7, CAST('content' AS BLOB), 0.5, 8, 8, '', 1, 1);
PRAGMA user_version = 1;
PRAGMA application_id = 1651077473;
"""
_SECOND_TABLES = """
CREATE TABLE sights (rater INTEGER NOT NULL REFERENCES raters (id), content BLOB NOT NULL,
    looking TEXT NOT NULL, seen BLOB NOT NULL, checksum INTEGER NOT NULL,
    PRIMARY KEY (rater, content, looking));
INSERT INTO sights VALUES (7, CAST('content' AS BLOB), 'corner', X'09', 1);
PRAGMA user_version = 2;
"""


@pytest.mark.parametrize(
    "tables", [_EARLIER_TABLES, _EARLIER_TABLES + _SECOND_TABLES], ids=["first", "second"]
)
def test_a_store_of_an_earlier_version_is_made_anew(
    photos: list[str], path: Path, caplog: pytest.LogCaptureFixture, tables: str
) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as database:
        database.executescript(tables)
    database.close()
    plain = list(score_files(photos, brightness_model()))
    assert _run(photos, path) == (plain, 3)
    assert _run(photos, path) == (plain, 0)
    assert not caplog.messages and len(list(path.parent.glob("*damaged*"))) == 0
    with sqlite3.connect(path) as database:
        counts = [
            database.execute(f"SELECT count(*) FROM {table}").fetchone()
            for table in ("raters", "files", "scores", "sights")
        ]
    database.close()
    assert counts == [(1,), (3,), (3,), (0,)]


@pytest.mark.parametrize("name", ["letter.txt", "Thumbs.db"])
@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: path.write_text("a letter"), "is no store of biqa"),
        (_database_of_others, "is a database of another program"),
        (_damaged_database_of_others, "is no store of biqa"),
        (_later_version, "was written by another version of biqa"),
    ],
    ids=["folder", "text", "others", "others, damaged", "later"],
)
def test_what_is_no_store_is_told_and_left_as_it_is(
    photos: list[str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    prepare: object,
    reason: str,
    name: str,
) -> None:
    assert callable(prepare)
    path = tmp_path / name
    prepare(path)
    before = path.read_bytes() if path.is_file() else None
    plain = list(score_files(photos, brightness_model()))
    assert _run(photos, path) == (plain, 3)
    (told,) = caplog.messages
    assert told.startswith("scores are not kept for the next run: ") and reason in told
    assert (path.read_bytes() if path.is_file() else None) == before
    assert not list(tmp_path.glob("*damaged*"))


def test_where_nothing_can_be_kept_photos_are_scored_all_the_same(
    photos: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    plain = list(score_files(photos, brightness_model()))
    assert _run(photos, Path(photos[0]) / "no folder" / "scores.sqlite") == (plain, 3)
    (told,) = caplog.messages
    assert told.startswith("scores are not kept for the next run: ")


def test_a_store_that_another_process_holds_is_given_up_after_a_while(
    photos: list[str],
    path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("biqa_cli.store.database._PATIENCE", 0.05)
    plain, _ = _run(photos, path)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        assert _run(photos, path) == (plain, 3)
    finally:
        holder.close()
    (told,) = caplog.messages
    assert told.endswith("database is locked")
    assert _run(photos, path) == (plain, 0)


def test_a_full_disk_ends_the_keeping_and_not_the_run(
    photos: list[str], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        results, _ = _run(photos, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [result.score for result in results] == [0.0, 20.0, 40.0]
    (told,) = caplog.messages
    assert told.startswith("scores are not kept for the next run: ")
    assert [result.score for result in _run(photos, path)[0]] == [0.0, 20.0, 40.0]


def test_the_store_is_for_its_owner_only(photos: list[str], path: Path) -> None:
    _run(photos, path)
    assert path.stat().st_mode & 0o077 == 0
