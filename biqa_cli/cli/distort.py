"""`biqa distort`: photos with a known flaw."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biqa_cli.cli import _options, _output, _progress
from biqa_cli.cli._boundary import SOME_FAILED
from biqa_cli.distortions.named_blocks import BlockName
from biqa_cli.errors import ImageError, UsageError
from biqa_cli.images.limits import Limits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from biqa_cli.distortions.catalog import Distortion


def distort(
    image: Annotated[Path | None, typer.Argument(metavar="IMAGE", help="A photo.")] = None,
    kind: Annotated[
        str | None, typer.Option("-k", "--kind", help="A name from `biqa distort --list`.")
    ] = None,
    level: Annotated[
        int | None,
        typer.Option("-l", "--level", min=1, max=4, help="1, mild, to 4, as a rule the worst."),
    ] = None,
    block: Annotated[
        BlockName | None,
        typer.Option(
            "--block", metavar="BLOCK", help="Only left, right, top, bottom, top-left and so on."
        ),
    ] = None,
    seed: _options.Seed = 0,
    every: Annotated[
        bool, typer.Option("--all", help="Every kind at every level, or those of -k and -l.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="PNG, or by suffix; with --all a folder of PNGs."),
    ] = None,
    max_megapixels: _options.MaxMegapixels = _options.DEFAULT_MEGAPIXELS,
    memory: _options.Memory = _options.DEFAULT_MEMORY,
    seconds_per_photo: _options.SecondsPerPhoto = _options.DEFAULT_SECONDS,
    show_list: Annotated[bool, typer.Option("--list", help="Show the kinds and values.")] = False,
    format: _options.ListFormat = _options.TableOrJson.table,  # noqa: A002
    quiet: _options.Quiet = False,
    verbose: _options.Verbose = 0,
) -> None:
    """Degrade a photo in one of 51 ways, at one of four levels.

    Prints the files that it wrote. The photo itself is never overwritten.

    Exit codes: 0 all written, 2 a wrong option, 3 the photo could not be read.

    Example: biqa distort photo.jpg -k gaussian-blur -l 3 --block left -o blurred.png
    """
    _output.set_up_logging(verbose)
    if show_list:
        _list(format)
        return
    if image is None or output is None:
        raise UsageError("name a photo and, with -o, where its degraded version goes")
    if not every and (kind is None or level is None):
        raise UsageError("choose a kind and a level (-k NAME -l 1), or take all with --all")
    from biqa_cli.distortions.distort import distort as whole
    from biqa_cli.distortions.distort import distort_block
    from biqa_cli.distortions.eight_bits import to_bytes
    from biqa_cli.images.writing import write_image

    limits = _options.limits_of(
        max_megapixels=max_megapixels, memory=memory, seconds=seconds_per_photo
    )
    pixels = _read(image, limits=limits)
    chosen = _chosen(kind, level, height=pixels.shape[1], width=pixels.shape[2])
    if not every:
        _check(output, photo=image)
    for distortion, degree in _progress.with_progress(
        chosen, total=len(chosen), unit="photo", quiet=quiet or not every
    ):
        if block is None:
            degraded = whole(pixels, kind=distortion.name, level=degree, seed=seed)
        else:
            degraded = distort_block(
                pixels, kind=distortion.name, level=degree, seed=seed, block=block
            )
        path = output / f"{image.stem}-{distortion.name}-{degree}.png" if every else output
        written = write_image(to_bytes(degraded), path)
        if not written.lossless and not quiet:
            _output.say("JPEG adds a loss of its own (quality 95): a PNG keeps these very pixels")
        _output.print_line(str(path))


def _list(style: _options.TableOrJson) -> None:
    from biqa_cli.distortions.catalog import DISTORTIONS, LEVELS

    if style is _options.TableOrJson.json:
        keys = ("number", "name", "title", "group", "parameter", "levels", "identity", "random")
        _output.print_json([{key: getattr(d, key) for key in keys} for d in DISTORTIONS])
        return
    columns = ("name", *LEVELS, "parameter", "group")
    rows = [[d.name, *d.levels, d.parameter, d.group] for d in DISTORTIONS]
    _output.print_table([str(column) for column in columns], rows)


def _read(path: Path, *, limits: Limits) -> "NDArray[np.float32]":
    import numpy as np

    from biqa_cli.distortions.eight_bits import from_bytes
    from biqa_cli.images.reading import read_photo

    try:
        photo = read_photo(path, limits=limits)
    except ImageError as error:
        _output.problem(f"{path}: {error}")
        raise typer.Exit(SOME_FAILED) from error
    return from_bytes(np.asarray(photo.image))


def _chosen(
    kind: str | None, level: int | None, *, height: int, width: int
) -> list[tuple["Distortion", int]]:
    """Return the kinds and levels that are asked for, once it is known that all can be made."""
    from biqa_cli.distortions.catalog import DISTORTIONS, LEVELS, find_distortion

    kinds = DISTORTIONS if kind is None else (find_distortion(kind),)
    for distortion in kinds:
        distortion.check_size(height, width)
    return [(d, degree) for d in kinds for degree in (LEVELS if level is None else (level,))]


def _check(path: Path, *, photo: Path) -> None:
    """Raise UsageError if the file may not be written."""
    from biqa_cli.images.writing import format_of_image

    if path.is_dir():
        msg = f"{path} is a folder: name a file, or write every kind into it with --all"
        raise UsageError(msg)
    if path.exists() and path.samefile(photo):
        msg = f"{path} is the photo itself, which is not overwritten: choose another name for -o"
        raise UsageError(msg)
    format_of_image(path)
