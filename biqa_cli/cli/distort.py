"""`biqa distort`: photos with a known flaw."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biqa_cli.cli import _options, _output, _photos, _progress
from biqa_cli.cli._targets import refuse_to_overwrite, stem_of
from biqa_cli.distortions.named_blocks import PARTITIONS, BlockName, Partition
from biqa_cli.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def distort(
    image: Annotated[
        str | None, typer.Argument(metavar="IMAGE", help="A photo; - is one on stdin.")
    ] = None,
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
    blocks: Annotated[
        Partition | None,
        typer.Option(
            "--blocks",
            metavar="PARTITION",
            help="Another kind in each half or quarter: vertical, horizontal or grid.",
        ),
    ] = None,
    seed: _options.Seed = 0,
    every: Annotated[
        bool, typer.Option("--all", help="Every kind at every level, or those of -k and -l.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE|DIR",
            parser=_options.any_file,
            help="PNG, or by suffix; - is stdout; with --all a folder of PNGs.",
        ),
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

    Example: biqa distort photo.jpg -k gaussian-blur -l 3 --block left -o blurred.png, or with
    another flaw in each block (SHDIQA, figure 1): biqa distort photo.jpg --blocks grid -o four.png
    """
    _output.set_up_logging(verbose)
    if show_list:
        _list(format)
        return
    from biqa_cli.distortions.catalog import choose_distortions
    from biqa_cli.distortions.distort import distort as whole
    from biqa_cli.distortions.distort import distort_block
    from biqa_cli.distortions.eight_bits import from_bytes, to_bytes
    from biqa_cli.images.writing import encode_image, format_of_image

    _check_choice(kind, level, every=every, block=block, blocks=blocks)
    chosen = choose_distortions(kind, level) if blocks is None else []
    if image is None or output is None:
        raise UsageError("name a photo and, with -o, where its degraded version goes")
    if every and output == _output.STDOUT:
        raise UsageError("--all writes many files: name a folder with -o")
    if not every:
        refuse_to_overwrite([output], [Path(image)])
        if not format_of_image(output).lossless and not quiet:
            _output.say("JPEG adds a loss of its own (quality 95): a PNG keeps these very pixels")
    limits = _options.limits_of(
        max_megapixels=max_megapixels, memory=memory, seconds=seconds_per_photo
    )
    read = _photos.read(image, limits=limits, quiet=quiet)
    if blocks is not None:
        _in_each_block(read, output, blocks, seed=seed, quiet=quiet)
        return
    pixels = from_bytes(read)
    for distortion, _ in chosen:
        distortion.check_size(*pixels.shape[1:])
    for distortion, degree in _progress.with_progress(
        chosen, total=len(chosen), unit="photo", quiet=quiet or not every
    ):
        change = whole if block is None else partial(distort_block, block=block)
        degraded = change(pixels, kind=distortion.name, level=degree, seed=seed)
        name = f"{stem_of(image)}-{distortion.name}-{degree}.png"
        path = output / name if every else output
        _output.write_file(path, encode_image(to_bytes(degraded), path))
        if path != _output.STDOUT:
            _output.print_line(str(path))


def _check_choice(
    kind: str | None,
    level: int | None,
    *,
    every: bool,
    block: BlockName | None,
    blocks: Partition | None,
) -> None:
    """Raise UsageError if it is not said what to make of a photo, or said twice."""
    if blocks is None:
        if not every and (kind is None or level is None):
            raise UsageError("choose a kind and a level (-k NAME -l 1), or take all with --all")
    elif every or any(option is not None for option in (kind, level, block)):
        raise UsageError("--blocks draws kinds and levels: leave out -k, -l, --block and --all")


def _in_each_block(
    pixels: "NDArray[np.uint8]", output: Path, partition: Partition, *, seed: int, quiet: bool
) -> None:
    """Write a photo with a kind and level of its own in each block (SHDIQA, figure 1)."""
    import numpy as np

    from biqa_cli.distortions.blockwise import degrade_blocks
    from biqa_cli.distortions.catalog import LEVELS, SHDIQA_DISTORTIONS
    from biqa_cli.images.writing import encode_image

    rng = np.random.default_rng(seed)
    degraded, types, levels = degrade_blocks(pixels, rng, partition=partition)
    _output.write_file(output, encode_image(degraded, output))
    if output != _output.STDOUT:
        _output.print_line(str(output))
    if not quiet:
        for block, kind, level in zip(PARTITIONS[partition], types, levels, strict=True):
            _output.say(f"{block}: {SHDIQA_DISTORTIONS[kind].name}, level {LEVELS[level]}")


def _list(style: _options.TableOrJson) -> None:
    from biqa_cli.distortions.catalog import DISTORTIONS, LEVELS

    if style is _options.TableOrJson.json:
        keys = ("number", "name", "title", "group", "parameter", "levels", "identity", "random")
        _output.print_json([{key: getattr(d, key) for key in keys} for d in DISTORTIONS])
        return
    columns = ("name", *LEVELS, "parameter", "group")
    rows = [[d.name, *d.levels, d.parameter, d.group] for d in DISTORTIONS]
    _output.print_table([str(column) for column in columns], rows)
