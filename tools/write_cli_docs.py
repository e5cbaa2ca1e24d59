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
    "distort": [["distort"]],
    "heatmap": [["heatmap"]],
    "group": [["group"]],
    "cull": [["cull"]],
    "train": [["train"]],
    "tune": [["tune"]],
    "rate": [["rate"]],
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


if __name__ == "__main__":
    for name, commands in COMMANDS.items():
        path = DOCS / f"{name}.md"
        path.write_text(with_help(path.read_text(encoding="utf-8"), commands), encoding="utf-8")
