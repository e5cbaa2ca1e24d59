"""The options that `biqa train` alone has."""

from pathlib import Path
from typing import Annotated

import typer

Family = Annotated[str, typer.Argument(help="blockiqa, qualitynet, reqa, shdiqa or nlnet.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for weights, log and state.")]
Config = Annotated[
    str | None,
    typer.Option("--config", help="A TOML file, or a recipe's name such as blockiqa-cpu."),
]
Setting = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="SECTION.KEY=VALUE",
        help="Change a value of the recipe, such as optimiser.rate=1e-4; repeatable.",
    ),
]
Start = Annotated[
    list[str] | None,
    typer.Option(
        "--init",
        metavar="imagenet|FILE|none",
        help="Starting weights: one, or one for each backbone.",
    ),
]
Also = Annotated[
    list[str] | None,
    typer.Option(
        "--also",
        metavar="DATASET=ROOT",
        help="A further data set, for recipes that learn from such; repeatable.",
    ),
]
Clean = Annotated[
    list[Path] | None,
    typer.Option(
        "--clean",
        metavar="DIR",
        help="Photos without flaws, for recipes with examples; repeatable.",
    ),
]
Split = Annotated[
    str | None,
    typer.Option(
        "--split", metavar="PROTOCOL[@SHARES]|FILE", help="As in `biqa evaluate`, no part."
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the training in --out, if there is one.")
]
Finish = Annotated[
    bool,
    typer.Option("--finish", help="End the training in --out: its best epoch is the result."),
]
Minutes = Annotated[
    float | None,
    typer.Option("--minutes", min=0, help="Stop after so long; --resume goes on."),
]
Photos = Annotated[
    Path | None,
    typer.Option("--photos", metavar="DIR", help="Where decoded photos are kept."),
]
