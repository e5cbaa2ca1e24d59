"""The options that `biqa study` alone has."""

from pathlib import Path
from typing import Annotated

import typer

from biqa_cli.studies.formats import Format

Which = Annotated[
    str,
    typer.Argument(metavar="NAME|FILE|list", help="A shipped study, a TOML file, or the list."),
]
Out = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="DIR", help="Folder for runs and tables.")
]
Datasets = Annotated[
    list[str] | None,
    typer.Option(
        "--dataset",
        metavar="NAME[=ROOT]",
        help="A data set and its folder, of the study or another, or csv:FILE; repeatable.",
    ),
]
Light = Annotated[bool, typer.Option("--light", help="Recipes for two CPU cores.")]
Seeds = Annotated[
    str | None, typer.Option("--seeds", metavar="1,2|1-10", help="In place of the study's.")
]
Protocol = Annotated[
    str | None,
    typer.Option("--protocol", metavar="PROTOCOL[@SHARES]", help="Split in place of the study's."),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="VARIANT", help="Only this variant; repeatable."),
]
Setting = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="SECTION.KEY=VALUE",
        help="Change a value of every recipe, such as schedule.epochs=4; repeatable.",
    ),
]
Start = Annotated[
    list[str] | None,
    typer.Option(
        "--init", metavar="imagenet|FILE|none", help="Starting weights, as in `biqa train`."
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the study in -o.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the runs and run none.")]
Minutes = Annotated[
    float | None,
    typer.Option("--minutes", min=0, help="Stop after so long; --resume goes on."),
]
StudyFormat = Annotated[Format, typer.Option("-f", "--format", help="Of the table on stdout.")]
Photos = Annotated[
    Path | None,
    typer.Option("--photos", metavar="DIR", help="Where decoded photos and features are kept."),
]
