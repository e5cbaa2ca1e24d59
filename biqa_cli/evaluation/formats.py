"""The formats of an evaluation, by name and by suffix."""

from enum import StrEnum


class Format(StrEnum):
    """How an evaluation is written."""

    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"


SUFFIXES = {
    ".txt": Format.table,
    ".json": Format.json,
    ".csv": Format.csv,
    ".md": Format.markdown,
}
