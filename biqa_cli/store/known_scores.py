"""What is known of photos: found by the readers, kept as it is made. It never makes a run fail."""

import logging
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from biqa_cli.store.database import DamageError, connect, is_damage, set_aside, transaction
from biqa_cli.store.files import FileState, state_of, with_content

logger = logging.getLogger(__name__)

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Rater:
    """All that a score depends on besides the photo."""

    key: str
    """The same for two raters only if they give every photo the same score."""
    model: str
    facts: str
    """What the key was made of, as JSON."""


@dataclass(frozen=True, slots=True)
class KnownScore:
    """What is kept of a photo: all else follows from it."""

    native: float
    """Not rounded."""
    width: int
    height: int
    note: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the store says of a file."""

    file: FileState | None = None
    """What to keep a score under; None where none can be kept."""
    score: KnownScore | None = None


class Store:
    """The database of known scores, opened when it is first asked.

    Whatever is wrong with it is told once, and the run goes on without. It may be shared by
    threads, and by processes.

    Args:
        path: Of the database.
        fresh: Whether nothing is known: scores are only kept.
    """

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self.path = path
        self.recalled = 0
        """How many scores that were found became results, by `count`."""
        self._fresh = fresh
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._closed = False
        self._noted: set[str] = set()
        """Keys of raters that are noted as asked for."""

    def find(self, rater: Rater, path: str) -> Lookup:
        """Return what is known of a file.

        Its name, size and time of change are compared first. Its content is read only where that
        fails and a file of its size is known: it may have been moved, copied or touched.
        """
        file = None if self._closed else state_of(path)
        if file is None:
            return Lookup()
        if self._fresh:
            return Lookup(file)
        seen = file
        found = self._ask(lambda database: self._look_up(database, rater, seen))
        if found is None:
            return Lookup()
        if found.score is None and found.may_be_moved:
            file = with_content(file)
            if file is None:
                return Lookup()
            moved = file
            score = self._ask(lambda database: _recognise(database, rater, moved))
            found = _ByName(file, score)
        return Lookup(found.file, found.score)

    def has_changed(self, path: str) -> bool:
        """Return whether a file is known by its name, and holds something else now."""
        file = None if self._closed else state_of(path)
        if file is None:
            return False
        query = "SELECT size, mtime_ns, content FROM files WHERE path = ?"
        known = self._ask(lambda database: database.execute(query, (file.path,)).fetchone())
        if known is None or known[:2] == (file.size, file.mtime_ns):
            return False
        now = with_content(file)
        return now is not None and now.content != known[2]

    def keep(self, rater: Rater, made: Sequence[tuple[FileState, KnownScore]]) -> None:
        """Keep scores; each is on disk on return, so that no end of the process loses it.

        Args:
            rater: What has given them.
            made: Files, whose content is known, and their scores.
        """

        def write(database: sqlite3.Connection) -> None:
            with transaction(database):
                # Another process may have removed it since it was asked for.
                rater_id = _write_rater(database, rater)
                for file, score in made:
                    _write_file(database, file)
                    row = (rater_id, file.content, score.native, score.width, score.height)
                    database.execute(
                        "INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                        (*row, score.note, int(time.time()), _checksum(rater, file, score)),
                    )

        if made:
            self._ask(write)

    def count(self, used: int) -> None:
        """Note how many scores that were found became results."""
        with self._lock:
            self.recalled += used

    def close(self) -> None:
        """Close the database; nothing more is found or kept."""
        with self._lock:
            self._closed = True
            self._disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, question: Callable[[sqlite3.Connection], _Found]) -> _Found | None:
        """Return the answer of the database, None where it has none or cannot be used."""
        with self._lock:
            if self._closed:
                return None
            try:
                try:
                    return question(self._connected())
                except sqlite3.DatabaseError as error:
                    if not is_damage(error):
                        raise
                    self._disconnect()
                    set_aside(self.path, inode=self._inode)
                    return question(self._connected())
            except (sqlite3.Error, OSError) as error:
                self._closed = True
                self._disconnect()
                logger.warning("scores are not kept for the next run: %s: %s", self.path, error)
                return None

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self.path)
            self._inode = self.path.stat().st_ino
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._noted.clear()
        if connection is not None:
            connection.close()

    def _look_up(self, database: sqlite3.Connection, rater: Rater, file: FileState) -> "_ByName":
        """Return what is known of a file by its name, and note that its rater was asked for."""
        if rater.key not in self._noted:
            _write_rater(database, rater)
            self._noted.add(rater.key)
        return _by_name(database, rater, file)


@dataclass(frozen=True, slots=True)
class _ByName:
    file: FileState
    score: KnownScore | None = None
    may_be_moved: bool = False
    """Whether a score of a file of its size is known."""


def _write_rater(database: sqlite3.Connection, rater: Rater) -> int:
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


def _recognise(database: sqlite3.Connection, rater: Rater, file: FileState) -> KnownScore | None:
    """Return the score of a file by its content, and note where it lies now."""
    score = _by_content(database, rater, file)
    if score is not None:
        _write_file(database, file)
    return score


def _by_name(database: sqlite3.Connection, rater: Rater, file: FileState) -> _ByName:
    row = database.execute(
        "SELECT content FROM files WHERE path = ? AND size = ? AND mtime_ns = ?",
        (file.path, file.size, file.mtime_ns if file.settled else None),
    ).fetchone()
    if row is not None:
        known = replace(file, content=row[0])
        return _ByName(known, _by_content(database, rater, known))
    twin = database.execute(
        "SELECT 1 FROM files JOIN scores USING (content) "
        "WHERE size = ? AND rater = (SELECT id FROM raters WHERE key = ?) LIMIT 1",
        (file.size, rater.key),
    ).fetchone()
    return _ByName(file, may_be_moved=twin is not None)


def _by_content(database: sqlite3.Connection, rater: Rater, file: FileState) -> KnownScore | None:
    # By the key, since the number of a rater may become another one's while a run goes on.
    row = database.execute(
        "SELECT native, width, height, note, checksum FROM scores "
        "WHERE rater = (SELECT id FROM raters WHERE key = ?) AND content = ?",
        (rater.key, file.content),
    ).fetchone()
    if row is None:
        return None
    *values, checksum = row
    score = KnownScore(*values)
    if checksum != _checksum(rater, file, score):
        raise DamageError("the checksum of a score is wrong")
    return score


def _write_file(database: sqlite3.Connection, file: FileState) -> None:
    database.execute(
        "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)",
        (file.path, file.size, file.mtime_ns if file.settled else None, file.content),
    )


def _checksum(rater: Rater, file: FileState, score: KnownScore) -> int:
    """Return a checksum of a row: SQLite has none of its own."""
    parts = (rater.key, file.content, score.native, score.width, score.height, score.note)
    return zlib.crc32(repr(parts).encode(errors="surrogateescape"))
