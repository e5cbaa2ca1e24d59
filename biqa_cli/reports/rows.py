"""The columns of every report, in their one order, and text that is safe to show."""

import unicodedata
from dataclasses import fields

from biqa_cli.results import ImageResult

COLUMNS = tuple(entry.name for entry in fields(ImageResult))

# What a spreadsheet takes for the start of a formula (OWASP, "CSV injection").
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Value = str | int | float | None


def row_of(result: ImageResult) -> dict[str, Value]:
    """Return a result as one row, by column."""
    return {column: getattr(result, column) for column in COLUMNS}


def printable(text: str) -> str:
    r"""Return text without anything that a terminal would obey.

    Control characters, marks that reverse the direction of writing and bytes that are not
    UTF-8 are shown as escapes.

    Example:
        >>> printable("a\x1b[31mb")
        'a\\x1b[31mb'
    """
    return "".join(
        char if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else _escape(char)
        for char in text
    )


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def not_a_formula(text: str) -> str:
    """Return text that a spreadsheet reads as text: a formula gets an apostrophe in front.

    Example:
        >>> not_a_formula("=1+1.jpg")
        "'=1+1.jpg"
    """
    # A lone dash is the picture on stdin.
    return f"'{text}" if text.startswith(_FORMULA_STARTS) and text != "-" else text


def armed(text: str) -> str:
    """Return text that `not_a_formula` has made harmless as it was.

    Example:
        >>> armed("'=1+1.jpg"), armed("'tis.jpg")
        ('=1+1.jpg', "'tis.jpg")
    """
    # Nothing tells it from the rare name that begins so itself.
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA_STARTS) else text
