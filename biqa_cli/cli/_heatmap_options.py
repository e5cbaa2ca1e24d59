"""The options that `biqa heatmap` alone has."""

from pathlib import Path
from typing import Annotated

import typer

from biqa_cli.cli._kinds import Kind
from biqa_cli.cli._options import any_file

Images = Annotated[
    list[str],
    typer.Argument(metavar="IMAGE...", help="Photos and folders; - is a picture on stdin."),
]
KindOption = Annotated[
    Kind,
    typer.Option(
        "-k",
        "--kind",
        help="Local quality; how alike BlockIQA's blocks are; or what QualityNet (gradcam), "
        "REQA (feedback), SHDIQA and NLNet (attention) look at.",
    ),
]
Grid = Annotated[
    int | None,
    typer.Option(
        "--grid", min=1, help="So many blocks along the shorter side, overlapping by half."
    ),
]
BlockSize = Annotated[
    int | None, typer.Option("--block-size", min=8, help="Side of a block in pixels.")
]
Stride = Annotated[
    int | None,
    typer.Option("--stride", min=1, help="Pixels between blocks.  [default: half a block]"),
]
Pictures = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE.png|DIR",
        parser=any_file,
        help="A picture or a folder; - is stdout.  [default: NAME-heatmap.png in this folder]",
    ),
]
Json = Annotated[
    Path | None,
    typer.Option(
        "--json", metavar="FILE.json|DIR", parser=any_file, help="Blocks and scores; - is stdout."
    ),
]
Npy = Annotated[
    Path | None,
    typer.Option(
        "--npy",
        metavar="FILE.npy|DIR",
        parser=any_file,
        help="The map as a NumPy array; - is stdout.",
    ),
]
SideBySide = Annotated[
    bool, typer.Option("--side-by-side", help="Show the photo itself beside the map.")
]
NoLegend = Annotated[bool, typer.Option("--no-legend", help="Draw no scale.")]
