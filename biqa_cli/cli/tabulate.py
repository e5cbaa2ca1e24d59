"""`biqa tabulate`: evaluations of several data sets as tables of tools × data sets."""

from pathlib import Path
from shutil import get_terminal_size
from typing import Annotated

import typer

from biqa_cli.cli import _options, _output
from biqa_cli.cli._targets import refuse_to_overwrite
from biqa_cli.evaluation.formats import SUFFIXES, Format


def tabulate(
    reports: Annotated[
        list[Path], typer.Argument(metavar="REPORT.json …", help="Of `biqa evaluate -f json`.")
    ],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="NAME",
            help="srcc, plcc_fitted, krcc and rmse_fitted by default; repeatable.",
        ),
    ] = None,
    format: Annotated[  # noqa: A002
        Format | None,
        typer.Option("-f", "--format", help="A table by default; -o decides by suffix."),
    ] = None,
    output: _options.Output = None,
    verbose: _options.Verbose = 0,
) -> None:
    """Print evaluations of several data sets as tables: tools by data sets.

    Correlations stand without their sign, as papers print them: `biqa evaluate` has it.

    Example: biqa tabulate tid2013.json kadid10k.json --metric srcc -o table.md
    """
    from biqa_cli.evaluation.across import ACROSS, read_records, render_across

    _output.set_up_logging(verbose)
    style = _options.choose_format(format, output, SUFFIXES, default=Format.table)
    refuse_to_overwrite([output], reports)
    records = read_records(reports)
    with _output.report_stream(output) as stream:
        width = get_terminal_size().columns if stream.isatty() else None
        stream.write(render_across(records, metric or ACROSS, style=style, width=width))
