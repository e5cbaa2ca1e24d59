"""The formats of a report, by name and by suffix."""

from enum import StrEnum
from typing import IO

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


SUFFIXES = {
    ".csv": Format.csv,
    ".json": Format.json,
    ".ndjson": Format.ndjson,
    ".jsonl": Format.ndjson,
    ".txt": Format.table,
}


def new_report(chosen: Format, stream: IO[str]) -> Report:
    """Return a report of a format."""
    match chosen:
        case Format.csv:
            return CsvReport(stream)
        case Format.json:
            return JsonReport(stream)
        case Format.ndjson:
            return NdjsonReport(stream)
        case Format.table:
            return TableReport(stream)
