"""Records of a few columns as a table for people, as CSV, or as JSON."""

import csv
import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import IO

from biqa_cli.reports.layout import text_table, width_of
from biqa_cli.reports.rows import Value, not_a_formula, printable


class RecordFormat(StrEnum):
    """How records are written."""

    table = "table"
    csv = "csv"
    json = "json"


RECORD_SUFFIXES = {
    ".csv": RecordFormat.csv,
    ".json": RecordFormat.json,
    ".txt": RecordFormat.table,
}


def write_records(
    stream: IO[str],
    records: Sequence[Mapping[str, Value]],
    columns: Sequence[str],
    *,
    kind: RecordFormat,
    shown: Sequence[str],
) -> None:
    """Write records: an array of objects as JSON, a line each as CSV or in a table.

    Args:
        stream: Where to.
        records: Each has all columns.
        columns: Their names and order in CSV and JSON.
        kind: The format.
        shown: The columns of a table, narrow ones first.
    """
    match kind:
        case RecordFormat.json:
            lines = [json.dumps({c: record[c] for c in columns}) for record in records]
            stream.write("[" + ",".join(f"\n{line}" for line in lines) + "\n]\n")
        case RecordFormat.csv:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(columns)
            # The module does not quote a carriage return where it does not end the lines.
            quoting = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
            for record in records:
                cells = [_cell(record[column]) for column in columns]
                has_return = any("\r" in cell for cell in cells if isinstance(cell, str))
                (quoting if has_return else writer).writerow(cells)
        case RecordFormat.table:
            numbers = [
                any(isinstance(record[column], int | float) for record in records)
                for column in shown
            ]
            rows = [[_shown(record[column]) for column in shown] for record in records]
            width = width_of(stream)
            table = text_table(shown, rows, numbers=numbers, width=width, whole=0)
            stream.writelines(f"{line}\n" for line in table)


def _cell(value: Value) -> Value:
    return not_a_formula(value) if isinstance(value, str) else value


def _shown(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:.1f}"
    return "" if value is None else printable(str(value))
