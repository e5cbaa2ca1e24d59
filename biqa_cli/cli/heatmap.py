"""`biqa heatmap`: which part of a photo is bad."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from biqa_cli.cli import _options, _output, _progress
from biqa_cli.cli._boundary import SOME_FAILED
from biqa_cli.cli._kinds import Explanation, Kind, Options, choose_kind
from biqa_cli.cli._targets import targets
from biqa_cli.errors import UsageError
from biqa_cli.models.catalog import DEFAULT_MODEL, find_model
from biqa_cli.whole_files import write_whole


def heatmap(
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="Photos and folders of photos.")
    ],
    model: _options.Model = DEFAULT_MODEL,
    weights: _options.Weights = None,
    kind: Annotated[
        Kind,
        typer.Option(
            "-k",
            "--kind",
            help="Local quality; how alike BlockIQA's blocks are; or what QualityNet (gradcam), "
            "REQA (feedback), SHDIQA and NLNet (attention) look at.",
        ),
    ] = Kind.quality,
    grid: Annotated[
        int | None,
        typer.Option(
            "--grid", min=1, help="So many blocks along the shorter side, overlapping by half."
        ),
    ] = None,
    block_size: Annotated[
        int | None, typer.Option("--block-size", min=8, help="Side of a block in pixels.")
    ] = None,
    stride: Annotated[
        int | None,
        typer.Option("--stride", min=1, help="Pixels between blocks.  [default: half a block]"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="PNG, or a folder.  [default: NAME-heatmap.png in this folder]"
        ),
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", help="Blocks and scores: a file, a folder, or - .")
    ] = None,
    npy: Annotated[
        Path | None, typer.Option("--npy", help="The map as a NumPy array: a file or a folder.")
    ] = None,
    side_by_side: Annotated[
        bool, typer.Option("--side-by-side", help="Show the photo itself beside the map.")
    ] = False,
    no_legend: Annotated[bool, typer.Option("--no-legend", help="Draw no scale.")] = False,
    exclude: _options.Exclude = None,
    device: _options.Device = "auto",
    engine: _options.EngineOption = _options.Engine.auto,
    max_megapixels: _options.MaxMegapixels = _options.DEFAULT_MEGAPIXELS,
    memory: _options.Memory = _options.DEFAULT_MEMORY,
    seconds_per_photo: _options.SecondsPerPhoto = _options.DEFAULT_SECONDS,
    offline: _options.Offline = False,
    quiet: _options.Quiet = False,
    verbose: _options.Verbose = 0,
) -> None:
    """Show which part of a photo is bad, as a picture and as data.

    Every model scores blocks of the photo at native resolution, 0 to 100, higher is better. The
    same colour means the same score in every picture; frames mark the lowest blocks.

    Exit codes: 0 all shown, 2 a wrong option or wrong weights, 3 some files could not be read.

    Example: biqa heatmap photo.jpg -o map.png --json map.json
    """
    from biqa_cli.explain.local_scores import BlockChoice, check_choice
    from biqa_cli.images.discovery import find_images
    from biqa_cli.models.loading import load_model
    from biqa_cli.scoring import reason_of

    _output.set_up_logging(verbose)
    facts = choose_kind(kind, find_model(model), only_onnx=engine is _options.Engine.onnx)
    choice = BlockChoice(rows=grid, size=block_size, stride=stride)
    if kind is not Kind.quality and choice != BlockChoice():
        raise UsageError("--grid, --block-size and --stride are for --kind quality")
    check_choice(choice)
    paths = list(find_images(images, exclude=exclude or ()))
    if not paths:
        msg = f"no photos found in {', '.join(images)}"
        raise UsageError(msg)
    if output is None and json is None and npy is None:
        output = Path()
    on_stdout = json == Path("-")
    outputs = [
        (targets(paths, wanted, suffix=suffix, tag=facts.tag), content)
        for wanted, suffix, content in (
            (output, ".png", Explanation.png),
            (None if on_stdout else json, ".json", Explanation.json),
            (npy, ".npy", Explanation.npy),
        )
        if wanted is not None
    ]
    ready = load_model(
        model,
        engine="torch" if facts.needs_torch else engine.value,
        device=device,
        weights=weights,
        offline=offline,
    )
    options = Options(
        choice,
        limits=_options.limits_of(
            max_megapixels=max_megapixels, memory=memory, seconds=seconds_per_photo
        ),
        side_by_side=side_by_side,
        legend=not no_legend,
        watch=partial(_progress.with_progress_of, unit="block", quiet=quiet),
    )
    failed = 0
    for index, path in enumerate(paths):
        try:
            shown = facts.make(path, ready, options)
        except Exception as error:  # noqa: BLE001  one photo never ends the others
            _output.problem(f"{path}: {reason_of(path, error)}")
            failed += 1
            continue
        if on_stdout:
            _output.print_json(shown.facts)
        for files, content in outputs:
            write_whole(files[index], content(shown))
            if not quiet:
                _output.say(f"wrote {files[index]}")
    if failed:
        raise typer.Exit(SOME_FAILED)
