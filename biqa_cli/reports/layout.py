"""Tables of plain text that fit a terminal: one line a row, whatever the names are like."""

import os
import re
import unicodedata
from collections.abc import Sequence
from typing import IO

CUT = "…"
_GAP = "  "
_NUMBER = re.compile(r"\s*[-+]?[\d.,]+(?: ?[A-Za-z%]{1,2}|x\d+| to [-+]?[\d.,]+)?")
_LEAST = 8
"""No column is cut to less, so that something of it can be recognised."""


def width_of(stream: IO[str]) -> int | None:
    """Return the columns of a terminal, None where the stream is none and all may be written."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError, AttributeError):
        return None


def text_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[bool],
    width: int | None,
    whole: int = 1,
) -> list[str]:
    """Return the lines of a table, the header first, no longer than `width` where that can be.

    Args:
        columns: The header.
        rows: The cells, safe to print.
        numbers: Which columns stand to the right.
        width: Of the terminal; None cuts nothing.
        whole: So many columns from the left are never cut: names that people type. Neither are
            columns of numbers, with units or without: a part of one would be another.
    """
    widths = _widths(columns, rows)
    may_be_cut = [
        i for i in range(whole, len(columns)) if not _all_numbers([row[i] for row in rows])
    ]
    if width is not None:
        _shrink(widths, may_be_cut, width - len(_GAP) * (len(columns) - 1))
    return [
        _GAP.join(
            _padded(shortened(cell, size), size, right=right)
            for cell, size, right in zip(row, widths, numbers, strict=True)
        ).rstrip()
        for row in (columns, *rows)
    ]


def columns_that_fit(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    may_go: Sequence[str],
    width: int | None,
) -> list[int]:
    """Return the places of the columns to show: some are left out until the others fit.

    Args:
        columns: The header.
        rows: The cells.
        may_go: Columns that may be left out, the least important first.
        width: Of the terminal; None leaves nothing out.
    """
    widths = dict(zip(columns, _widths(columns, rows), strict=True))
    for name in may_go:
        if width is None or sum(widths.values()) + len(_GAP) * (len(widths) - 1) <= width:
            break
        del widths[name]
    return [index for index, name in enumerate(columns) if name in widths]


def _widths(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(cell_width, cells)) for cells in zip(columns, *rows, strict=True)]


def _all_numbers(cells: Sequence[str]) -> bool:
    """Return whether cells are numbers, such as 5.3 M, 512x512 or 0 to 1, or dashes for none."""
    return any(map(_NUMBER.fullmatch, cells)) and all(
        _NUMBER.fullmatch(cell) or cell in ("-", "–") for cell in cells
    )


def _shrink(widths: list[int], may_be_cut: Sequence[int], room: int) -> None:
    """Take from the widest column until all fit, or none can be made narrower."""
    while sum(widths) > room and may_be_cut:
        widest = max(may_be_cut, key=widths.__getitem__)
        if widths[widest] <= _LEAST:
            return
        widths[widest] -= 1


def _padded(cell: str, width: int, *, right: bool) -> str:
    space = " " * (width - cell_width(cell))
    return space + cell if right else cell + space


def shortened(text: str, width: int) -> str:
    """Return text in so many columns: a path loses its middle, other text its end.

    Example:
        >>> shortened("photos/2024/holiday/IMG_0001.jpg", 20)
        'photos/…IMG_0001.jpg'
        >>> shortened("the file is truncated", 12)
        'the file is…'
    """
    if cell_width(text) <= width:
        return text
    room = width - cell_width(CUT)
    if "/" not in text and "\\" not in text:
        return _from_left(text, room).rstrip() + CUT
    # The name at the end tells more than the folders before it.
    end = _from_right(text, max(room * 2 // 3, min(room, cell_width(_name_of(text)))))
    return _from_left(text, room - cell_width(end)) + CUT + end


def _name_of(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def _from_left(text: str, width: int) -> str:
    kept = 0
    for index, char in enumerate(text):
        kept += _char_width(char)
        if kept > width:
            return text[:index]
    return text


def _from_right(text: str, width: int) -> str:
    kept = 0
    for index in range(len(text) - 1, -1, -1):
        kept += _char_width(text[index])
        if kept > width:
            return text[index + 1 :]
    return text


def cell_width(text: str) -> int:
    """Return how many columns of a terminal a text takes: Chinese characters take two."""
    return len(text) if text.isascii() else sum(map(_char_width, text))


def _char_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
