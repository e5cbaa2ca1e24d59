"""Options that several commands share."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from biqa_cli.errors import UsageError

if TYPE_CHECKING:
    from biqa_cli.datasets.base import LabelScale

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


def declared(scale: "LabelScale", ends: str) -> "LabelScale":
    """Return a scale with the ends that the user gives as LOW:HIGH.

    Raises:
        UsageError: If that is no range, or does not hold the labels.
    """
    low, _, high = ends.partition(":")
    try:
        lowest, highest = float(low), float(high)
    except ValueError as error:
        msg = f"{ends!r} is no range of labels: write LOW:HIGH, such as 1:5"
        raise UsageError(msg) from error
    if scale.declared or not lowest <= scale.lowest < scale.highest <= highest:
        msg = f"--label-range {ends} does not fit labels of {scale.describe()}"
        raise UsageError(msg)
    return replace(scale, lowest=lowest, highest=highest, declared=True)
