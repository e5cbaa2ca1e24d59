"""Photos in Parquet tables: a column of paths, addresses or bytes. Needs pyarrow (an extra)."""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from biqa_cli.errors import DependencyError, ImageError, UsageError
from biqa_cli.sources.addresses import shown
from biqa_cli.sources.choice import Choice
from biqa_cli.sources.columns import (
    check_keys,
    check_photos,
    holds_bytes,
    keys_of,
    photos_of,
    pyarrow,
    require_column,
)
from biqa_cli.sources.entry import MOST_BYTES, Entry, held, too_large, unreadable
from biqa_cli.sources.fetching import NO_PARTS_SENT
from biqa_cli.sources.names import Names
from biqa_cli.sources.opening import opener_of

logger = logging.getLogger(__name__)

SUFFIX = ".parquet"
COLUMNS = ("image", "bytes", "content", "jpg", "path", "url", "file", "file_name")
"""Names by which a column of photos is found, the first one first."""

NO_PARTS = f"the folder has no files that are called *{SUFFIX}"

_ROWS = 16
"""Read at a time: they may hold whole photos."""
_BUFFER = 1 << 20


def is_table(name: str) -> bool:
    """Return whether a name is that of a Parquet file, or of a folder of its parts."""
    return name.rstrip("/").lower().endswith(SUFFIX)


def is_part(name: str) -> bool:
    """Return whether a file in a folder of parts is one, and not hidden as Spark hides files."""
    return is_table(name) and not is_hidden(name)


def is_hidden(name: str) -> bool:
    """Return whether a file or a folder in a folder of parts does not belong to the table."""
    return name.startswith((".", "_"))


def tables_of(name: str) -> list[str | Entry]:
    """Return the files of a table: of a folder its parts, in the folders of partitions too, sorted.

    A folder that cannot be read, or has no parts, has an entry that says so.
    """
    # Path.is_dir() raises for names that are too long, or may not be looked at.
    if not os.path.isdir(name):  # noqa: PTH112
        return [name]
    parts: list[str] = []
    failed: list[str | Entry] = []

    def fail(error: OSError) -> None:
        why = f"the folder cannot be read: {error.strerror}"
        failed.append(unreadable(str(error.filename), why))

    for folder, folders, files in os.walk(name, onerror=fail):
        folders[:] = [one for one in folders if not is_hidden(one)]
        parts += [os.path.join(folder, one) for one in files if is_part(one)]  # noqa: PTH118
    if not parts and not failed:
        failed.append(unreadable(name, NO_PARTS))
    return [*sorted(parts), *failed]


@dataclass(frozen=True, slots=True)
class Named:
    """A photo that a table names, but does not hold."""

    name: str
    """Of a file, or an address."""
    row: str | None = None
    """What its row is called; None where that is the name."""
    is_key: bool = False
    """Whether the row is called by a key."""


def photos_in_table(
    name: str, choice: Choice, names: Names, *, is_old: bool = False, is_first: bool = True
) -> Iterator[Named | Entry]:
    """Yield the photos of a table, in the order of its rows.

    Bytes become entries that are called as their row's key says, or TABLE#ROW, counted from 0.
    Texts are names of files and addresses: their rows are called so, unless there is a key. A
    struct with `bytes` and `path`, as Hugging Face has them, counts as its bytes, or its path where
    it has none.

    Args:
        name: Of a file, or an address.
        choice: Its column and its key, and which rows are wanted.
        names: Of rows: keys may be equal.
        is_old: Whether photos that lie in the table itself are left out.
        is_first: Whether nothing was found before. A table without photos is then a mistake, later
            an error row.

    Raises:
        UsageError: If it has no such column, and is the first.
        DependencyError: If pyarrow is not installed.
    """
    shown_name = shown(name) if "://" in name else name
    number, is_told = -1, False
    try:
        with opener_of(name)() as file:
            for photo, key in _cells(file, choice, source=shown_name, is_old=is_old):
                number += 1
                if choice.key is None and isinstance(photo, str):
                    yield Named(photo)
                    continue
                called = f"{shown_name}#{number}" if key is None else key
                row = names.distinct(called)
                if row != called and not is_told:
                    is_told = True
                    logger.warning("%s: more than one row has the key %r", shown_name, key)
                if isinstance(photo, str):
                    yield Named(photo, row, is_key=key is not None)
                elif not is_old and choice.is_of_shard(row):
                    yield replace(_entry(row, photo), is_key=key is not None)
    except (DependencyError, GeneratorExit):
        raise
    except Exception as error:
        if isinstance(error, UsageError) and is_first:
            raise
        why = _reason(error, shown_name, rows=number + 1)
        if not why:
            raise
        yield from choice.error_row(shown_name, why)


def _reason(error: Exception, table: str, *, rows: int) -> str:
    """Return why a table cannot be read; empty where that is a fault of ours."""
    if isinstance(error, UsageError):
        return str(error).removeprefix(f"{table} ")
    if isinstance(error, ImageError):
        return str(error)
    if isinstance(error, (pyarrow().ArrowException, OSError, ValueError)):
        return f"the table cannot be read on after {rows} rows: it is damaged or cut off"
    return ""


def _entry(row: str, photo: bytes | None) -> Entry:
    if photo is None:
        return unreadable(row, "the table has no photo in this row")
    if len(photo) > MOST_BYTES:
        return unreadable(row, too_large(len(photo)))
    return held(row, photo)


def _cells(
    file: Any,  # noqa: ANN401
    choice: Choice,
    *,
    source: str,
    is_old: bool,
) -> Iterator[tuple[str | bytes | None, str | None]]:
    """Yield the photo and the key of each row.

    Raises:
        ImageError: If only all of the file can be had.
        UsageError: If it has no such column.
    """
    if not file.seekable():
        raise ImageError(f"the table cannot be read: {NO_PARTS_SENT}")
    pyarrow()
    import pyarrow.parquet as pq

    table = pq.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False)
    schema = table.schema_arrow
    column = _column(schema, choice.column, source=source)
    if choice.key is not None:
        require_column(schema, choice.key, source=source)
        check_keys(schema, choice.key, source=source)
    if is_old and holds_bytes(schema.field(column).type):
        return
    wanted = [column] if choice.key in (None, column) else [column, choice.key]
    for batch in table.iter_batches(batch_size=_ROWS, columns=wanted):
        keys = [None] * len(batch) if choice.key is None else keys_of(batch.column(choice.key))
        yield from zip(photos_of(batch.column(column)), keys, strict=True)


def _column(schema: Any, wanted: str | None, *, source: str) -> str:  # noqa: ANN401
    """Return the column that has the photos.

    Raises:
        UsageError: If there is none, or it has something else.
    """
    found = wanted or next((name for name in COLUMNS if name in schema.names), None)
    if found is None:
        msg = (
            f"{source} has no column that is called {', '.join(COLUMNS)}: name the one with the "
            f"photos with --column; there are {', '.join(schema.names)}"
        )
        raise UsageError(msg)
    require_column(schema, found, source=source)
    check_photos(schema, found, source=source)
    return found
