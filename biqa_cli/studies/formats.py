"""How the table of a study is written; the command line reads this before anything heavy."""

from enum import StrEnum


class Format(StrEnum):
    """How a table of a study is written."""

    table = "table"
    markdown = "markdown"
    latex = "latex"
    csv = "csv"
    json = "json"


FILES = {
    Format.markdown: "table.md",
    Format.latex: "table.tex",
    Format.csv: "table.csv",
    Format.json: "table.json",
}
"""What a study leaves in its folder."""
