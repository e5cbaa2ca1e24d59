"""The command line: an explicit list of commands."""

import sys
from functools import partial
from typing import Annotated

import typer

from biqa_cli import __version__
from biqa_cli.cli import (
    compare,
    cull,
    datasets,
    distort,
    evaluate,
    export,
    gmad,
    group,
    heatmap,
    models,
    rate,
    score,
    store,
    study,
    tabulate,
    train,
    tune,
    weights,
)
from biqa_cli.cli._boundary import ErrorBoundary, run
from biqa_cli.cli._many_names import ManyNames

app = typer.Typer(
    name="biqa",
    cls=ErrorBoundary,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="How good is a photo? Blind image quality assessment.",
)
app.command("score", cls=ManyNames)(score.score)
app.command("heatmap")(heatmap.heatmap)
app.command("group")(group.group)
app.command("cull")(cull.cull)
app.command("distort")(distort.distort)
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("tabulate")(tabulate.tabulate)
app.command("gmad")(gmad.gmad)
app.command("train")(train.train)
app.command("rate")(rate.rate)
app.command("tune")(tune.tune)
app.command("study")(study.study)
app.command("export")(export.export)
app.add_typer(models.app, name="models")
app.add_typer(weights.app, name="weights")
app.add_typer(store.app, name="store")
app.add_typer(datasets.app, name="datasets")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"biqa {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line and end the process."""
    sys.exit(run(partial(app, prog_name="biqa")))
