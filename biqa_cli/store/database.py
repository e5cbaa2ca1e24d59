"""The file of the store: its tables, how it is opened, and what becomes of a damaged one."""

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from biqa_cli.store.location import STORE_NAME

logger = logging.getLogger(__name__)

_APPLICATION = int.from_bytes(b"biqa")
_VERSION = 3
"""Of the tables. Those of an earlier one are made anew: what it knew is void."""
_PATIENCE = 5.0
"""Seconds to wait for another process."""
_JOURNAL_PAGES = 8_000
"""32 MB."""
_FIRST_BYTES = b"SQLite format 3\0"
_HEADER_WITH_APPLICATION = 72
"""Bytes of SQLite's header up to the number of the application, which is the last of them."""

# A photo is known by its content: what moves or is copied keeps its score, under every model.
_TABLES = """
CREATE TABLE raters (
    -- A number is never used twice: a run that goes on may still have that of a removed rater.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    model TEXT NOT NULL,
    facts TEXT NOT NULL,
    used INTEGER NOT NULL
);
CREATE TABLE files (
    path BLOB PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER,
    content BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX files_by_size ON files (size);
CREATE INDEX files_by_content ON files (content);
CREATE TABLE scores (
    rater INTEGER NOT NULL REFERENCES raters (id),
    content BLOB NOT NULL,
    native REAL NOT NULL,
    whole REAL,
    kept REAL,
    -- The strengths as a JSON list, null where the model tells no flaws.
    flaws TEXT,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    note TEXT NOT NULL,
    made INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (rater, content)
) WITHOUT ROWID;
-- What else was seen of a photo when it was decoded: it belongs to the score.
CREATE TABLE sights (
    rater INTEGER NOT NULL REFERENCES raters (id),
    content BLOB NOT NULL,
    looking TEXT NOT NULL,
    seen BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (rater, content, looking)
);
"""


class DamageError(sqlite3.DatabaseError):
    """What is in a store is not what was written."""


class ForeignFileError(sqlite3.DatabaseError):
    """A file is no store, or one of another version of biqa."""


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection to a store, which is made if there is none.

    A damaged one is renamed, and a new one takes its place.

    Raises:
        sqlite3.Error: If it cannot be used, or is another program's.
        OSError: If it cannot be made.
    """
    try:
        return _opened(path)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        set_aside(path, inode=path.stat().st_ino)
        return _opened(path)


def is_damage(error: BaseException) -> bool:
    """Return whether an error says that the file is damaged, so that no waiting helps."""
    code = getattr(error, "sqlite_errorcode", None)
    # The lower byte is the kind, the upper ones its details.
    told = code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return told or isinstance(error, DamageError)


def set_aside(path: Path, *, inode: int) -> None:
    """Rename a damaged store, with what SQLite keeps beside it, and say so.

    Args:
        path: Of the store.
        inode: Of the damaged file: where it has another one, another process was here before.

    Raises:
        ForeignFileError: If its header is not that of a store, nor its name the one that biqa gives
            to a store: such a file may be anybody's, and is not touched.
        OSError: If it cannot be renamed.
    """
    if path.stat().st_ino != inode:
        return
    # Of a store, too, the header may be lost: the name tells then.
    if path.name != STORE_NAME and not _has_header_of_store(path):
        msg = f"{path} is no store of biqa"
        raise ForeignFileError(msg)
    aside = _unused(path.with_name(f"{path.name}.damaged-{datetime.now():%Y%m%d-%H%M%S}"))  # noqa: DTZ005  a date for people
    # First what is beside it: a new store must not find the journal of an old one.
    for end in ("-wal", "-shm", ""):
        beside = path.with_name(path.name + end)
        if beside.exists():
            beside.replace(aside.with_name(aside.name + end))
    logger.warning(
        "the store of known scores was damaged: it is now %s, and a new one is begun", aside
    )


def _has_header_of_store(path: Path) -> bool:
    with path.open("rb") as file:
        header = file.read(_HEADER_WITH_APPLICATION)
    return header.startswith(_FIRST_BYTES) and header.endswith(_APPLICATION.to_bytes(4))


def _unused(path: Path) -> Path:
    number, chosen = 1, path
    while chosen.exists():
        number += 1
        chosen = path.with_name(f"{path.name}-{number}")
    return chosen


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all that happens inside, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The names of photos are nobody else's business; SQLite gives its other files the same rights.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(
        path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
    )
    # Damaged text must get as far as the comparison with its checksum.
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        is_new = _is_new(connection, path) or _is_earlier(connection)
        _use_wal(connection)
        # A commit survives the end of the process; only a power failure may undo the last ones.
        connection.execute("PRAGMA synchronous = NORMAL")
        # Copying the journal into the database waits for the disk: less often than by default.
        connection.execute(f"PRAGMA wal_autocheckpoint = {_JOURNAL_PAGES}")
        if is_new:
            _make_tables(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _is_new(connection: sqlite3.Connection, path: Path) -> bool:
    """Return whether a database is empty; check that another one is a store."""
    program = _number(connection, "application_id")
    if program == 0 and connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
        return True
    if program != _APPLICATION:
        msg = f"{path} is a database of another program"
        raise ForeignFileError(msg)
    if _number(connection, "user_version") > _VERSION:
        msg = f"{path} was written by another version of biqa: delete it, or name another (--store)"
        raise ForeignFileError(msg)
    return False


def _is_earlier(connection: sqlite3.Connection) -> bool:
    """Return whether a store has the tables of an earlier version."""
    return _number(connection, "user_version") < _VERSION


def _make_tables(connection: sqlite3.Connection) -> None:
    with transaction(connection):
        # Two processes may begin a store at once.
        if _is_earlier(connection):
            for table in ("sights", "scores", "files", "raters"):
                connection.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in filter(str.strip, _TABLES.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    (value,) = connection.execute(f"PRAGMA {pragma}").fetchone()
    return int(value)


def _use_wal(connection: sqlite3.Connection) -> None:
    # Readers do not wait for writers then. SQLite does not wait for others while it changes to WAL
    # as it does elsewhere.
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            locked = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not locked or time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return
