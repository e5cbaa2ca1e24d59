"""What is known of photos: found by the readers, kept as it is made. It never makes a run fail."""

import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from biqa_cli.store.database import connect, is_damage, set_aside, transaction
from biqa_cli.store.files import FileState, state_of, state_of_content, with_content
from biqa_cli.store.records import Finding, KnownScore, Lookup, Rater
from biqa_cli.store.tables import ByName, by_name, recognise, seen_of, write_finding, write_rater

logger = logging.getLogger(__name__)

_Found = TypeVar("_Found")


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

    def find(self, rater: Rater, path: str, *, looking: str = "") -> Lookup:
        """Return what is known of a file.

        Its name, size and time of change are compared first. Its content is read only where that
        fails and a file of its size is known: it may have been moved, copied or touched.

        Args:
            rater: Whose score is asked for.
            path: Of the file.
            looking: The key of what else was seen of it; empty asks for nothing.
        """
        file = None if self._closed else state_of(path)
        if file is None:
            return Lookup()
        if self._fresh:
            return Lookup(file)
        named = file
        found = self._ask(lambda database: self._look_up(database, rater, named))
        if found is None:
            return Lookup()
        if found.score is None and found.may_be_moved:
            file = with_content(file)
            if file is None:
                return Lookup()
            moved = file
            score = self._ask(lambda database: recognise(database, rater, moved))
            found = ByName(file, score)
        seen: bytes | None = None
        if looking and found.score is not None:
            whole = found.file
            seen = self._ask(lambda database: seen_of(database, rater, whole, looking))
        return Lookup(found.file, found.score, seen)

    def find_content(self, rater: Rater, name: str, content: bytes, *, looking: str = "") -> Lookup:
        """Return what is known of a photo that is no file of its own, by what it holds.

        Args:
            rater: As of `find`.
            name: What it is kept under.
            content: All of it.
            looking: As of `find`.
        """
        if self._closed:
            return Lookup()
        whole = state_of_content(name, content)
        if self._fresh:
            return Lookup(whole)
        found = self._ask(lambda database: self._by_content(database, rater, whole))
        seen: bytes | None = None
        if looking and found is not None:
            seen = self._ask(lambda database: seen_of(database, rater, whole, looking))
        return Lookup(whole, found, seen)

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

    def keep(self, rater: Rater, found: Sequence[Finding], *, looking: str = "") -> None:
        """Keep scores and what was seen; each is on disk on return, whatever ends the process.

        Args:
            rater: What has given the scores.
            found: Of files.
            looking: The key of what else was seen of them.
        """

        def write(database: sqlite3.Connection) -> None:
            with transaction(database):
                # Another process may have removed it since it was asked for.
                rater_id = write_rater(database, rater)
                for finding in found:
                    write_finding(database, rater, rater_id, finding, looking)

        if found:
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

    def _by_content(
        self, database: sqlite3.Connection, rater: Rater, whole: FileState
    ) -> KnownScore | None:
        self._note(database, rater)
        return recognise(database, rater, whole)

    def _note(self, database: sqlite3.Connection, rater: Rater) -> None:
        if rater.key not in self._noted:
            write_rater(database, rater)
            self._noted.add(rater.key)

    def _look_up(self, database: sqlite3.Connection, rater: Rater, file: FileState) -> ByName:
        """Return what is known of a file by its name, and note that its rater was asked for."""
        self._note(database, rater)
        return by_name(database, rater, file)
