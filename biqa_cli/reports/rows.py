"""The columns of every report, in their one order, and text that is safe to show."""

import unicodedata
from dataclasses import asdict, fields
from typing import Any

from biqa_cli.results import Flaw, ImageResult

WHY_COLUMNS = ("flaws", "whole", "full_size")
"""Why a score is what it is: only where that is asked, behind the others."""
COLUMNS = tuple(entry.name for entry in fields(ImageResult) if entry.name not in WHY_COLUMNS)
"""Scripts rely on these names and their order."""

# What a spreadsheet takes for the start of a formula (OWASP, "CSV injection").
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Value = str | int | float | None


def columns_of(*, why: bool) -> tuple[str, ...]:
    """Return the columns of a report.

    Args:
        why: Whether it says why a score is what it is.
    """
    return COLUMNS + WHY_COLUMNS if why else COLUMNS


def row_of(result: ImageResult, *, why: bool = False) -> dict[str, Value]:
    """Return a result as one row of text and numbers, by column."""
    return record_of(result, why=why) | ({"flaws": flaws_as_text(result.flaws)} if why else {})


def record_of(result: ImageResult, *, why: bool = False) -> dict[str, Any]:
    """Return a result as a record for JSON, by column: flaws are a list of records."""
    record = {column: getattr(result, column) for column in columns_of(why=why)}
    if why and result.flaws is not None:
        record["flaws"] = [asdict(flaw) for flaw in result.flaws]
    return record


def flaws_as_text(flaws: tuple[Flaw, ...] | None) -> str:
    """Return flaws and their strengths as text, empty where there are none.

    Example:
        >>> flaws_as_text((Flaw("blurred", 0.8), Flaw("dark", 0.62)))
        'blurred 0.8; dark 0.62'
    """
    return "; ".join(f"{flaw.name} {flaw.strength:g}" for flaw in flaws or ())


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
