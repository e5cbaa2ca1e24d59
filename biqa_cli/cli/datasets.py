"""`biqa datasets`: where data sets come from, and whether a copy is whole."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from biqa_cli.cli import _output
from biqa_cli.cli._options import TableOrJson
from biqa_cli.datasets.catalog import DATASETS, DatasetInfo, find_dataset

app = typer.Typer(no_args_is_help=True, help="List data sets and check copies of them.")

INCOMPLETE = 3
_SHOWN = 20
"""Problems that are printed beside the table; JSON has them all."""

Format = Annotated[TableOrJson, typer.Option("-f", "--format")]


@app.command("list")
def list_datasets(format: Format = TableOrJson.table) -> None:  # noqa: A002
    """List the data sets that biqa reads in their authors' layout.

    Example: biqa datasets list -f json
    """
    facts = [_facts(info) for info in DATASETS.values()]
    if format is TableOrJson.json:
        _output.print_json(facts)
        return
    columns = ("name", "kind", "images", "references", "label", "source")
    _output.print_table(columns, [[_cell(fact[column]) for column in columns] for fact in facts])
    _output.say("no images come with biqa: `biqa datasets info NAME` tells the terms of each set")


@app.command("info")
def info(
    name: Annotated[str, typer.Argument(help="A name from `biqa datasets list`.")],
    format: Format = TableOrJson.table,  # noqa: A002
) -> None:
    """Show where to get a data set, under which terms, and what its folder holds.

    Example: biqa datasets info kadid10k
    """
    facts = _facts(find_dataset(name))
    if format is TableOrJson.json:
        _output.print_json(facts)
        return
    _output.print_table(("field", "value"), [[key, _cell(value)] for key, value in facts.items()])


@app.command("check")
def check(
    name: Annotated[
        str, typer.Argument(help="A name from `biqa datasets list`, or csv:FILE for your own.")
    ],
    root: Annotated[
        Path | None,
        typer.Option("--root", help="Where it was unpacked; for csv:FILE the folder of its paths."),
    ] = None,
    format: Format = TableOrJson.table,  # noqa: A002
) -> None:
    """Check a copy of a data set: files, labels and counts. No image is opened.

    Exit codes: 0 whole, 2 the folder is not that of the data set, 3 images are missing or rows
    of the label file are bad.

    Example: biqa datasets check kadid10k --root /data/kadid10k
    """
    from biqa_cli.datasets.loading import load_dataset

    dataset = load_dataset(name, root)
    known = DATASETS.get(dataset.name)
    labels = [image.mos for image in dataset.images]
    references = {image.reference for image in dataset.images} - {None}
    expected = None if known is None else known.count
    whole = not dataset.problems and expected in (None, len(dataset.images))
    found: dict[str, Any] = {
        "name": dataset.name,
        "root": str(dataset.root),
        "images": len(dataset.images),
        "images_expected": expected,
        "references": len(references) or None,
        "references_expected": None if known is None else known.references,
        "label": dataset.scale.describe(),
        "label_lowest": min(labels),
        "label_highest": max(labels),
        "official_parts": _counted([image.official_part for image in dataset.images]),
        "clean_parts": _counted([image.clean_part for image in dataset.images]),
        "whole": whole,
    }
    if format is TableOrJson.json:
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
    if not whole:
        raise typer.Exit(INCOMPLETE)


def _counted(parts: list[str | None]) -> dict[str, int] | None:
    return dict(Counter(part for part in parts if part is not None)) or None


def _facts(info: DatasetInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "title": info.title,
        "kind": info.kind,
        "images": info.count,
        "references": info.references,
        "label": info.scale.describe(),
        "higher_is_better": info.scale.higher_is_better,
        "columns": list(info.columns),
        "layout": info.layout,
        "source": info.source,
        "terms": info.terms,
        "citation": info.citation,
    }


def _cell(value: Any) -> Any:  # noqa: ANN401  whatever JSON holds
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key} {count}" for key, count in value.items())
    return ", ".join(value) or "-" if isinstance(value, list) else value
