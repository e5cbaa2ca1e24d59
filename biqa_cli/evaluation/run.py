"""Tools × parts of a data set → records: what `biqa evaluate` does."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from biqa_cli.datasets.base import Dataset
from biqa_cli.evaluation.evaluate import Evaluation, GroupBy, evaluate
from biqa_cli.evaluation.parts import Part, seen_in_training
from biqa_cli.evaluation.predictions import Prediction
from biqa_cli.evaluation.printed import PrintedNumbers, printed_numbers
from biqa_cli.evaluation.report import as_record
from biqa_cli.evaluation.tools import Tool

Watch = Callable[[Iterable[Prediction], int], Iterator[Prediction]]
"""Passes predictions on, and may show how many of how many have come."""


def evaluate_tool(
    tool: Tool,
    dataset: Dataset,
    parts: Sequence[Part],
    *,
    per: Sequence[GroupBy] = (),
    resamples: int = 1000,
    watch: Watch = lambda predictions, _: iter(predictions),
) -> list[Evaluation]:
    """Return how well a tool agrees with people on each part; each image is scored once."""
    wanted = sorted({index for part in parts for index in part.indices})
    paths = [dataset.images[index].path for index in wanted]
    said = dict(zip(wanted, watch(tool.predict(paths), len(paths)), strict=True))
    return [
        evaluate(
            dataset,
            part,
            [said[index] for index in part.indices],
            model=tool.name,
            percent=tool.percent,
            interval=tool.interval,
            per=per,
            resamples=resamples,
        )
        for part in parts
    ]


def record_of(evaluation: Evaluation, tool: Tool, dataset: Dataset) -> dict[str, Any]:
    """Return an evaluation as plain data, with the paper's numbers and what the model has seen."""
    seen = ""
    if tool.checkpoint is not None:
        seen = seen_in_training(dataset, evaluation.part, tool.checkpoint)
    return as_record(evaluation, printed=_comparable(evaluation.part, tool, dataset), seen=seen)


def _comparable(part: Part, tool: Tool, dataset: Dataset) -> PrintedNumbers | None:
    """Return what the paper prints, for a test part: papers print no others."""
    is_test = part.name.endswith(":test")
    return printed_numbers(tool.family, dataset.name) if is_test else None
