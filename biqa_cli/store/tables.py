"""The rows of the store: what is asked of its tables, and what is written into them."""

import json
import sqlite3
import time
import zlib
from dataclasses import dataclass, replace

from biqa_cli.results import Judgement
from biqa_cli.store.database import DamageError
from biqa_cli.store.files import FileState
from biqa_cli.store.records import Finding, KnownScore, Rater


@dataclass(frozen=True, slots=True)
class ByName:
    """What is known of a file by its name, size and time."""

    file: FileState
    score: KnownScore | None = None
    may_be_moved: bool = False
    """Whether a score of a file of its size is known."""


def write_rater(database: sqlite3.Connection, rater: Rater) -> int:
    """Return the row of a rater, which is made if there is none; note that it is in use."""
    row = (rater.key, rater.model, rater.facts, int(time.time()))
    database.execute(
        "INSERT INTO raters (key, model, facts, used) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (key) DO UPDATE SET used = excluded.used",
        row,
    )
    query = "SELECT id FROM raters WHERE key = ?"
    (rater_id,) = database.execute(query, (rater.key,)).fetchone()
    return int(rater_id)


def recognise(database: sqlite3.Connection, rater: Rater, file: FileState) -> KnownScore | None:
    """Return the score of a file by its content, and note where it lies now."""
    score = _by_content(database, rater, file)
    if score is not None:
        _write_file(database, file)
    return score


def by_name(database: sqlite3.Connection, rater: Rater, file: FileState) -> ByName:
    """Return what is known of a file by its name, and whether its content may be known."""
    row = database.execute(
        "SELECT content FROM files WHERE path = ? AND size = ? AND mtime_ns = ?",
        (file.path, file.size, file.mtime_ns if file.settled else None),
    ).fetchone()
    if row is not None:
        known = replace(file, content=row[0])
        return ByName(known, _by_content(database, rater, known))
    twin = database.execute(
        "SELECT 1 FROM files JOIN scores USING (content) "
        "WHERE size = ? AND rater = (SELECT id FROM raters WHERE key = ?) LIMIT 1",
        (file.size, rater.key),
    ).fetchone()
    return ByName(file, may_be_moved=twin is not None)


def _by_content(database: sqlite3.Connection, rater: Rater, file: FileState) -> KnownScore | None:
    # By the key, since the number of a rater may become another one's while a run goes on.
    row = database.execute(
        "SELECT native, whole, kept, flaws, width, height, note, checksum FROM scores "
        "WHERE rater = (SELECT id FROM raters WHERE key = ?) AND content = ?",
        (rater.key, file.content),
    ).fetchone()
    if row is None:
        return None
    *values, checksum = row
    if checksum != _checksum(rater, file, *values):
        raise DamageError("the checksum of a score is wrong")
    native, whole, kept, flaws, width, height, note = values
    strengths = None if flaws is None else tuple(json.loads(flaws))
    return KnownScore(Judgement(native, whole, kept, strengths), width, height, note)


def _row_of(score: KnownScore) -> tuple[str | float | None, ...]:
    """Return what a row has of a score, in the order of the columns."""
    judgement = score.judgement
    flaws = None if judgement.flaws is None else json.dumps(judgement.flaws)
    said = (judgement.native, judgement.whole, judgement.kept, flaws)
    return (*said, score.width, score.height, score.note)


def seen_of(
    database: sqlite3.Connection, rater: Rater, file: FileState, looking: str
) -> bytes | None:
    """Return what else was seen of a file, None where nothing was; its content is known."""
    row = database.execute(
        "SELECT seen, checksum FROM sights "
        "WHERE rater = (SELECT id FROM raters WHERE key = ?) AND content = ? AND looking = ?",
        (rater.key, file.content, looking),
    ).fetchone()
    if row is None:
        return None
    seen, checksum = row
    if checksum != _checksum(rater, file, seen):
        raise DamageError("the checksum of what was seen is wrong")
    return bytes(seen)


def write_finding(
    database: sqlite3.Connection, rater: Rater, rater_id: int, finding: Finding, looking: str
) -> None:
    """Write a score and what was seen, each where there is one."""
    file, score, seen = finding.file, finding.score, finding.seen
    if score is not None:
        _write_file(database, file)
        row = _row_of(score)
        database.execute(
            "INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (rater_id, file.content, *row, int(time.time()), _checksum(rater, file, *row)),
        )
    if seen is not None:
        database.execute(
            "INSERT OR REPLACE INTO sights VALUES (?, ?, ?, ?, ?)",
            (rater_id, file.content, looking, seen, _checksum(rater, file, seen)),
        )


def _write_file(database: sqlite3.Connection, file: FileState) -> None:
    database.execute(
        "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)",
        (file.path, file.size, file.mtime_ns if file.settled else None, file.content),
    )


def _checksum(rater: Rater, file: FileState, *row: object) -> int:
    """Return a checksum of a row: SQLite has none of its own."""
    parts = (rater.key, file.content, *row)
    return zlib.crc32(repr(parts).encode(errors="surrogateescape"))
