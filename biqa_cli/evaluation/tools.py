"""What is evaluated: a model of the catalogue, or the CSV of any tool."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from biqa_cli.datasets.base import Dataset
from biqa_cli.evaluation.evaluate import IntervalOf
from biqa_cli.evaluation.foreign import read_predictions
from biqa_cli.evaluation.predictions import Prediction, predict
from biqa_cli.models.loading import LoadedModel
from biqa_cli.weights.manifest import Checkpoint, load_manifest


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that predicts the quality of the images of a data set."""

    name: str
    percent: bool
    """Whether it predicts 0 to 100, higher is better."""
    predict: Callable[[Sequence[str]], Iterator[Prediction]]
    """From paths, as the data set names them, to one prediction each, in order."""
    family: str = ""
    """Of the model; empty for a CSV."""
    interval: IntervalOf | None = None
    """Of a score, where it gives such."""
    checkpoint: Checkpoint | None = None
    """The listed weights that it uses, None for others."""
    notes: tuple[str, ...] = ()


def model_tool(
    model: LoadedModel,
    dataset: Dataset,
    *,
    fresh: bool = False,
    batch_size: int | None = None,
    workers: int | None = None,
) -> Tool:
    """Return a model as a tool; what it predicts is kept for the next run."""

    def run(paths: Sequence[str]) -> Iterator[Prediction]:
        return predict(
            paths,
            model,
            root=dataset.root,
            dataset=dataset.name.replace(":", "-"),
            fresh=fresh,
            batch_size=batch_size,
            workers=workers,
        )

    listed = load_manifest().find(model.spec.name)
    is_listed = listed is not None and listed.sha256 == model.weights_sha256
    return Tool(
        name=model.spec.name,
        percent=True,
        predict=run,
        family=model.spec.family,
        interval=model.spec.scale.interval,
        checkpoint=listed if is_listed else None,
    )


def csv_tool(file: Path, dataset: Dataset) -> Tool:
    """Return the predictions in a CSV as a tool.

    Raises:
        UsageError: If the file is not such a table.
    """
    found = read_predictions(file, [image.path for image in dataset.images])
    by_path = {prediction.path: prediction for prediction in found.predictions}
    notes = (
        (f"{found.unmatched} rows of {file.name} name no image of {dataset.name}",)
        if found.unmatched
        else ()
    )
    return Tool(
        name=file.stem,
        percent=False,
        predict=lambda paths: (by_path[path] for path in paths),
        notes=notes,
    )
