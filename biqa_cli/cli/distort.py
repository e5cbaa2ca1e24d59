"""`biqa distort`: photos with a known flaw."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from biqa_cli.cli import _output
from biqa_cli.cli._options import TableOrJson
from biqa_cli.distortions.named_blocks import BlockName
from biqa_cli.errors import ImageError, UsageError
from biqa_cli.whole_files import write_whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from biqa_cli.distortions.catalog import Distortion


class _Writer(NamedTuple):
    """How Pillow is asked to write a format."""

    format: str
    options: dict[str, Any]


# Without loss, but for JPEG, which cannot.
_TIFF = _Writer("TIFF", {"compression": "tiff_deflate"})
_JPEG = _Writer("JPEG", {"quality": 95, "subsampling": "4:4:4"})
_WRITERS = {
    ".png": _Writer("PNG", {}),
    ".webp": _Writer("WEBP", {"lossless": True}),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".bmp": _Writer("BMP", {}),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
}


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
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="The same seed gives the same pixels.")
    ] = 0,
    every: Annotated[
        bool, typer.Option("--all", help="Every kind at every level, or those of -k and -l.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="PNG, or by suffix; with --all a folder of PNGs."),
    ] = None,
    max_megapixels: Annotated[
        float, typer.Option("--max-megapixels", min=0.001, help="Larger photos are refused.")
    ] = 200,
    show_list: Annotated[bool, typer.Option("--list", help="Show the kinds and values.")] = False,
    format: Annotated[  # noqa: A002
        TableOrJson, typer.Option("-f", "--format", help="How --list is printed.")
    ] = TableOrJson.table,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress, no notes.")] = False,
) -> None:
    """Degrade a photo in one of 24 ways, at one of four levels.

    Prints the files that it wrote. The photo itself is never overwritten.

    Example: biqa distort photo.jpg -k gaussian-blur -l 3 --block left -o blurred.png
    """
    if show_list:
        _list(format)
        return
    if image is None or output is None:
        raise UsageError("name a photo and, with -o, where its degraded version goes")
    if not every and (kind is None or level is None):
        raise UsageError("choose a kind and a level (-k NAME -l 1), or take all with --all")
    pixels = _read(image, max_pixels=round(max_megapixels * 1_000_000))
    chosen = _chosen(kind, level, height=pixels.shape[1], width=pixels.shape[2])
    if every:
        _make_folder(output)
    else:
        _writer(output, photo=image)
    for distortion, degree in _output.with_progress(
        chosen, total=len(chosen), unit="photo", quiet=quiet or not every
    ):
        degraded = _degrade(pixels, distortion.name, degree, seed=seed, block=block)
        name = f"{image.stem}-{distortion.name}-{degree}.png"
        _write(degraded, output / name if every else output, photo=image, quiet=quiet)


def _list(style: TableOrJson) -> None:
    from biqa_cli.distortions.catalog import DISTORTIONS, LEVELS

    if style is TableOrJson.json:
        keys = ("number", "name", "title", "group", "parameter", "levels", "identity", "random")
        _output.print_json([{key: getattr(d, key) for key in keys} for d in DISTORTIONS])
        return
    columns = ("number", "name", "group", "parameter", *(f"level {level}" for level in LEVELS))
    rows = [[d.number, d.name, d.group, d.parameter, *d.levels] for d in DISTORTIONS]
    _output.print_table(columns, rows)


def _read(path: Path, *, max_pixels: int) -> "NDArray[np.float32]":
    import numpy as np

    from biqa_cli.distortions.eight_bits import from_bytes
    from biqa_cli.images.reading import read_photo

    try:
        photo = read_photo(path, max_pixels=max_pixels)
    except ImageError as error:
        msg = f"{path}: {error}"
        raise ImageError(msg) from error
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


def _degrade(
    pixels: "NDArray[np.float32]", kind: str, level: int, *, seed: int, block: BlockName | None
) -> "NDArray[np.float32]":
    from biqa_cli.distortions import distort as whole

    if block is None:
        return whole.distort(pixels, kind=kind, level=level, seed=seed)
    return whole.distort_block(pixels, kind=kind, level=level, seed=seed, block=block)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make the folder {folder}: {error.strerror}"
        raise UsageError(msg) from error


def _writer(path: Path, *, photo: Path) -> _Writer:
    """Return how a file is written, once it is known that it may be."""
    if path.is_dir():
        msg = f"{path} is a folder: name a file, or write every kind into it with --all"
        raise UsageError(msg)
    if path.exists() and path.samefile(photo):
        msg = f"{path} is the photo itself, which is not overwritten: choose another name for -o"
        raise UsageError(msg)
    suffix = path.suffix.lower() or ".png"
    if suffix not in _WRITERS:
        msg = f"what format is {path.name!r}? use one of {', '.join(_WRITERS)}"
        raise UsageError(msg)
    return _WRITERS[suffix]


def _write(image: "NDArray[np.float32]", path: Path, *, photo: Path, quiet: bool) -> None:
    """Write an image whole or not at all, and say so."""
    from PIL import Image

    from biqa_cli.distortions.eight_bits import to_bytes

    writer, encoded = _writer(path, photo=photo), io.BytesIO()
    try:
        Image.fromarray(to_bytes(image)).save(encoded, writer.format, **writer.options)
    except (OSError, ValueError) as error:
        # Pillow's word for more pixels than a format can hold.
        msg = f"cannot write {path}: {error}"
        raise UsageError(msg) from error
    write_whole(path, encoded.getvalue())
    if writer.format == "JPEG" and not quiet:
        _output.say("JPEG adds a loss of its own (quality 95): a PNG keeps these very pixels")
    _output.print_line(str(path))
