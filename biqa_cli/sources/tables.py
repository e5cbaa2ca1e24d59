"""Photos in Parquet tables: a column of paths, addresses or bytes. Needs pyarrow (an extra)."""

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from biqa_cli.errors import DependencyError, ImageError, UsageError
from biqa_cli.sources.addresses import shown
from biqa_cli.sources.choice import Choice
from biqa_cli.sources.entry import MOST_BYTES, Entry, held, too_large, unreadable
from biqa_cli.sources.fetching import NO_PARTS_SENT
from biqa_cli.sources.names import Names
from biqa_cli.sources.opening import opener_of

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


def photos_in_table(
    name: str, choice: Choice, names: Names, *, is_old: bool = False
) -> Iterator[str | Entry]:
    """Yield the photos of a table, in the order of its rows.

    Bytes become entries that are called as their row's key says, or TABLE#ROW, counted from 0.
    Texts are yielded as they are: names of files, and addresses. A struct with `bytes` and `path`,
    as Hugging Face has them, counts as its bytes, or its path where it has none.

    Args:
        name: Of a file, or an address.
        choice: Its column and its key, and which rows are wanted.
        names: Of rows: keys may be equal.
        is_old: Whether photos that lie in the table itself are left out.

    Raises:
        UsageError: If it has no such column.
        DependencyError: If pyarrow is not installed.
    """
    row = shown_name = shown(name) if "://" in name else name
    number = -1
    try:
        with opener_of(name)() as file:
            for value, key in _cells(file, choice, source=shown_name, is_old=is_old):
                number += 1
                row = f"{shown_name}#{number}" if key is None else str(key)
                if isinstance(value, str):
                    yield value
                elif not is_old and choice.is_of_shard(row := names.distinct(row)):
                    yield replace(_entry(row, value), is_key=key is not None)
    except ImageError as error:
        yield from choice.error_row(shown_name, str(error))
    except (UsageError, GeneratorExit):
        raise
    except Exception as error:
        if not _is_of_pyarrow(error):
            raise
        why = f"the table cannot be read on after {number + 1} rows: it is damaged or cut off"
        yield from choice.error_row(shown_name, why)


def _entry(row: str, value: object) -> Entry:
    if not isinstance(value, bytes):
        return unreadable(row, "the table has no photo in this row")
    if len(value) > MOST_BYTES:
        return unreadable(row, too_large(len(value)))
    return held(row, value)


def _cells(
    file: Any,  # noqa: ANN401
    choice: Choice,
    *,
    source: str,
    is_old: bool,
) -> Iterator[tuple[object, object]]:
    """Yield the photo and the key of each row.

    Raises:
        ImageError: If only all of the file can be had.
        UsageError: If it has no such column.
    """
    if not file.seekable():
        raise ImageError(f"the table cannot be read: {NO_PARTS_SENT}")
    table = _parquet().ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False)
    column = _column(table.schema_arrow, choice.column, source=source)
    if choice.key is not None:
        _require(table.schema_arrow, choice.key, source=source)
    if is_old and _holds_bytes(table.schema_arrow.field(column).type):
        return
    wanted = [column] if choice.key is None else [column, choice.key]
    for batch in table.iter_batches(batch_size=_ROWS, columns=wanted):
        keys = [None] * len(batch) if choice.key is None else batch.column(choice.key)
        for value, key in zip(batch.column(column), keys, strict=True):
            photo = value.as_py()
            if isinstance(photo, dict):
                photo = photo.get("bytes") or photo.get("path")
            yield photo, None if key is None else key.as_py()


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
    _require(schema, found, source=source)
    types = _pyarrow().types
    kind = _values(schema.field(found).type)
    is_struct = types.is_struct(kind) and kind.get_field_index("bytes") >= 0
    is_text = types.is_string(kind) or types.is_large_string(kind)
    if not (is_struct or is_text or _holds_bytes(kind)):
        msg = f"column {found!r} of {source} holds {kind}, not paths, addresses or bytes"
        raise UsageError(msg)
    return found


def _values(kind: Any) -> Any:  # noqa: ANN401
    return kind.value_type if _pyarrow().types.is_dictionary(kind) else kind


def _holds_bytes(kind: Any) -> bool:  # noqa: ANN401
    types = _pyarrow().types
    return bool(types.is_binary(_values(kind)) or types.is_large_binary(_values(kind)))


def _require(schema: Any, name: str, *, source: str) -> None:  # noqa: ANN401
    if name not in schema.names:
        msg = f"{source} has no column {name!r}: there are {', '.join(schema.names)}"
        raise UsageError(msg)


def _is_of_pyarrow(error: Exception) -> bool:
    return isinstance(error, (_pyarrow().ArrowException, OSError, ValueError))


def _pyarrow() -> Any:  # noqa: ANN401
    try:
        import pyarrow as pa
    except ImportError as error:
        msg = "a Parquet table needs pyarrow: run `pip install 'biqa-cli[parquet]'`"
        raise DependencyError(msg) from error
    return pa


def _parquet() -> Any:  # noqa: ANN401
    _pyarrow()
    import pyarrow.parquet as pq

    return pq
