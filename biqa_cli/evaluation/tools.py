"""What is evaluated: a model of the catalogue, or the predictions of any tool."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from biqa_cli.datasets.base import Dataset
from biqa_cli.datasets.learnt import Learnt
from biqa_cli.errors import UsageError
from biqa_cli.evaluation.evaluate import IntervalOf
from biqa_cli.evaluation.foreign import ForeignPredictions, read_predictions
from biqa_cli.evaluation.foreign_tables import ScoreColumn
from biqa_cli.evaluation.prediction_ranges import PredictionRange
from biqa_cli.evaluation.predictions import Prediction, predict
from biqa_cli.evaluation.seen import unknown_origins
from biqa_cli.images.limits import DEFAULT_LIMITS, Limits
from biqa_cli.models.loading import LoadedModel
from biqa_cli.store.known_scores import Store
from biqa_cli.weights.manifest import Checkpoint, load_manifest


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that predicts the quality of the images of a data set."""

    name: str
    percent: bool
    """Whether it predicts 0 to 100, higher is better, as biqa's models do, and a file whose range
    the user declares. Another file has no known scale and no known direction."""
    predict: Callable[[Sequence[str]], Iterator[Prediction]]
    """From paths, as the data set names them, to one prediction each, in order."""
    family: str = ""
    """Of the model; empty for a file of predictions."""
    interval: IntervalOf | None = None
    """Of a score, where it gives such."""
    checkpoint: Checkpoint | None = None
    """The listed weights that it uses, None for others."""
    learnt: Learnt | None = None
    """What other weights say they have learnt from; None where they do not say."""
    notes: tuple[str, ...] = ()


def model_tool(
    model: LoadedModel,
    dataset: Dataset,
    *,
    batch_size: int | None = None,
    workers: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    store: Store | None = None,
) -> Tool:
    """Return a model as a tool, with the arguments of `predict`."""

    def run(paths: Sequence[str]) -> Iterator[Prediction]:
        return predict(
            paths,
            model,
            root=dataset.root,
            batch_size=batch_size,
            workers=workers,
            limits=limits,
            store=store,
        )

    listed = load_manifest().listed(model.weights_sha256)
    return Tool(
        name=model.spec.name,
        percent=True,
        predict=run,
        family=model.spec.family,
        interval=model.spec.scale.interval,
        checkpoint=listed,
        learnt=None if listed else model.learnt,
        notes=() if listed else _doubts(model),
    )


def score_columns(files: Sequence[Path], columns: Sequence[str]) -> list[ScoreColumn]:
    """Return each column of each file; without columns the one that is found in each."""
    return [ScoreColumn(file, column) for file in files for column in columns or (None,)]


def file_tools(
    columns: Sequence[ScoreColumn],
    dataset: Dataset,
    *,
    delimiter: str | None = None,
    ranges: Sequence[PredictionRange | None] | None = None,
    taken: Collection[str] = (),
) -> list[Tool]:
    """Return columns of files of predictions as tools.

    They are called as the files are, as the columns where a file has several, or by the whole path
    where that is not clear.

    Args:
        columns: As in `read_scores`, with `delimiter`.
        dataset: Whose images are meant.
        delimiter: Between columns.
        ranges: Of the scores of each column, from the worst to the best; None where it is unknown.
        taken: Names of other tools, such as models.

    Raises:
        UsageError: If a file is not such a table, or a column is named twice.
    """
    placed = Counter((one.file.resolve(), one.column) for one in columns)
    twice = [place for place, count in placed.items() if count > 1]
    if twice:
        file, column = twice[0]
        msg = f"{file.name} is named twice: name each file of predictions once"
        if column is not None:
            msg = f"the column {column} of {msg}, or another --column"
        raise UsageError(msg)
    shared = Counter(file for file, _ in placed)
    short = [
        one.column if one.column and shared[one.file.resolve()] > 1 else one.file.stem
        for one in columns
    ]
    known = Counter([*short, *set(taken)])
    paths = [image.path for image in dataset.images]
    return [
        _file_tool(
            read_predictions(one.file, paths, column=one.column, delimiter=delimiter),
            name=name if known[name] == 1 else _whole_name(one, name),
            file=one.file,
            column=one.column,
            dataset=dataset.name,
            ends=ends,
        )
        for one, name, ends in zip(columns, short, ranges or [None] * len(columns), strict=True)
    ]


def _whole_name(one: ScoreColumn, name: str) -> str:
    return str(one.file) if name == one.file.stem else f"{one.file}:{name}"


def _doubts(model: LoadedModel) -> tuple[str, ...]:
    """Return why an evaluation of one's own weights may flatter them although nothing is marked."""
    whose = model.spec.name
    if model.learnt is None:
        return (f"{whose} does not say which photos it learnt from: none can be marked as LEAKY",)
    return tuple(
        f"{whose} started from {name}, and which photos that learnt from is unknown"
        for name in unknown_origins(model.learnt)
    )


def _file_tool(
    found: ForeignPredictions,
    *,
    name: str,
    file: Path,
    column: str | None,
    dataset: str,
    ends: PredictionRange | None,
) -> Tool:
    notes = []
    if found.by_order:
        notes.append(
            f"{file.name} names no images: its {len(found.predictions)} values are taken in the "
            "order of the labels"
        )
    if found.unmatched:
        notes.append(f"{found.unmatched} rows of {file.name} name no image of {dataset}")
    by_path = {prediction.path: prediction for prediction in found.predictions}
    whose = f"{column} in {file.name}" if column else file.name
    if ends is not None:
        scores = [p.score for p in found.predictions if p.score is not None]
        outside = [score for score in scores if not ends.holds(score)]
        if outside:
            notes.append(
                f"{len(outside)} of {len(scores)} scores of {whose} lie outside "
                f"--prediction-range {ends.describe()}, such as {outside[0]:g}"
            )
        by_path = {path: _in_percent(prediction, ends) for path, prediction in by_path.items()}
    return Tool(
        name=name,
        percent=ends is not None,
        predict=lambda paths: (by_path[path] for path in paths),
        notes=tuple(notes),
    )


def _in_percent(prediction: Prediction, ends: PredictionRange) -> Prediction:
    if prediction.score is None:
        return prediction
    return replace(prediction, score=ends.to_percent(prediction.score))
