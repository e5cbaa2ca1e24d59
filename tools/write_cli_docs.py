"""Write the help of every command into its page in docs/cli, between two marks.

Run:  python tools/write_cli_docs.py
"""

import os
import re
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs" / "cli"
COMMANDS = {
    "score": [["score"]],
    "evaluate": [["evaluate"]],
    "compare": [["compare"]],
    "tabulate": [["tabulate"]],
    "gmad": [["gmad"]],
    "distort": [["distort"]],
    "heatmap": [["heatmap"]],
    "group": [["group"]],
    "cull": [["cull"]],
    "train": [["train"]],
    "tune": [["tune"]],
    "rate": [["rate"]],
    "study": [["study"]],
    "export": [["export"]],
    "models": [["models", name] for name in ("list", "info")],
    "weights": [["weights", name] for name in ("list", "download", "verify", "path", "prune")],
    "store": [["store", name] for name in ("info", "prune", "forget")],
    "datasets": [["datasets", name] for name in ("list", "info", "check")],
}
_MARKED = re.compile(r"(<!-- help -->\n).*(<!-- end of help -->)", re.DOTALL)


def help_of(command: list[str]) -> str:
    """Return the help text of a command, 100 columns wide, as a code block."""
    os.environ["COLUMNS"] = os.environ["TERMINAL_WIDTH"] = "100"
    from typer.testing import CliRunner

    from biqa_cli.cli import app

    text = CliRunner().invoke(app, [*command, "--help"], prog_name="biqa").stdout
    return f"```\n$ biqa {' '.join(command)} --help\n{text.strip()}\n```\n"


def with_help(page: str, commands: list[list[str]]) -> str:
    """Return a page with current help between its marks."""
    blocks = "\n".join(help_of(command) for command in commands)
    return _MARKED.sub(lambda marks: f"{marks[1]}\n{blocks}\n{marks[2]}", page)


STUDIES = Path(__file__).parent.parent / "docs" / "studies" / "index.md"
_LISTED = re.compile(r"(<!-- studies -->\n).*(<!-- end of studies -->)", re.DOTALL)


def with_studies(page: str) -> str:
    """Return a page with the shipped studies between its marks."""
    from biqa_cli.studies.listing import facts_of_studies

    rows = [
        "| study | what it repeats | data sets | runs | 2 cores, h | GPU, h |",
        "| --- " * 6 + "|",
    ]
    for fact in facts_of_studies():
        sets = ", ".join(fact["datasets"]) if len(fact["datasets"]) < 8 else "all"
        hours = f"{fact['light_hours']:.1f} | {fact['gpu_hours']:.1f}"
        rows.append(f"| `{fact['name']}` | {fact['title']} | {sets} | {fact['runs']} | {hours} |")
    return _LISTED.sub(lambda marks: f"{marks[1]}\n" + "\n".join(rows) + f"\n\n{marks[2]}", page)


if __name__ == "__main__":
    STUDIES.write_text(with_studies(STUDIES.read_text(encoding="utf-8")), encoding="utf-8")
    for name, commands in COMMANDS.items():
        path = DOCS / f"{name}.md"
        path.write_text(with_help(path.read_text(encoding="utf-8"), commands), encoding="utf-8")
