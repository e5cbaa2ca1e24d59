"""Groups of images, such as types of distortion, as a table: of one tool, or of several."""

from collections.abc import Sequence
from typing import Any

from biqa_cli.evaluation.text_tables import Row
from biqa_cli.reports.rows import printable

Record = dict[str, Any]

_ROOM = 80
"""Of a terminal: further tools go into a further table."""
_NUMBER = len("-0.0000")


def group_tables(records: Sequence[Record]) -> list[tuple[Row, list[Row]]]:
    """Return the groups of records: none, one table, or as many as the tools need at 80 columns.

    Several tools on one part stand side by side, as papers print them, with their SRCC. Otherwise
    each group of each record has a row, with its PLCC.
    """
    if not any(record["groups"] for record in records):
        return []
    tools = {record["model"] for record in records}
    if 1 < len(tools) == len(records):
        return _side_by_side(records)
    rows: list[Row] = [
        (
            printable(record["model"]),
            group["by"],
            printable(group["name"]),
            str(group["n"]),
            number(group["srcc"]),
            number(group["plcc"]),
        )
        for record in records
        for group in record["groups"]
    ]
    return [(("model", "by", "group", "n", "srcc", "plcc"), rows)]


def number(value: float | None) -> str:
    """Return four decimals, or a dash for what is not defined."""
    return "–" if value is None else f"{value:.4f}"


def _side_by_side(records: Sequence[Record]) -> list[tuple[Row, list[Row]]]:
    # An image without a prediction may leave a tool without one of the groups.
    places = list(dict.fromkeys((g["by"], g["name"]) for r in records for g in r["groups"]))
    values = [{(g["by"], g["name"]): g for g in r["groups"]} for r in records]
    sizes = {p: max(v[p]["n"] for v in values if p in v) for p in places}
    titles = {p: f"{p[0]} {printable(p[1])}" for p in places}
    first = max(map(len, titles.values())) + 2 + len(str(max(sizes.values()))) + 2
    tables = []
    for block in _blocks([printable(record["model"]) for record in records], _ROOM - first):
        rows: list[Row] = [
            (
                titles[place],
                str(sizes[place]),
                *(number(values[i].get(place, {}).get("srcc")) for i in block),
            )
            for place in places
        ]
        names = (printable(records[i]["model"]) for i in block)
        tables.append((("SRCC", "n", *names), rows))
    return tables


def _blocks(names: Sequence[str], room: int) -> list[list[int]]:
    """Return the tools of each table by their positions: at least one, else as many as fit."""
    blocks: list[list[int]] = []
    left = 0
    for position, name in enumerate(names):
        size = max(len(name), _NUMBER) + 2
        if not blocks or left < size:
            blocks.append([])
            left = room
        blocks[-1].append(position)
        left -= size
    return blocks
