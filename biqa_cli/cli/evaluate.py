"""`biqa evaluate`: how well models agree with people."""

from functools import partial
from pathlib import Path
from shutil import get_terminal_size
from typing import Annotated

import typer

from biqa_cli.cli import _options, _output, _progress, _report
from biqa_cli.cli._boundary import SOME_FAILED
from biqa_cli.cli._targets import refuse_to_overwrite
from biqa_cli.evaluation.formats import SUFFIXES, Format, GroupBy, MappingCurve
from biqa_cli.models.catalog import DEFAULT_MODEL


def evaluate(
    dataset: _options.DatasetOption,
    root: _options.Root = None,
    model: _options.Models = None,
    predictions: _options.Predictions = None,
    column: _options.Columns = None,
    delimiter: _options.Delimiter = None,
    prediction_range: _options.PredictionRange = None,
    label_range: _options.LabelRange = None,
    split: _options.Split = None,
    seeds: Annotated[
        str, typer.Option("--seeds", metavar="1,2|1-10", help="Seeds of a shuffled split.")
    ] = "1",
    save_split: Annotated[
        Path | None,
        typer.Option(
            "--save-split",
            metavar="FILE",
            parser=_options.only_file,
            help="Write the split to a file for --split.",
        ),
    ] = None,
    per: Annotated[
        list[GroupBy] | None, typer.Option("--per", help="Also report each group; repeatable.")
    ] = None,
    curve: Annotated[
        MappingCurve, typer.Option("--curve", help="Of the mapping behind fitted metrics.")
    ] = MappingCurve.logistic4,
    raters: Annotated[
        int | None,
        typer.Option("--raters", min=2, help="Opinions behind each label: AUCs and ITU-T P.1401."),
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
    store: _options.StoreFile = None,
    fresh: _options.Fresh = False,
    no_store: _options.NoStore = False,
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

    Exit codes: 0 all images have a label and a prediction, 2 nothing could be evaluated, 3 some
    have none, or rows of the label file are bad.

    Example: biqa evaluate --dataset tid2013 --root DIR --per type
    """
    from biqa_cli.datasets.loading import CSV_PREFIX, load_dataset, load_labels
    from biqa_cli.evaluation import run
    from biqa_cli.evaluation.doubt import require_spread
    from biqa_cli.evaluation.drawing import require_matplotlib
    from biqa_cli.evaluation.parts import choose_parts, parse_seeds, save_part
    from biqa_cli.evaluation.plots_of_tools import plot_tools
    from biqa_cli.evaluation.prediction_ranges import ranges_of
    from biqa_cli.evaluation.report import render
    from biqa_cli.evaluation.tools import file_tools, model_tool, score_columns
    from biqa_cli.models.loading import load_model

    _output.set_up_logging(verbose)
    style = _options.choose_format(format, output, SUFFIXES, default=Format.table)
    _report.check_report(report)
    names = list(dict.fromkeys(model or ([] if predictions else [DEFAULT_MODEL])))
    if plots is not None:
        require_matplotlib()
    # Without a model no photo is opened, so none need be there.
    data = load_dataset(dataset, root, keep_missing=True) if names else load_labels(dataset, root)
    data = data.with_label_range(label_range)
    require_spread(data, raters)
    photos = (data.root / image.path for image in data.images)
    labels = Path(dataset.removeprefix(CSV_PREFIX))
    refuse_to_overwrite(
        [output, save_split, report],
        [labels, *_options.files_of(names), *(predictions or ()), *photos],
    )
    parts = choose_parts(data, split=split, seeds=parse_seeds(seeds))
    if save_split is not None:
        save_part(parts, data, save_split)
    columns = score_columns(predictions or (), column or ())
    tools = file_tools(
        columns,
        data,
        delimiter=delimiter,
        ranges=ranges_of(prediction_range or (), columns),
        taken=names,
    )
    limits = _options.limits_of(
        max_megapixels=max_megapixels, memory=memory, seconds=seconds_per_photo
    )
    as_tool = partial(model_tool, batch_size=batch_size, workers=workers, limits=limits)
    models = [
        load_model(name, engine=engine.value, device=device, offline=offline) for name in names
    ]
    watch = partial(_progress.with_progress, unit="image", quiet=quiet)
    with _options.store_of(store, fresh=fresh, unused=no_store) as known:
        tools += [as_tool(ready, data, store=known) for ready in models]
        _report.check_page_of_evaluation(report, tools, data)
        evaluated = run.evaluate_tools(
            tools,
            data,
            parts,
            per=per or (),
            curve=curve.value,
            raters=raters,
            resamples=resamples,
            watch=watch,
        )
    records = run.records_of(evaluated, data)
    for_people = style in (Format.table, Format.markdown)
    notes = run.significance(evaluated, data, resamples=resamples if for_people else 0)
    with _output.report_stream(output) as stream:
        width = get_terminal_size().columns if stream.isatty() else None
        stream.write(render(records, style=style, notes=notes, width=width))
    if plots is not None:
        for path in plot_tools([one.evaluations[0] for one in evaluated], plots):
            _output.say(str(path))
    _report.write_page_of_evaluation(
        report,
        evaluated,
        data,
        models,
        limits=limits,
        workers=workers,
        quiet=quiet,
    )
    for problem in run.problems_of(evaluated, records, data):
        _output.problem(problem)
    if not quiet:
        _output.say(f"labels: {data.scale.describe()}")
    if run.is_incomplete(records, data):
        raise typer.Exit(SOME_FAILED)
