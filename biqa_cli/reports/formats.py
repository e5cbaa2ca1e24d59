"""The formats of a report, by name and by suffix."""

from enum import StrEnum
from typing import IO, TextIO, cast

from biqa_cli.errors import UsageError
from biqa_cli.reports.base import Report
from biqa_cli.reports.to_csv import CsvReport
from biqa_cli.reports.to_json import JsonReport, NdjsonReport
from biqa_cli.reports.to_table import TableReport


class Format(StrEnum):
    """How results are written."""

    table = "table"
    csv = "csv"
    json = "json"
    ndjson = "ndjson"
    parquet = "parquet"


SUFFIXES = {
    ".csv": Format.csv,
    ".json": Format.json,
    ".ndjson": Format.ndjson,
    ".jsonl": Format.ndjson,
    ".txt": Format.table,
    ".parquet": Format.parquet,
}


def new_report(
    chosen: Format, stream: IO[str], *, continued: bool = False, why: bool = False
) -> Report:
    """Return a report of a format.

    Args:
        chosen: The format.
        stream: Where to.
        continued: Whether the stream has rows already: a CSV then has its header.
        why: Whether it says why a score is what it is.

    Raises:
        UsageError: If the stream cannot take it, or its package is not installed.
    """
    match chosen:
        case Format.csv:
            return CsvReport(stream, continued=continued, why=why)
        case Format.json:
            return JsonReport(stream, why=why)
        case Format.ndjson:
            return NdjsonReport(stream, why=why)
        case Format.table:
            return TableReport(stream, why=why)
        case Format.parquet:
            return _parquet(stream, why=why)


def _parquet(stream: IO[str], *, why: bool) -> Report:
    if stream.isatty():
        raise UsageError("Parquet is not for a terminal: write it to a file with -o")
    # pyarrow takes a second to import.
    from biqa_cli.reports.to_parquet import ParquetReport

    return ParquetReport(cast("TextIO", stream).buffer, why=why)
