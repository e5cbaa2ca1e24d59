"""What is in the store, and what leaves it: gone files, old scores, raters of other days."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from biqa_cli.errors import OutputError
from biqa_cli.store.database import connect
from biqa_cli.store.records import Rater

_DAY = 86_400

_BELONGS_TO_NOTHING = (
    "content NOT IN (SELECT content FROM files) OR rater NOT IN (SELECT id FROM raters)"
)
_WITHOUT_A_SCORE = (
    "NOT EXISTS (SELECT 1 FROM scores "
    "WHERE scores.rater = sights.rater AND scores.content = sights.content)"
)


@dataclass(frozen=True, slots=True)
class RaterUse:
    """A rater and how much of the store is from it."""

    rater: Rater
    scores: int
    used: int
    """When it was last asked for, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a store."""

    bytes: int
    """On disk, with the journal beside the database."""
    files: int
    scores: int
    raters: tuple[RaterUse, ...]
    """The last used first."""


@dataclass(frozen=True, slots=True)
class Removed:
    """How many rows have left a store."""

    files: int
    scores: int
    raters: int = 0


def contents_of(path: Path) -> Contents:
    """Return what is in a store; where there is none, nothing is.

    Raises:
        OutputError: If it cannot be read.
    """
    if not path.exists():
        return Contents(0, 0, 0, ())
    with _opened(path) as database:
        rows = database.execute(
            "SELECT key, model, facts, used, (SELECT count(*) FROM scores WHERE rater = id) "
            "FROM raters ORDER BY used DESC, id DESC"
        )
        raters = tuple(
            RaterUse(Rater(key, model, facts), count, used)
            for key, model, facts, used, count in rows
        )
        beside = [path.with_name(path.name + end) for end in ("", "-wal")]
        return Contents(
            sum(file.stat().st_size for file in beside if file.exists()),
            _count(database, "files"),
            _count(database, "scores"),
            raters,
        )


def prune(
    path: Path,
    *,
    is_known: Callable[[Rater], bool],
    older_than: float | None = None,
    dry_run: bool = False,
) -> Removed:
    """Remove what no run will ask for, and return how much that was.

    These are files that are not there any more, scores that belong to no file or no rater, and
    raters that this version of biqa does not have.

    Args:
        path: Of the store.
        is_known: Whether a rater may be asked for once more.
        older_than: Also remove scores that were made more than so many days ago.
        dry_run: Whether all stays as it is.

    Raises:
        OutputError: If the store cannot be written.
    """

    def remove(database: sqlite3.Connection) -> None:
        gone = [(name,) for (name,) in database.execute("SELECT path FROM files") if _is_gone(name)]
        database.executemany("DELETE FROM files WHERE path = ?", gone)
        rows = database.execute("SELECT id, key, model, facts FROM raters").fetchall()
        strangers = [(number,) for number, *row in rows if not is_known(Rater(*row))]
        database.executemany("DELETE FROM scores WHERE rater = ?", strangers)
        database.executemany("DELETE FROM raters WHERE id = ?", strangers)
        if older_than is not None:
            before = int(time.time() - older_than * _DAY)
            database.execute("DELETE FROM scores WHERE made < ?", (before,))
        database.execute(f"DELETE FROM scores WHERE {_BELONGS_TO_NOTHING}")  # noqa: S608  a constant
        database.execute("DELETE FROM files WHERE content NOT IN (SELECT content FROM scores)")

    return _changed(path, remove, dry_run=dry_run)


def forget(path: Path, names: Sequence[str]) -> Removed:
    """Remove what is known of files and of all files in folders, and return how much that was.

    What has the same content under another name stays known under that.

    Raises:
        OutputError: If the store cannot be written.
    """

    def remove(database: sqlite3.Connection) -> None:
        for name in names:
            chosen = os.fsencode(os.path.abspath(name))  # noqa: PTH100  as state_of has it
            # All paths between "folder/" and "folder0", the next byte, are below the folder.
            inside = chosen.rstrip(b"/") + b"/"
            database.execute(
                "DELETE FROM files WHERE path = ? OR (path >= ? AND path < ?)",
                (chosen, inside, inside[:-1] + bytes([inside[-1] + 1])),
            )
        database.execute(f"DELETE FROM scores WHERE {_BELONGS_TO_NOTHING}")  # noqa: S608  a constant

    return _changed(path, remove)


def forget_all(path: Path) -> Removed:
    """Remove all that is known, and return how much that was.

    Raises:
        OutputError: If the store cannot be written.
    """

    def remove(database: sqlite3.Connection) -> None:
        for table in ("scores", "files", "raters"):
            database.execute(f"DELETE FROM {table}")  # noqa: S608  a constant

    return _changed(path, remove)


def _changed(
    path: Path, remove: Callable[[sqlite3.Connection], None], *, dry_run: bool = False
) -> Removed:
    if not path.exists():
        return Removed(0, 0)
    with _opened(path) as database:
        database.execute("BEGIN IMMEDIATE")
        before = _counts(database)
        remove(database)
        database.execute(f"DELETE FROM sights WHERE {_WITHOUT_A_SCORE}")  # noqa: S608  a constant
        after = _counts(database)
        database.execute("ROLLBACK" if dry_run else "COMMIT")
        if not dry_run:
            # What is removed otherwise stays in the file, names of photos too.
            database.execute("VACUUM")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return Removed(*(was - now for was, now in zip(before, after, strict=True)))


def _counts(database: sqlite3.Connection) -> tuple[int, int, int]:
    return _count(database, "files"), _count(database, "scores"), _count(database, "raters")


def _count(database: sqlite3.Connection, table: str) -> int:
    (count,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608  a constant
    return int(count)


def _is_gone(path: bytes) -> bool:
    if not os.path.isabs(path):  # noqa: PTH117  a path of bytes
        # An address: nobody is asked whether it is still there.
        return False
    try:
        os.stat(path)  # noqa: PTH116  a path of bytes
    except FileNotFoundError:
        return True
    except OSError:
        # Such as a folder that may not be read today, or a photo in an archive.
        return False
    return False


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        connection = connect(path)
        try:
            yield connection
        finally:
            connection.close()
    except (sqlite3.Error, OSError) as error:
        msg = f"the store of known scores {path} cannot be used: {error}"
        raise OutputError(msg) from error
