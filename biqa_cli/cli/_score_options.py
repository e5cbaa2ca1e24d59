"""The options that `biqa score` alone has."""

from typing import Annotated

import typer

from biqa_cli.reports.formats import Format
from biqa_cli.reports.selection import SortKey

Paths = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATHS...", help="Photos and folders; - is a picture on stdin."),
]
FilesFrom = Annotated[
    str | None,
    typer.Option("--files-from", metavar="FILE", help="Also take names from a list, - is stdin."),
]
Nul = Annotated[bool, typer.Option("-0", "--null", help="The names of --files-from end with NUL.")]
Recursive = Annotated[
    bool, typer.Option("--recursive/--no-recursive", help="Search folders inside folders.")
]
FormatOption = Annotated[
    Format | None,
    typer.Option("-f", "--format", help="Table on a terminal, else CSV; -o decides by suffix."),
]
Append = Annotated[
    bool, typer.Option("--append", help="Add rows to -o FILE for photos that have none there.")
]
Why = Annotated[bool, typer.Option("--why", help="Also name flaws, and say what full size leaves.")]
Sort = Annotated[SortKey | None, typer.Option("--sort", help="Path, or score (best first).")]
Top = Annotated[int | None, typer.Option("--top", min=1, help="Only the N best.")]
FailUnder = Annotated[
    float | None,
    typer.Option("--fail-under", min=0, max=100, help="Exit 1 if a photo scores below."),
]
