"""The options that `biqa score` alone has."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from biqa_cli.reports.formats import Format
from biqa_cli.reports.selection import SortKey

if TYPE_CHECKING:
    from biqa_cli.sources.choice import Choice

Paths = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATHS...", help="Photos, folders, archives, addresses; - is stdin."),
]
Shard = Annotated[
    str | None,
    typer.Option("--shard", metavar="N/OF", help="Only a part, 3/100: by a hash of the path."),
]
Column = Annotated[
    str | None,
    typer.Option("--column", metavar="NAME", help="Of Parquet tables: paths, addresses or bytes."),
]
Key = Annotated[
    str | None,
    typer.Option("--key", metavar="NAME", help="Of Parquet tables: what is in the path of rows."),
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
PartRows = Annotated[
    int | None,
    typer.Option("--part-rows", min=1, help="-o is a folder of Parquet files of N rows each."),
]
Why = Annotated[bool, typer.Option("--why", help="Also name flaws, and what full size lowered.")]
Sort = Annotated[SortKey | None, typer.Option("--sort", help="Path, or score (best first).")]
Top = Annotated[int | None, typer.Option("--top", min=1, help="Only the N best.")]
FailUnder = Annotated[
    float | None,
    typer.Option("--fail-under", min=0, max=100, help="Exit 1 if a photo scores below."),
]

Ray = Annotated[
    str | None,
    typer.Option("--ray", metavar="ADDRESS", help="On a cluster of Ray: auto, HOST:PORT, local."),
]
RayWorkers = Annotated[
    int | None, typer.Option("--ray-workers", min=1, help="Processes there.  [default: one a core]")
]
RayGpus = Annotated[
    float, typer.Option("--ray-gpus", min=0, help="GPUs of each of them, 0.5 for two on one.")
]


def choice_of(
    *,
    recursive: bool,
    exclude: Sequence[str] | None,
    newer_than: str | None,
    shard: str | None,
    column: str | None,
    key: str | None,
    offline: bool,
) -> "Choice":
    """Return what is taken of what is named, as the options say.

    Raises:
        UsageError: If one of them does not do.
    """
    from biqa_cli.images.discovery import time_of
    from biqa_cli.sources.choice import Choice, shard_of

    return Choice(
        recursive=recursive,
        exclude=tuple(exclude or ()),
        newer_than=None if newer_than is None else time_of(newer_than),
        shard=None if shard is None else shard_of(shard),
        column=column,
        key=key,
        offline=offline,
    )
