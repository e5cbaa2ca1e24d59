"""Tables of predictions as the tools of the field write them: CSV, TSV, JSON."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biqa_cli.datasets.csv_file import LABELS
from biqa_cli.datasets.tables import finite
from biqa_cli.errors import UsageError

# What the tools of the field call the two columns; the first that is there counts.
PATH_COLUMNS = (
    "path",
    "dist_img",
    "image",
    "image_path",
    "img_path",
    "filename",
    "file",
    "image_name",
    "img_name",
    "image_id",
    "name",
)
SCORE_COLUMNS = (
    "score",
    "prediction",
    "predicted",
    "pred",
    "quality",
    "mos_pred",
    "pmos",
    "mean_score_prediction",
)
_JSON = (".json", ".ndjson", ".jsonl")
_DELIMITERS = {"tab": "\t", "\\t": "\t"}
# The columns of tables without a header.
_VALUES = ["score"]
_BY_NAME = ["path", "score"]
_BY_SCORE = ["score", "path"]


@dataclass(frozen=True, slots=True)
class ScoreColumn:
    """Where a tool's scores stand."""

    file: Path
    column: str | None = None
    """None is the column that `read_scores` finds."""


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of a file, as text."""

    names: list[str] | None
    """Of the images; None for a file of values alone, which are in the order of the labels."""
    scores: list[str]


@dataclass(frozen=True, slots=True)
class _Table:
    columns: list[str]
    rows: list[list[str]]


def read_scores(file: Path, *, column: str | None = None, delimiter: str | None = None) -> Scores:
    """Return the names of images and their scores, a row of a file each.

    A table of text may lack its header: it is then a name and a score (or the other way round) in
    each row, or a score alone.

    Args:
        file: JSON by its suffix (a list of objects, an object of scores by name, or an object a
            line), else a table of text.
        column: The column of the scores; None is the first of `SCORE_COLUMNS`, or the only one
            beside the names.
        delimiter: The character between columns; None takes the tab or semicolon of the first
            line, else the comma, else the space of a number and a name. Where it is no comma,
            scores may have a decimal comma.

    Raises:
        UsageError: If the file cannot be read, or its columns of names and scores are not known.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
        if file.suffix.lower() in _JSON:
            table = _from_json(text, file)
        else:
            table = _from_text(text, delimiter)
    except OSError as error:
        msg = f"cannot read the predictions {str(file)!r}: {error.strerror}"
        raise UsageError(msg) from error
    except (UnicodeDecodeError, csv.Error, json.JSONDecodeError) as error:
        form = "JSON" if file.suffix.lower() in _JSON else "a table"
        msg = f"{file} is not {form} in UTF-8 ({error})"
        raise UsageError(msg) from error
    if table.columns == _VALUES:
        if column is not None:
            msg = f"{file} has values alone, and no column {column!r} (--column)"
            raise UsageError(msg)
        return Scores(None, [row[0] for row in table.rows])
    name, score = _places(table, file, column)
    for number, row in enumerate(table.rows, start=1):
        if any(cell.strip() for cell in row[len(table.columns) :]):
            # Such as 0,71 between commas, which would be read as 0.
            msg = (
                f"{file} has {len(row)} cells in row {number} below {len(table.columns)} columns: "
                "put quotes around what holds the delimiter, or choose another with --delimiter"
            )
            raise UsageError(msg)
    wanted = max(name, score)
    padded = [row + [""] * (wanted + 1 - len(row)) for row in table.rows]
    named = [row for row in padded if row[name]]
    return Scores([row[name] for row in named], [row[score] for row in named])


