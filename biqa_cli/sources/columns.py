"""Columns of Parquet tables as photos and as keys, whatever their types are."""

from collections.abc import Iterable
from typing import Any

from biqa_cli.errors import DependencyError, UsageError


def pyarrow() -> Any:  # noqa: ANN401
    """Return pyarrow.

    Raises:
        DependencyError: If it is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError as error:
        msg = "a Parquet table needs pyarrow: run `pip install 'biqa-cli[parquet]'`"
        raise DependencyError(msg) from error
    return pa


def require_column(schema: Any, name: str, *, source: str) -> None:  # noqa: ANN401
    """Check that a table has a column, once.

    Raises:
        UsageError: If it has none, or several of that name.
    """
    count = schema.names.count(name)
    if count > 1:
        msg = f"{source} has {count} columns {name!r}: give all but one another name"
        raise UsageError(msg)
    if not count:
        msg = f"{source} has no column {name!r}: there are {', '.join(schema.names)}"
        raise UsageError(msg)


def check_photos(schema: Any, name: str, *, source: str) -> None:  # noqa: ANN401
    """Check that a column holds photos: bytes, text, or a struct of both.

    Raises:
        UsageError: If it holds something else.
    """
    kind = schema.field(name).type
    if not (_is_text(kind) or holds_bytes(kind) or _is_image(kind)):
        msg = f"column {name!r} of {source} holds {kind}, not paths, addresses or bytes"
        raise UsageError(msg)


def photos_of(column: Any) -> Iterable[str | bytes | None]:  # noqa: ANN401
    """Return the photos of a column that `check_photos` has passed: text, bytes or None.

    Bytes of text that are no UTF-8 are escaped, as those of the names of files are.
    """
    if not pyarrow().types.is_struct(column.type):
        return _plain(column)
    fields = dict(zip((field.name for field in column.type), column.flatten(), strict=True))
    contents = _plain(fields["bytes"])
    paths = _plain(fields["path"]) if "path" in fields else [None] * len(contents)
    return [content or path for content, path in zip(contents, paths, strict=True)]


def check_keys(schema: Any, name: str, *, source: str) -> None:  # noqa: ANN401
    """Check that a column holds what can name rows.

    Raises:
        UsageError: If it holds something else.
    """
    kind, types = _value_type(schema.field(name).type), pyarrow().types
    tests = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean)
    tests = (*tests, types.is_null, *_of_time())
    is_uuid = getattr(kind, "extension_name", "") == "arrow.uuid"
    if not (_is_text(kind) or holds_bytes(kind) or is_uuid or any(test(kind) for test in tests)):
        msg = f"column {name!r} of {source} holds {kind}: a key is text, a number or a time"
        raise UsageError(msg)


def keys_of(column: Any) -> list[str | None]:  # noqa: ANN401
    """Return the keys of a column that `check_keys` has passed, as text.

    Bytes are read as UTF-8, dates and times are ISO 8601, those of a zone in UTC.
    """
    pa = pyarrow()
    kind = _value_type(column.type)
    if _is_text(kind) or holds_bytes(kind):
        return [_text(key) for key in _as_bytes(column)]
    if any(test(kind) for test in _of_time()):
        # Python's types hold no year 10,000, and no nanoseconds.
        if pa.types.is_timestamp(kind) and kind.tz is not None:
            column = column.cast(pa.timestamp(kind.unit, "UTC"))
        texts: list[str | None] = column.cast(pa.string()).to_pylist()
        return texts
    return [None if key is None else str(key) for key in column.to_pylist()]


def _plain(column: Any) -> list[Any]:  # noqa: ANN401
    values = _as_bytes(column)
    return [_text(value) for value in values] if _is_text(column.type) else values


def _as_bytes(column: Any) -> list[bytes | None]:  # noqa: ANN401
    # Text that is no UTF-8 would raise on its way to Python.
    values: list[bytes | None] = column.cast(pyarrow().large_binary()).to_pylist()
    return values


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "surrogateescape")


def _is_image(kind: Any) -> bool:  # noqa: ANN401
    """Return whether a type is that of images as Hugging Face writes them."""
    if not pyarrow().types.is_struct(kind):
        return False
    fields = [(field.name, field.type) for field in kind]
    named = [name for name, _ in fields if name in ("bytes", "path")]
    if named.count("bytes") != 1 or named.count("path") > 1:
        return False
    types = dict(fields)
    return holds_bytes(types["bytes"]) and ("path" not in types or _is_text(types["path"]))


def _is_text(kind: Any) -> bool:  # noqa: ANN401
    types = pyarrow().types
    tests = (types.is_string, types.is_large_string, types.is_string_view)
    return any(test(_value_type(kind)) for test in tests)


def holds_bytes(kind: Any) -> bool:  # noqa: ANN401
    """Return whether a type is one of bytes."""
    types = pyarrow().types
    tests = (types.is_binary, types.is_large_binary, types.is_binary_view)
    return any(test(_value_type(kind)) for test in (*tests, types.is_fixed_size_binary))


def _of_time() -> tuple[Any, ...]:
    types = pyarrow().types
    return types.is_date, types.is_time, types.is_timestamp, types.is_duration


def _value_type(kind: Any) -> Any:  # noqa: ANN401
    return kind.value_type if pyarrow().types.is_dictionary(kind) else kind
