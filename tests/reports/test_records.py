import csv
import io
import json

from biqa_cli.reports.records import RecordFormat, write_records
from biqa_cli.reports.rows import Value

_RECORDS: list[dict[str, Value]] = [
    {"path": "=1+1.jpg", "score": 71.25, "group": 1},
    {"path": "a\rb\x1b[31m.jpg", "score": None, "group": 22},
]


def _written(kind: RecordFormat, records: list[dict[str, Value]] = _RECORDS) -> str:
    stream = io.StringIO(newline="")
    write_records(
        stream, records, ("path", "score", "group"), kind=kind, shown=("group", "score", "path")
    )
    return stream.getvalue()


def test_json_is_an_array_of_objects() -> None:
    assert json.loads(_written(RecordFormat.json)) == _RECORDS
    assert json.loads(_written(RecordFormat.json, [])) == []


def test_csv_is_safe_in_a_spreadsheet_and_comes_back() -> None:
    rows = list(csv.reader(io.StringIO(_written(RecordFormat.csv), newline="")))
    assert rows == [
        ["path", "score", "group"],
        ["'=1+1.jpg", "71.25", "1"],
        ["a\rb\x1b[31m.jpg", "", "22"],
    ]


def test_a_table_obeys_no_name() -> None:
    assert _written(RecordFormat.table).splitlines() == [
        "group  score  path",
        "    1   71.2  =1+1.jpg",
        "   22         a\\rb\\x1b[31m.jpg",
    ]
