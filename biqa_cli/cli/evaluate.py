"""`biqa evaluate`: how well models agree with people."""

from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biqa_cli.cli import _output
from biqa_cli.cli._options import Engine, format_of
from biqa_cli.errors import UsageError
from biqa_cli.models.catalog import DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from biqa_cli.datasets.base import Dataset
    from biqa_cli.evaluation.evaluate import Evaluation
    from biqa_cli.evaluation.parts import Part
    from biqa_cli.evaluation.predictions import Prediction
    from biqa_cli.evaluation.report import Record
    from biqa_cli.evaluation.tools import Tool

SOME_FAILED = 3
_SHOWN = 5


class Format(StrEnum):
    """How an evaluation is written."""

    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"


class Per(StrEnum):
    """What images are grouped by."""

    type = "type"
    level = "level"
    range = "range"
    subset = "subset"


_SUFFIXES = {
    ".txt": Format.table,
    ".json": Format.json,
    ".csv": Format.csv,
    ".md": Format.markdown,
}


def evaluate(
    dataset: Annotated[
        str, typer.Option("--dataset", help="See `biqa datasets list`, or csv:FILE for your own.")
    ],
    root: Annotated[
        Path | None, typer.Option("--root", help="The folder that the data set was unpacked to.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("-m", "--model", help="See `biqa models list`; may be given several times."),
    ] = None,
    predictions: Annotated[
        list[Path] | None,
        typer.Option("--predictions", help="A CSV of any tool with path and score; repeatable."),
    ] = None,
    label_range: Annotated[
        str | None,
        typer.Option("--label-range", metavar="LOW:HIGH", help="Of the labels of a csv:FILE."),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            metavar="PROTOCOL[:PART]",
            help="clean, official, reference, image, scene, a saved file, or all.",
        ),
    ] = None,
    seeds: Annotated[
        str, typer.Option("--seeds", metavar="1,2|1-10", help="Repeats of a shuffled split.")
    ] = "1",
    save_split: Annotated[
        Path | None, typer.Option("--save-split", help="Write the split as text, with its sha256.")
    ] = None,
    per: Annotated[
        list[Per] | None, typer.Option("--per", help="Also within groups; repeatable.")
    ] = None,
    resamples: Annotated[
        int, typer.Option("--resamples", min=0, help="For the intervals; 0 leaves them out.")
    ] = 1000,
    plots: Annotated[
        Path | None, typer.Option("--plots", metavar="DIR", help="Draw figures into a folder.")
    ] = None,
    format: Annotated[  # noqa: A002
        Format | None, typer.Option("-f", "--format", help="A table; -o decides by suffix.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write to a file, renamed when whole.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Score again what an earlier run has scored.")
    ] = False,
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Your own safetensors file for the model.")
    ] = None,
    device: Annotated[
        str, typer.Option("-d", "--device", metavar="auto|cpu|cuda|mps", help="Where models run.")
    ] = "auto",
    engine: Annotated[Engine, typer.Option("--engine", help="What runs them.")] = Engine.auto,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", min=1, help="Photos at once.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("-j", "--workers", min=1, help="Threads that read photos.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Open no socket.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress, no talk.")] = False,
) -> None:
    """Measure how well models, or any tool's predictions, agree with people's scores.

    Exit codes: 0 all images have a prediction, 2 nothing could be evaluated, 3 some have none.

    Example: biqa evaluate --dataset tid2013 --root DIR --per type
    """
    from biqa_cli.datasets.loading import load_dataset
    from biqa_cli.evaluation.parts import choose_parts, parse_seeds
    from biqa_cli.evaluation.report import render
    from biqa_cli.evaluation.run import evaluate_tool, record_of
    from biqa_cli.evaluation.tools import csv_tool, model_tool
    from biqa_cli.models.loading import load_model

    style = _choose_format(format, output)
    names = model or ([] if predictions else [DEFAULT_MODEL])
    if weights is not None and len(names) != 1:
        raise UsageError("--weights are those of one model: name it with -m, and only it")
    data = load_dataset(dataset, root, keep_missing=True)
    if label_range is not None:
        data = replace(data, scale=data.scale.with_ends(label_range))
    parts = choose_parts(data, split=split, seeds=parse_seeds(seeds))
    if save_split is not None:
        _save_split(parts, data, save_split)
    tools = [csv_tool(file, data) for file in predictions or ()]
    for name in names:
        ready = load_model(
            name, engine=engine.value, device=device, weights=weights, offline=offline
        )
        tools.append(model_tool(ready, data, fresh=fresh, batch_size=batch_size, workers=workers))
    evaluations = {
        tool.name: evaluate_tool(
            tool,
            data,
            parts,
            per=[group.value for group in per or ()],
            resamples=resamples,
            watch=partial(_watch, quiet=quiet),
        )
        for tool in tools
    }
    records = [record_of(e, tool, data) for tool in tools for e in evaluations[tool.name]]
    with _output.report_stream(output) as stream:
        stream.write(render(records, style=style.value))
    if plots is not None:
        _plot(evaluations, plots)
    _tell(tools, data, records, quiet=quiet)
    if any(record["failed"] for record in records):
        raise typer.Exit(SOME_FAILED)


def _watch(
    predictions: "Iterable[Prediction]", total: int, *, quiet: bool
) -> "Iterator[Prediction]":
    return _output.with_progress(predictions, total=total, unit="image", quiet=quiet)


def _choose_format(asked: Format | None, output: Path | None) -> Format:
    if asked is not None or output is None:
        return asked or Format.table
    return format_of(output, _SUFFIXES)


def _save_split(parts: "Sequence[Part]", data: "Dataset", path: Path) -> None:
    from biqa_cli.datasets.split_files import save_split

    if len(parts) > 1 or parts[0].split is None:
        raise UsageError("--save-split writes one split: choose one with --split and one seed")
    save_split(parts[0].split, data, path)


def _plot(evaluations: "Mapping[str, Sequence[Evaluation]]", folder: Path) -> None:
    from biqa_cli.evaluation.plots import plot

    for repeats in evaluations.values():
        for path in plot(repeats[0], folder):
            _output.say(str(path))


def _tell(
    tools: "Sequence[Tool]", data: "Dataset", records: "Sequence[Record]", *, quiet: bool
) -> None:
    """Say what is wrong with the data set, and which images have no prediction."""
    from biqa_cli.datasets.loading import NOT_FOUND

    problems = [problem for problem in data.problems if not problem.endswith(NOT_FOUND)]
    problems += [note for tool in tools for note in tool.notes]
    for record in records:
        failed = [f"{record['model']}: {f['path']}: {f['error']}" for f in record["failures"]]
        problems += failed[:_SHOWN]
        if len(failed) > _SHOWN:
            more = len(failed) - _SHOWN
            problems.append(f"{record['model']}: and {more} more failed: -f json lists them all")
    for problem in dict.fromkeys(problems):
        _output.problem(problem)
    if not quiet:
        _output.say(f"labels: {data.scale.describe()}")
