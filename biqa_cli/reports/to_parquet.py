"""Reports as Parquet, for data frames and databases. Needs pyarrow (an extra)."""

import json
import re
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any

from biqa_cli.errors import DependencyError
from biqa_cli.reports.rows import record_of
from biqa_cli.results import ImageResult, RunCounts, RunInfo

if TYPE_CHECKING:
    import pyarrow.parquet

# Readers skip whole groups; smaller ones compress worse.
_ROWS_OF_A_GROUP = 10_000
_TYPES = {
    "path": "string",
    "score": "float64",
    "low": "float64",
    "high": "float64",
    "native_score": "float64",
    "model": "string",
    "width": "int32",
    "height": "int32",
    "status": "string",
    "error": "string",
    "note": "string",
}
_ESCAPE = re.compile(r"\\(?=x(?:[89a-f][0-9a-f]|5c))")
"""A backslash that could be taken for that of an escape."""
_WHY_TYPES = {"whole": "float64", "full_size": "float64"}


class ParquetReport:
    """Rows in groups of 10,000; the file can be read once it is whole.

    The metadata has "biqa.run" and "biqa.counts", as the JSON report has them.

    Args:
        file: Opened for bytes.
        why: Whether it has the columns that say why: flaws are a list of structs.

    Raises:
        DependencyError: If pyarrow is not installed.
    """

    def __init__(self, file: IO[bytes], *, why: bool = False) -> None:
        self._pyarrow, self._parquet = _pyarrow()
        self._why = why
        self._file = _Sink(file)
        self._writer: pyarrow.parquet.ParquetWriter | None = None
        self._rows: list[dict[str, Any]] = []

    def begin(self, run: RunInfo) -> None:
        """Write what comes before the rows."""
        schema = schema_of(why=self._why).with_metadata({"biqa.run": json.dumps(asdict(run))})
        self._writer = self._parquet.ParquetWriter(self._file, schema)

    def add(self, result: ImageResult) -> None:
        """Keep one row until its group is full."""
        row = record_of(result, why=self._why)
        self._rows.append({name: as_parquet_text(value) for name, value in row.items()})
        if len(self._rows) == _ROWS_OF_A_GROUP:
            self._write_group()

    def end(self, counts: RunCounts) -> None:
        """Write the last group and the metadata, which make the file whole."""
        if self._rows:
            self._write_group()
        assert self._writer is not None, "begin() is called first"  # noqa: S101
        self._writer.add_key_value_metadata({"biqa.counts": json.dumps(asdict(counts))})
        self._writer.close()

    def _write_group(self) -> None:
        assert self._writer is not None, "begin() is called first"  # noqa: S101
        self._writer.write_table(
            self._pyarrow.Table.from_pylist(self._rows, schema=self._writer.schema)
        )
        self._rows.clear()


def schema_of(*, why: bool) -> Any:  # noqa: ANN401
    """Return the columns of a report and their types, as pyarrow has them."""
    pa, _ = _pyarrow()
    types: dict[str, Any] = dict(_TYPES)
    if why:
        flaw = pa.struct([("name", "string"), ("strength", "float64")])
        types |= {"flaws": pa.list_(flaw)} | _WHY_TYPES
    return pa.schema(list(types.items()))


class _Sink:
    """A file that is only written: pyarrow asks even a pipe where it is, and closes it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._written = 0
        self.closed = False

    def write(self, data: bytes) -> int:
        self._file.write(data)
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self.flush()
        self.closed = True

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


def as_parquet_text(value: Any) -> Any:  # noqa: ANN401  whatever a record holds
    r"""Return text that Parquet can hold: bytes of a name that are not UTF-8 are escaped.

    A name that has such an escape itself gets one for its backslash, so that no two names are
    written alike.

    Example:
        >>> as_parquet_text("a\udcff.jpg"), as_parquet_text(r"a\xff.jpg")
        ('a\\xff.jpg', 'a\\x5cxff.jpg')
    """
    if not isinstance(value, str):
        return value
    value = _ESCAPE.sub(r"\\x5c", value)
    return value.encode(errors="surrogateescape").decode(errors="backslashreplace")


def parquet() -> Any:  # noqa: ANN401
    """Return pyarrow's module of Parquet.

    Raises:
        DependencyError: If pyarrow is not installed.
    """
    return _pyarrow()[1]


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        msg = "Parquet needs pyarrow: run `pip install 'biqa-cli[parquet]'`"
        raise DependencyError(msg) from error
    return pa, pq
