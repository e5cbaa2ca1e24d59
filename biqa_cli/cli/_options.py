"""Options that several commands share."""

from enum import StrEnum


class TableOrJson(StrEnum):
    """How a list is printed."""

    table = "table"
    json = "json"


class Engine(StrEnum):
    """What runs the model."""

    auto = "auto"
    onnx = "onnx"
    torch = "torch"
