"""Options that several commands share."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from biqa_cli.errors import UsageError

_Format = TypeVar("_Format")


class TableOrJson(StrEnum):
    """How a list is printed."""

    table = "table"
    json = "json"


class Engine(StrEnum):
    """What runs the model."""

    auto = "auto"
    onnx = "onnx"
    torch = "torch"


def format_of(output: Path, suffixes: Mapping[str, _Format]) -> _Format:
    """Return the format that a file's suffix stands for.

    Raises:
        UsageError: If it stands for none; the message names those that do.
    """
    if output.suffix.lower() not in suffixes:
        msg = f"what format is {output.name!r}? use {', '.join(suffixes)}, or choose one with -f"
        raise UsageError(msg)
    return suffixes[output.suffix.lower()]
