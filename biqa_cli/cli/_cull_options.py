"""The options that `biqa cull` alone has."""

from pathlib import Path
from typing import Annotated

import typer

from biqa_cli.culling.stars import Stars

Keep = Annotated[
    int, typer.Option("--keep", metavar="N", min=1, help="Keep the best N of each moment.")
]
RejectUnder = Annotated[
    float | None,
    typer.Option(
        "--reject-under", metavar="S", min=0, max=100, help="Reject photos that score below S."
    ),
]
StarsBy = Annotated[
    Stars, typer.Option("--stars", help="By fixed thresholds, or by shares of the shoot.")
]
Xmp = Annotated[bool, typer.Option("--xmp", help="Write stars and labels into XMP sidecars.")]
MarkRejects = Annotated[
    bool, typer.Option("--mark-rejects", help="With --xmp: rejects have the rating -1.")
]
Picks = Annotated[Path | None, typer.Option("--picks", metavar="DIR", help="Where picks go.")]
Rejects = Annotated[Path | None, typer.Option("--rejects", metavar="DIR", help="Where rejects go.")]
Copy = Annotated[bool, typer.Option("--copy", help="Copy the photos to --picks and --rejects.")]
Move = Annotated[bool, typer.Option("--move", help="Move the photos to --picks and --rejects.")]
Link = Annotated[bool, typer.Option("--link", help="Link the photos to --picks and --rejects.")]
Apply = Annotated[bool, typer.Option("--apply", help="Do it; without, nothing is touched.")]
Undo = Annotated[
    Path | None,
    typer.Option("--undo", metavar="JOURNAL", help="Take back what a journal says was done."),
]
Finish = Annotated[
    Path | None,
    typer.Option("--finish", metavar="JOURNAL", help="Finish a run that was interrupted."),
]
Journal = Annotated[
    Path | None, typer.Option("--journal", metavar="FILE", help="The journal, a new file.")
]
