"""`biqa evaluate`: how well models agree with people."""

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from shutil import get_terminal_size
from typing import Annotated

import typer

from biqa_cli.cli import _output
from biqa_cli.cli._options import Engine, format_of
from biqa_cli.errors import UsageError
from biqa_cli.models.catalog import DEFAULT_MODEL

SOME_FAILED = 3


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
        typer.Option(
            "--predictions",
            help="Scores of any tool: a CSV, a text file or JSON; may be given several times.",
        ),
    ] = None,
    column: Annotated[
        str | None,
        typer.Option("--column", metavar="NAME", help="Column of --predictions with the scores."),
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option("--delimiter", metavar="CHAR|tab", help="What separates those columns."),
    ] = None,
    label_range: Annotated[
        str | None,
        typer.Option(
            "--label-range", metavar="LOW:HIGH", help="The least and greatest label of a csv:FILE."
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            metavar="PROTOCOL[:PART]",
            help="Which images: clean, official, reference, image, scene, a saved split, or all.",
        ),
    ] = None,
    seeds: Annotated[
        str, typer.Option("--seeds", metavar="1,2|1-10", help="Seeds of a shuffled split.")
    ] = "1",
    save_split: Annotated[
        Path | None,
        typer.Option("--save-split", help="Write the split to a text file for --split."),
    ] = None,
    per: Annotated[
        list[Per] | None,
        typer.Option("--per", help="Also report each group; may be given several times."),
    ] = None,
    resamples: Annotated[
        int,
        typer.Option("--resamples", min=0, help="Bootstrap resamples for the intervals; 0: none."),
    ] = 1000,
    plots: Annotated[
        Path | None, typer.Option("--plots", metavar="DIR", help="Draw figures into this folder.")
    ] = None,
    format: Annotated[  # noqa: A002
        Format | None,
        typer.Option(
            "-f", "--format", help="Format of the report; default: a table, or the suffix of -o."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the report to a file.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Score all photos again.")] = False,
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
    from biqa_cli.datasets.loading import CSV_PREFIX, load_dataset, load_labels
    from biqa_cli.evaluation.parts import choose_parts, parse_seeds, save_part
    from biqa_cli.evaluation.report import render
    from biqa_cli.evaluation.run import evaluate_tool, problems_of, records_of, significance
    from biqa_cli.evaluation.tools import file_tools, model_tool
    from biqa_cli.models.loading import load_model

    _output.set_up_logging(0)
    style = format or (Format.table if output is None else format_of(output, _SUFFIXES))
    names = list(dict.fromkeys(model or ([] if predictions else [DEFAULT_MODEL])))
    if weights is not None and len(names) != 1:
        raise UsageError("--weights are those of one model: name it with -m, and only it")
    labels = Path(dataset.removeprefix(CSV_PREFIX))
    _keep(labels, weights, *(predictions or ()), written=(output, save_split))
    # Without a model no photo is opened, so none need be there.
    data = load_dataset(dataset, root, keep_missing=True) if names else load_labels(dataset, root)
    if label_range is not None:
        data = replace(data, scale=data.scale.with_ends(label_range))
    parts = choose_parts(data, split=split, seeds=parse_seeds(seeds))
    if save_split is not None:
        save_part(parts, data, save_split)
    tools = file_tools(predictions or (), data, column=column, delimiter=delimiter, taken=names)
    for name in names:
        ready = load_model(
            name, engine=engine.value, device=device, weights=weights, offline=offline
        )
        tools.append(model_tool(ready, data, fresh=fresh, batch_size=batch_size, workers=workers))
    evaluated = [
        evaluate_tool(
            tool,
            data,
            parts,
            per=[group.value for group in per or ()],
            resamples=resamples,
            watch=lambda said, total: _output.with_progress(
                said, total=total, unit="image", quiet=quiet
            ),
        )
        for tool in tools
    ]
    records = [record for one in evaluated for record in records_of(one, data)]
    for_people = style in (Format.table, Format.markdown)
    notes = significance(evaluated, data, resamples=resamples if for_people else 0)
    with _output.report_stream(output) as stream:
        width = get_terminal_size().columns if stream.isatty() else None
        stream.write(render(records, style=style.value, notes=notes, width=width))
    if plots is not None:
        from biqa_cli.evaluation.plots import plot

        for path in (path for one in evaluated for path in plot(one.evaluations[0], plots)):
            _output.say(str(path))
    for problem in problems_of(evaluated, records, data):
        _output.problem(problem)
    if not quiet:
        _output.say(f"labels: {data.scale.describe()}")
    if any(record["failed"] for record in records):
        raise typer.Exit(SOME_FAILED)


def _keep(*read: Path | None, written: Iterable[Path | None]) -> None:
    """Refuse to write over a file that is read."""
    sources = {path.resolve() for path in read if path is not None}
    for path in written:
        if path is not None and path.resolve() in sources:
            msg = f"{path} is a file that is read: choose another name for what is written"
            raise UsageError(msg)
