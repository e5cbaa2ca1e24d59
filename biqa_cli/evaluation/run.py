"""Tools × parts of a data set → records: what `biqa evaluate` does."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from biqa_cli.datasets.base import Dataset
from biqa_cli.datasets.loading import NOT_FOUND
from biqa_cli.evaluation.compare import Contender, compare_pairs, direction_of
from biqa_cli.evaluation.comparison_report import pair_sentence
from biqa_cli.evaluation.evaluate import Evaluation, evaluate
from biqa_cli.evaluation.formats import GroupBy
from biqa_cli.evaluation.parts import Part
from biqa_cli.evaluation.predictions import Prediction
from biqa_cli.evaluation.printed import PrintedNumbers, printed_numbers
from biqa_cli.evaluation.report import Record, as_record
from biqa_cli.evaluation.seen import seen_in_training
from biqa_cli.evaluation.tools import Tool
from biqa_cli.metrics.logistic import Curve

Watch = Callable[[Iterable[Prediction], int], Iterator[Prediction]]
"""Passes predictions on, and may show how many of how many have come."""

_SHOWN = 5
"""Failures that are told of each evaluation; JSON has them all."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A tool, what it says of the images, and how well that agrees with people."""

    tool: Tool
    said: Mapping[int, Prediction]
    """By the position of the image in the data set, for the images of all parts."""
    evaluations: tuple[Evaluation, ...]
    """One for each part."""


def evaluate_tools(
    tools: Sequence[Tool],
    dataset: Dataset,
    parts: Sequence[Part],
    *,
    per: Sequence[GroupBy] = (),
    curve: Curve = "logistic4",
    raters: int | None = None,
    resamples: int = 1000,
    watch: Watch = lambda predictions, _: iter(predictions),
) -> list[Evaluated]:
    """Return how well each tool agrees with people on each part; it scores each image once.

    Args:
        tools: One after the other.
        dataset: Their images and labels.
        parts: Of the data set.
        per: What groups to look at beside each part.
        curve: Of the mapping behind fitted metrics.
        raters: Opinions behind each label; None where that is unknown.
        resamples: For the intervals.
        watch: For each tool.
    """
    judge = partial(evaluate, dataset, per=per, curve=curve, raters=raters, resamples=resamples)
    return [_evaluate_tool(tool, dataset, parts, judge=judge, watch=watch) for tool in tools]


def _evaluate_tool(
    tool: Tool,
    dataset: Dataset,
    parts: Sequence[Part],
    *,
    judge: Callable[..., Evaluation],
    watch: Watch,
) -> Evaluated:
    wanted = sorted({index for part in parts for index in part.indices})
    paths = [dataset.images[index].path for index in wanted]
    said = dict(zip(wanted, watch(tool.predict(paths), len(paths)), strict=True))
    seen = seen_in_training(
        dataset, parts, name=tool.name, checkpoint=tool.checkpoint, learnt=tool.learnt
    )
    evaluations = (
        judge(
            part,
            [said[index] for index in part.indices],
            model=tool.name,
            percent=tool.percent,
            seen=known,
            interval=tool.interval,
        )
        for part, known in zip(parts, seen, strict=True)
    )
    return Evaluated(tool, said, tuple(evaluations))


def records_of(evaluated: Sequence[Evaluated], dataset: Dataset) -> list[Record]:
    """Return the evaluations of tools as plain data, with the papers' numbers."""
    return [
        as_record(evaluation, printed=_comparable(evaluation.part, one.tool, dataset))
        for one in evaluated
        for evaluation in one.evaluations
    ]


def is_incomplete(records: Sequence[Record], dataset: Dataset) -> bool:
    """Return whether images have no prediction, or rows of the label file could not be used."""
    return bool(_bad_labels(dataset)) or any(record["failed"] for record in records)


def significance(evaluated: Sequence[Evaluated], dataset: Dataset, *, resamples: int) -> list[str]:
    """Return which tool is better than which, a sentence for each pair; none without resamples."""
    if not resamples:
        return []
    contenders = [
        Contender(e.tool.name, e.said, direction_of(dataset, e.tool.percent)) for e in evaluated
    ]
    found = compare_pairs(dataset.images, contenders, resamples=resamples)
    return [pair_sentence(*pair, pairs=len(found)) for pair in found]


def problems_of(
    evaluated: Sequence[Evaluated], records: Sequence[Record], dataset: Dataset
) -> list[str]:
    """Return what is wrong with the labels and the files, and which images have no prediction."""
    problems = [*_bad_labels(dataset)]
    problems += [note for one in evaluated for note in one.tool.notes]
    for record in records:
        failed = [f"{record['model']}: {f['path']}: {f['error']}" for f in record["failures"]]
        problems += failed[:_SHOWN]
        if len(failed) > _SHOWN:
            more = len(failed) - _SHOWN
            problems.append(f"{record['model']}: and {more} more failed: -f json lists them all")
    return list(dict.fromkeys(problems))


def _bad_labels(dataset: Dataset) -> list[str]:
    """Return what is wrong with the label file; of a photo that is missing its score tells."""
    return [problem for problem in dataset.problems if not problem.endswith(NOT_FOUND)]


def _comparable(part: Part, tool: Tool, dataset: Dataset) -> PrintedNumbers | None:
    """Return what the paper prints, for a test part: papers print no others."""
    is_test = part.name.endswith(":test")
    return printed_numbers(tool.family, dataset.name) if is_test else None