def _from_text(text: str, delimiter: str | None) -> _Table:
    first = next((line for line in text.splitlines() if line.strip()), "")
    guessed = next((char for char in "\t;," if char in first), ",")
    char = _DELIMITERS.get(delimiter, delimiter) if delimiter else guessed
    if len(char) != 1:
        msg = f"--delimiter is one character, or `tab`, not {delimiter!r}"
        raise UsageError(msg)
    # The text keeps its line ends, so that a quoted name may hold one.
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=char) if row]
    if not delimiter and rows and (columns := _columns_by_space(rows[0])):
        split = str.rsplit if columns == _BY_NAME else str.split
        return _Table(columns, [split(row[0], maxsplit=1) for row in rows if row[0].strip()])
    if char != ",":
        rows = [[_with_a_point(cell) for cell in row] for row in rows]
    if rows and (columns := _columns_without_header(rows[0])):
        return _Table(columns, [row for row in rows if any(cell.strip() for cell in row)])
    return _Table(rows[0] if rows else [], rows[1:])


def _with_a_point(cell: str) -> str:
    """Return a number with a decimal comma as one with a point, anything else as it is."""
    pointed = cell.replace(",", ".")
    return pointed if "." not in cell and finite(pointed) is not None else cell


def _columns_without_header(first: Sequence[str]) -> list[str]:
    """Return the columns of a table whose first row is none of names; empty for another."""
    numbers = [finite(cell) is not None for cell in first]
    if numbers == [True]:
        return _VALUES
    if len(first) == 2 and numbers[1]:  # noqa: PLR2004  a name and a score
        return _BY_NAME
    return _BY_SCORE if numbers == [True, False] else []


def _columns_by_space(first: Sequence[str]) -> list[str]:
    """Return the columns of rows such as `5.51 I01_01_1.bmp`, whose one cell holds a space."""
    if len(first) != 1:
        return []
    for parts in (first[0].split(maxsplit=1), first[0].rsplit(maxsplit=1)):
        if len(parts) == 2 and (columns := _columns_without_header(parts)):  # noqa: PLR2004
            return columns
    return []


def _from_json(text: str, file: Path) -> _Table:
    try:
        content: Any = json.loads(text)
    except json.JSONDecodeError:
        # An object a line.
        content = [json.loads(line) for line in text.splitlines() if line.strip()]
    if isinstance(content, dict) and isinstance(content.get("results"), list):
        content = content["results"]
    if isinstance(content, dict):
        by_name = all(isinstance(value, int | float) for value in content.values())
        content = [{"path": k, "score": v} for k, v in content.items()] if by_name else [content]
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        msg = f"{file} is neither a list of objects nor an object of scores by name"
        raise UsageError(msg)
    columns = list(dict.fromkeys(key for row in content for key in row))
    cells = [[row.get(key) for key in columns] for row in content]
    return _Table(columns, [["" if cell is None else str(cell) for cell in row] for row in cells])


def _places(table: _Table, file: Path, column: str | None) -> tuple[int, int]:
    """Return where the names and where the scores stand."""
    columns = table.columns
    place = {name.strip().casefold(): index for index, name in reversed([*enumerate(columns)])}
    if not columns:
        msg = f"{file} is empty: expected a heading, and a row for each image"
        raise UsageError(msg)
    shown = ", ".join(name.strip() for name in columns)
    named = [place[known] for known in PATH_COLUMNS if known in place]
    # `image` may be the number of a reference beside a `name`; alone, numbers are names.
    name = next((n for n in named if not _holds_numbers(table, n)), named[0] if named else None)
    if column is not None:
        score = place.get(column.strip().casefold())
        if score is None:
            msg = f"{file} has no column {column!r} (--column): it has the columns {shown}"
            raise UsageError(msg)
    else:
        score = next((place[known] for known in SCORE_COLUMNS if known in place), None)
        if score is None and name is not None:
            others = [index for key, index in place.items() if index != name and key not in LABELS]
            score = others[0] if len(others) == 1 and len(columns) == 2 else None  # noqa: PLR2004
    if name is None or score is None:
        msg = f"{file} has the columns {shown}: "
        if name is None:
            msg += f"expected one of {', '.join(PATH_COLUMNS)} for the images"
        else:
            msg += f"expected one of {', '.join(SCORE_COLUMNS)}, or name the scores with --column"
        raise UsageError(f"{msg}; --delimiter sets the character between columns")
    return name, score


def _holds_numbers(table: _Table, column: int) -> bool:
    return all(finite(row[column]) is not None for row in table.rows if len(row) > column)
