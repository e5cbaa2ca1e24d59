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


def new_report(chosen: Format, stream: IO[str], *, continued: bool = False) -> Report:
    """Return a report of a format; a CSV that is continued has its header.

    Raises:
        UsageError: If the stream cannot take it, or its package is not installed.
    """
    match chosen:
        case Format.csv:
            return CsvReport(stream, continued=continued)
        case Format.json:
            return JsonReport(stream)
        case Format.ndjson:
            return NdjsonReport(stream)
        case Format.table:
            return TableReport(stream)
        case Format.parquet:
            return _parquet(stream)


def _parquet(stream: IO[str]) -> Report:
    if stream.isatty():
        raise UsageError("Parquet is not for a terminal: write it to a file with -o")
    # pyarrow takes a second to import.
    from biqa_cli.reports.to_parquet import ParquetReport

    return ParquetReport(cast("TextIO", stream).buffer)
