"""`biqa datasets`: where data sets come from, and whether a copy is whole."""

from typing import Annotated, Any

import typer

from biqa_cli.cli import _options, _output
from biqa_cli.cli._boundary import SOME_FAILED
from biqa_cli.datasets.catalog import DATASETS, find_dataset
from biqa_cli.datasets.checking import check_copy, facts_of

app = typer.Typer(no_args_is_help=True, help="List data sets and check copies of them.")

_SHOWN = 20
"""Problems that are printed beside the table; JSON has them all."""


@app.command("list")
def list_datasets(
    format: _options.ListFormat = _options.TableOrJson.table,  # noqa: A002
    verbose: _options.Verbose = 0,
) -> None:
    """List the data sets that biqa reads in their authors' layout.

    Example: biqa datasets list -f json
    """
    _output.set_up_logging(verbose)
    if format is _options.TableOrJson.json:
        _output.print_json([facts_of(info) for info in DATASETS.values()])
        return
    # Few and short columns: one line a data set on a terminal of 80 columns.
    columns = ("name", "kind", "images", "references", "labels", "better")
    rows = [
        (
            info.name,
            info.kind,
            info.count,
            _cell(info.references),
            f"{info.scale.lowest:g} to {info.scale.highest:g}",
            "higher" if info.scale.higher_is_better else "lower",
        )
        for info in DATASETS.values()
    ]
    _output.print_table(columns, rows, may_go=("references", "kind", "better", "images"))
    _output.say("no images come with biqa: `biqa datasets info NAME` tells the terms of each set")


@app.command("info")
def info(
    name: Annotated[str, typer.Argument(help="A name from `biqa datasets list`.")],
    format: _options.ListFormat = _options.TableOrJson.table,  # noqa: A002
    verbose: _options.Verbose = 0,
) -> None:
    """Show where to get a data set, under which terms, and what its folder holds.

    Example: biqa datasets info kadid10k
    """
    _output.set_up_logging(verbose)
    facts = facts_of(find_dataset(name))
    if format is _options.TableOrJson.json:
        _output.print_json(facts)
        return
    _output.print_table(("field", "value"), [[key, _cell(value)] for key, value in facts.items()])


@app.command("check")
def check(
    name: Annotated[
        str, typer.Argument(help="A name from `biqa datasets list`, or csv:FILE for your own.")
    ],
    root: _options.Root = None,
    format: _options.ListFormat = _options.TableOrJson.table,  # noqa: A002
    verbose: _options.Verbose = 0,
) -> None:
    """Check a copy of a data set: files, labels and counts. No image is opened.

    Exit codes: 0 whole, 2 the folder is not that of the data set, 3 images are missing or rows
    of the label file are bad.

    Example: biqa datasets check kadid10k --root /data/kadid10k
    """
    from biqa_cli.datasets.loading import load_dataset

    _output.set_up_logging(verbose)
    dataset = load_dataset(name, root)
    found = check_copy(dataset)
    if format is _options.TableOrJson.json:
        _output.print_json({**found, "problems": list(dataset.problems)})
    else:
        _output.print_table(
            ("field", "value"), [[key, _cell(value)] for key, value in found.items()]
        )
        for problem in dataset.problems[:_SHOWN]:
            _output.problem(problem)
        if len(dataset.problems) > _SHOWN:
            more = len(dataset.problems) - _SHOWN
            _output.problem(f"and {more} more problems: `-f json` lists them all")
    if not found["whole"]:
        raise typer.Exit(SOME_FAILED)


def _cell(value: Any) -> Any:  # noqa: ANN401  whatever JSON holds
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key} {count}" for key, count in value.items())
    return ", ".join(value) or "-" if isinstance(value, list) else value
