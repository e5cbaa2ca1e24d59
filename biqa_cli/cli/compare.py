"""`biqa compare`: which of two models or tools agrees better with people."""

from pathlib import Path
from typing import Annotated

import typer

from biqa_cli.cli import _options, _output


def compare(
    first: Annotated[
        Path, typer.Argument(metavar="A", help="Scores of a tool: a CSV, a text file or JSON.")
    ],
    second: Annotated[Path, typer.Argument(metavar="B", help="Scores of another tool.")],
    dataset: _options.DatasetOption,
    root: _options.Root = None,
    label_range: _options.LabelRange = None,
    split: _options.Split = None,
    column: _options.Columns = None,
    delimiter: _options.Delimiter = None,
    prediction_range: _options.PredictionRange = None,
    resamples: Annotated[int, typer.Option("--resamples", min=1, help="For the intervals.")] = 1000,
    format: _options.ListFormat = _options.TableOrJson.table,  # noqa: A002
    verbose: _options.Verbose = 0,
) -> None:
    """Tell which of two tools agrees better with people, and whether significantly so.

    Takes two files of scores, such as those that `biqa score` writes. No photo is opened. Only
    images that both have scored count.

    Two columns of one table: biqa compare t.csv t.csv --column ssim --column psnr.

    Example: biqa compare ours.csv theirs.csv --dataset koniq10k --root DIR
    """
    from biqa_cli.datasets.loading import load_labels
    from biqa_cli.errors import UsageError
    from biqa_cli.evaluation.compare import compare_tools, direction_of
    from biqa_cli.evaluation.comparison_report import as_record, table, verdict
    from biqa_cli.evaluation.foreign_tables import ScoreColumn
    from biqa_cli.evaluation.parts import choose_parts
    from biqa_cli.evaluation.prediction_ranges import ranges_of
    from biqa_cli.evaluation.tools import file_tools

    _output.set_up_logging(verbose)
    data = load_labels(dataset, root).with_label_range(label_range)
    (part,) = choose_parts(data, split=split, seeds=(1,))
    images = [data.images[index] for index in part.indices]
    paths = [image.path for image in images]
    given: list[str | None] = [*column] if column else [None]
    if len(given) > 2:  # noqa: PLR2004  A and B
        msg = f"--column is given {len(given)} times: name one column, or that of A and that of B"
        raise UsageError(msg)
    columns = (ScoreColumn(first, given[0]), ScoreColumn(second, given[-1]))
    ranges = ranges_of(prediction_range or (), columns)
    one, other = file_tools(columns, data, delimiter=delimiter, ranges=ranges)
    comparison = compare_tools(
        images,
        list(one.predict(paths)),
        list(other.predict(paths)),
        directions=(direction_of(data, one.percent), direction_of(data, other.percent)),
        resamples=resamples,
    )
    names = (one.name, other.name)
    if format is _options.TableOrJson.json:
        _output.print_json(as_record(comparison, names=names, dataset=data.name, split=part.name))
    else:
        _output.print_table(*table(comparison, names=names))
        _output.print_line(verdict(comparison, names=names))
    for note in (*one.notes, *other.notes):
        _output.problem(note)
    if comparison.n < len(images):
        _output.problem(f"{len(images) - comparison.n} of {len(images)} images lack a score")
