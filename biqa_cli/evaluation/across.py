"""Records of several data sets as one table: tools × data sets, as papers print it."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from biqa_cli.errors import UsageError
from biqa_cli.evaluation.formats import Format
from biqa_cli.evaluation.text_tables import Row, render_tables
from biqa_cli.reports.rows import not_a_formula, printable

Record = dict[str, Any]
_KEYS = {"dataset", "split", "model"}

ACROSS = ("srcc", "plcc_fitted", "krcc", "rmse_fitted")
"""The columns of each data set by default: RMSE and PLCC after the mapping, as in ITU-T P.1401."""
_UNKNOWN = "–"
SIGNED = ("srcc", "plcc", "krcc")
"""Shown without their sign: it is that of the labels as much as of the tool."""


def read_records(files: Sequence[Path]) -> list[Record]:
    """Return the evaluations that `biqa evaluate -f json` wrote.

    Raises:
        UsageError: If a file is no such report, or two evaluate one tool on one part of one set.
    """
    records: list[Record] = []
    for file in files:
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            msg = f"cannot read {str(file)!r}: {error.strerror}"
            raise UsageError(msg) from error
        except ValueError:
            content = None
        found = content if isinstance(content, list) else [content]
        if not all(isinstance(one, dict) and {*one} >= _KEYS for one in found):
            msg = f"{file} holds no evaluations: write it with `biqa evaluate … -f json -o {file}`"
            raise UsageError(msg)
        records += found
    seen: set[tuple[str, str]] = set()
    for record in records:
        place = (record["model"], _set(record))
        if place in seen:
            msg = f"{place[0]} is evaluated twice on {place[1]}: name one report of it, of one seed"
            raise UsageError(msg)
        seen.add(place)
    return records


def render_across(
    records: Sequence[Record], metrics: Sequence[str], *, style: Format, width: int | None = None
) -> str:
    """Return a table for each metric: a row a tool, a column a data set.

    Args:
        records: From `read_records`.
        metrics: Keys of the records.
        style: Of the text. CSV and JSON have a row for each metric and tool.
        width: Of the terminal, for a table; None folds nothing.

    Raises:
        UsageError: If the records have no such number.
    """
    for metric in metrics:
        if not all(isinstance(one.get(metric, ""), float | int | None) for one in records):
            there = ", ".join(_numbers(records))
            msg = f"{metric} is no number of an evaluation: there are {there}"
            raise UsageError(msg)
    tables = {metric: _table(records, metric) for metric in metrics}
    if style in (Format.table, Format.markdown):
        return render_tables([*tables.values()], style=style, width=width)
    header = ("metric", "model", *tables[metrics[0]][0][1:])
    rows = [
        (metric, row[0], *("" if cell == _UNKNOWN else cell for cell in row[1:]))
        for metric, (_, below) in tables.items()
        for row in below
    ]
    if style is Format.csv:
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(map(not_a_formula, header))
        # Of the cells only names: a number below 0 is no formula.
        writer.writerows((metric, not_a_formula(tool), *cells) for metric, tool, *cells in rows)
        return file.getvalue()
    found = [
        {**dict(zip(header, row[:2], strict=False)), **dict(zip(header[2:], values, strict=True))}
        for row in rows
        for values in [[float(cell) if cell else None for cell in row[2:]]]
    ]
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _numbers(records: Sequence[Record]) -> list[str]:
    """Return what may stand in a table, the usual first."""
    known = (key for one in records for key, value in one.items() if isinstance(value, float))
    return [*dict.fromkeys([*ACROSS, *known])]


def _table(records: Sequence[Record], metric: str) -> tuple[Row, list[Row]]:
    sets = list(dict.fromkeys(map(_set, records)))
    tools = list(dict.fromkeys(record["model"] for record in records))
    values = {(record["model"], _set(record)): record[metric] for record in records}
    shown = [
        (printable(tool), *(_cell(values.get((tool, one)), metric) for one in sets))
        for tool in tools
    ]
    return (metric, *map(printable, sets)), shown


def _set(record: Record) -> str:
    leaky = " LEAKY" if record.get("leaky") else ""
    part = "" if record["split"] == "all" else f" {record['split']}"
    return f"{record['dataset']}{part}{leaky}"


def _cell(value: float | None, metric: str) -> str:
    if value is None:
        return _UNKNOWN
    return f"{abs(value) if metric in SIGNED else value:.4f}"
