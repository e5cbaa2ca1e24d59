"""`biqa evaluate`: how well models agree with people."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated

import typer

from biqa_cli.cli import _options, _output, _progress, _report
from biqa_cli.cli._boundary import SOME_FAILED
from biqa_cli.cli._targets import refuse_to_overwrite
from biqa_cli.errors import UsageError
from biqa_cli.evaluation.formats import SUFFIXES, Format
from biqa_cli.models.catalog import DEFAULT_MODEL
from biqa_cli.results import RunInfo

if TYPE_CHECKING:
    from biqa_cli.datasets.base import Dataset
    from biqa_cli.evaluation.run import Evaluated
    from biqa_cli.evaluation.tools import Tool
    from biqa_cli.images.limits import Limits


class Per(StrEnum):
    """What images are grouped by."""

    type = "type"
    level = "level"
    range = "range"
    subset = "subset"


def evaluate(
    dataset: _options.DatasetOption,
    root: _options.Root = None,
    model: _options.Models = None,
    predictions: _options.Predictions = None,
    column: _options.Column = None,
    delimiter: _options.Delimiter = None,
    label_range: _options.LabelRange = None,
    split: _options.Split = None,
    seeds: Annotated[
        str, typer.Option("--seeds", metavar="1,2|1-10", help="Seeds of a shuffled split.")
    ] = "1",
    save_split: Annotated[
        Path | None, typer.Option("--save-split", help="Write the split to a file for --split.")
    ] = None,
    per: Annotated[
        list[Per] | None, typer.Option("--per", help="Also report each group; repeatable.")
    ] = None,
    resamples: _options.Resamples = 1000,
    plots: Annotated[
        Path | None, typer.Option("--plots", metavar="DIR", help="Draw figures into this folder.")
    ] = None,
    format: Annotated[  # noqa: A002
        Format | None,
        typer.Option("-f", "--format", help="A table by default; -o decides by suffix."),
    ] = None,
    output: _options.Output = None,
    report: _report.ReportFile = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Score all photos again.")] = False,
    weights: _options.Weights = None,
    device: _options.Device = "auto",
    engine: _options.EngineOption = _options.Engine.auto,
    batch_size: _options.BatchSize = None,
    workers: _options.Workers = None,
    max_megapixels: _options.MaxMegapixels = _options.DEFAULT_MEGAPIXELS,
    memory: _options.Memory = _options.DEFAULT_MEMORY,
    seconds_per_photo: _options.SecondsPerPhoto = _options.DEFAULT_SECONDS,
    offline: _options.Offline = False,
    quiet: _options.Quiet = False,
    verbose: _options.Verbose = 0,
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
    from biqa_cli.scoring import run_info

    _output.set_up_logging(verbose)
    style = format or (Format.table if output is None else _options.format_of(output, SUFFIXES))
    _report.check_report(report)
    names = list(dict.fromkeys(model or ([] if predictions else [DEFAULT_MODEL])))
    if weights is not None and len(names) != 1:
        raise UsageError("--weights are those of one model: name it with -m, and only it")
    # Without a model no photo is opened, so none need be there.
    data = load_dataset(dataset, root, keep_missing=True) if names else load_labels(dataset, root)
    photos = (data.root / image.path for image in data.images)
    labels = Path(dataset.removeprefix(CSV_PREFIX))
    refuse_to_overwrite(
        [output, save_split, report], [labels, weights, *(predictions or ()), *photos]
    )
    if label_range is not None:
        data = replace(data, scale=data.scale.with_ends(label_range))
    parts = choose_parts(data, split=split, seeds=parse_seeds(seeds))
    if save_split is not None:
        save_part(parts, data, save_split)
    tools = file_tools(predictions or (), data, column=column, delimiter=delimiter, taken=names)
    limits = _options.limits_of(
        max_megapixels=max_megapixels, memory=memory, seconds=seconds_per_photo
    )
    runs: list[RunInfo] = []
    for name in names:
        ready = load_model(
            name, engine=engine.value, device=device, weights=weights, offline=offline
        )
        runs.append(run_info(ready))
        tools.append(
            model_tool(
                ready, data, fresh=fresh, batch_size=batch_size, workers=workers, limits=limits
            )
        )
    _check_page(report, tools, data)
    watch = partial(_progress.with_progress, unit="image", quiet=quiet)
    evaluated = [
        evaluate_tool(
            tool,
            data,
            parts,
            per=[group.value for group in per or ()],
            resamples=resamples,
            watch=watch,
        )
        for tool in tools
    ]
    records = [record for one in evaluated for record in records_of(one, data)]
    for_people = style in (Format.table, Format.markdown)
    notes = significance(evaluated, data, resamples=resamples if for_people else 0)
    with _output.report_stream(output) as stream:
        width = get_terminal_size().columns if stream.isatty() else None
        stream.write(render(records, style=style, notes=notes, width=width))
    if plots is not None:
        from biqa_cli.evaluation.plots import plot

        for path in (path for one in evaluated for path in plot(one.evaluations[0], plots)):
            _output.say(str(path))
    _write_page(report, evaluated, data, runs, limits=limits, workers=workers, quiet=quiet)
    for problem in problems_of(evaluated, records, data):
        _output.problem(problem)
    if not quiet:
        _output.say(f"labels: {data.scale.describe()}")
    if any(record["failed"] for record in records):
        raise typer.Exit(SOME_FAILED)


def _check_page(report: Path | None, tools: "Sequence[Tool]", data: "Dataset") -> None:
    """Check before anything is scored that --report can show it."""
    if report is not None:
        from biqa_cli.evaluation.page import check_pageable

        check_pageable(tools, data.scale)


def _write_page(
    report: Path | None,
    evaluated: "Sequence[Evaluated]",
    data: "Dataset",
    runs: Sequence[RunInfo],
    *,
    limits: "Limits",
    workers: int | None,
    quiet: bool,
) -> None:
    if report is None:
        return
    from biqa_cli.evaluation.page import photos_of, table_of

    (one,), (run,) = evaluated, runs
    _report.write_report_page(
        report,
        photos_of(one, data),
        run=run,
        tables=[table_of(one.evaluations)],
        limits=limits,
        workers=workers,
        quiet=quiet,
    )
