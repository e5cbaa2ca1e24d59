"""An evaluation as a page: its numbers, and each photo beside what people said of it."""

from collections.abc import Sequence

from biqa_cli.datasets.base import Dataset, LabelScale
from biqa_cli.errors import UsageError
from biqa_cli.evaluation.evaluate import Evaluation
from biqa_cli.evaluation.report import METRICS
from biqa_cli.evaluation.run import Evaluated
from biqa_cli.evaluation.tools import Tool
from biqa_cli.reports.page.document import Table
from biqa_cli.reports.page.records import PagePhoto


def check_pageable(tools: Sequence[Tool], scale: LabelScale) -> None:
    """Check that one model's scores and the labels can stand on one scale.

    Raises:
        UsageError: If there are several tools, a file of predictions, or labels without ends.
    """
    if len(tools) != 1 or not tools[0].percent:
        raise UsageError("--report shows the photos of one model: name one with -m, and no other")
    if not scale.declared:
        msg = "--report compares scores with labels on one scale: give its ends with --label-range"
        raise UsageError(msg)


def photos_of(evaluated: Evaluated, dataset: Dataset) -> list[PagePhoto]:
    """Return the images of the first part, each with its label on the scale of the scores.

    Labels of which a higher one is worse (DMOS) are turned around: on the page, higher is better.
    """
    return [_photo(evaluated, dataset, index) for index in evaluated.evaluations[0].part.indices]


def _photo(evaluated: Evaluated, dataset: Dataset, index: int) -> PagePhoto:
    image, said = dataset.images[index], evaluated.said[index]
    interval = evaluated.tool.interval
    ends = None if interval is None or said.score is None else interval(said.score)
    return PagePhoto(
        path=str(dataset.root / image.path),
        score=said.score,
        low=None if ends is None else ends[0],
        high=None if ends is None else ends[1],
        error=said.error,
        label=_in_percent(image.mos, dataset.scale),
    )


def _in_percent(label: float, scale: LabelScale) -> float:
    percent = 100 * (label - scale.lowest) / (scale.highest - scale.lowest)
    return percent if scale.higher_is_better else 100 - percent


def table_of(evaluations: Sequence[Evaluation]) -> Table:
    """Return the metrics of each part with their intervals."""
    first = evaluations[0]
    rows = [
        [e.part.name, str(e.agreement.n), *(_cell(e, name) for name in METRICS)]
        for e in evaluations
    ]
    return Table(f"{first.model} on {first.dataset}", ("part", "n", *METRICS), rows)


def _cell(evaluation: Evaluation, name: str) -> str:
    value = f"{getattr(evaluation.agreement, name):.3f}"
    interval = evaluation.intervals.get(name)
    return value if interval is None else f"{value} [{interval.low:.3f}, {interval.high:.3f}]"
