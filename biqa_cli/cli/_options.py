"""Options that several commands share."""

from enum import StrEnum


class TableOrJson(StrEnum):
    """How a list is printed."""

    table = "table"
    json = "json"
