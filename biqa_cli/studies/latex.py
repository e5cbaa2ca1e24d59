"""A table for a paper: LaTeX with the rules of the package booktabs."""

from collections.abc import Sequence

from biqa_cli.evaluation.text_tables import Row

_SPECIAL = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "→": r"$\rightarrow$",
    "–": "--",
    "σ": r"$\sigma$",
    "λ": r"$\lambda$",
}


def escaped(text: str) -> str:
    r"""Return text that LaTeX prints as it is.

    Example:
        >>> print(escaped("80 % of a_b"))
        80 \% of a\_b
    """
    return "".join(_SPECIAL.get(character, character) for character in text)


def latex(columns: Row, rows: Sequence[Row], *, caption: str, notes: Sequence[str]) -> str:
    """Return a table environment; the notes become comments below it."""
    lines = [
        r"\begin{table}",
        r"\centering",
        f"\\caption{{{escaped(caption)}}}",
        f"\\begin{{tabular}}{{l{'r' * (len(columns) - 1)}}}",
        r"\toprule",
        _line(columns),
        r"\midrule",
        *map(_line, rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
        *(f"% {note}" for note in notes),
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Row) -> str:
    return " & ".join(map(escaped, cells)) + r" \\"
