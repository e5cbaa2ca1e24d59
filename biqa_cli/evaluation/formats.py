"""How an evaluation is written: its formats, by name and by suffix, and the groups it may show."""

from enum import StrEnum


class GroupBy(StrEnum):
    """What images are grouped by."""

    type = "type"
    level = "level"
    range = "range"
    subset = "subset"


class MappingCurve(StrEnum):
    """What maps predictions to labels before fitted metrics."""

    logistic4 = "logistic4"
    logistic5 = "logistic5"


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
