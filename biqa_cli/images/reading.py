"""From a file to an upright sRGB photo: the one way in which every command reads."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import IO, cast

from PIL import Image

from biqa_cli.errors import ImageError
from biqa_cli.images.colour import to_srgb
from biqa_cli.images.complaints import explain
from biqa_cli.images.decoding import Photo, Task, decode
from biqa_cli.images.exif import in_adobe_rgb, orientation, turned
from biqa_cli.images.formats import identify
from biqa_cli.images.header import Format
from biqa_cli.images.limits import DEFAULT_LIMITS, Clock, Limits, TimedFile
from biqa_cli.images.opening import header_of
from biqa_cli.images.pixels import to_8_bits
from biqa_cli.images.profiles import adobe_rgb_profile

__all__ = ["DEFAULT_MAX_PIXELS", "Photo", "photo_of", "read_photo", "reading_photo"]

DEFAULT_MAX_PIXELS = DEFAULT_LIMITS.max_pixels


def read_photo(
    source: str | Path | bytes,
    *,
    at_least: tuple[int, int] | None = None,
    full_above: int | None = None,
    max_pixels: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Photo:
    """Return the photo in a file as people see it.

    Orientation is applied, transparency is laid over white, 16-bit grey is scaled to 8 bits, the
    colours are converted to sRGB as the file says them: by an ICC profile, or in the words of its
    format. Of several frames the first is read, of a camera's raw file the largest preview.

    Args:
        source: A file in a format of docs/formats.md, or the content of one; that decides, not the
            suffix.
        at_least: (height, width): a JPEG may be decoded at half, quarter or eighth size as long
            as both sides keep at least so many pixels. None decodes at full size.
        full_above: Photos of more pixels are decoded at full size, whatever `at_least` is. None:
            there are no such photos.
        max_pixels: Photos with more pixels are refused before anything is decoded; None is as
            `limits` says.
        limits: What reading may cost. The memory is shared with all readers of the process and
            given back on return: use `reading_photo` where several photos are held at a time.

    Raises:
        ImageError: If the file cannot be read, is not an image, is damaged or costs too much.
    """
    with reading_photo(
        source, at_least=at_least, full_above=full_above, max_pixels=max_pixels, limits=limits
    ) as photo:
        return photo


@contextmanager
def reading_photo(
    source: str | Path | bytes,
    *,
    at_least: tuple[int, int] | None = None,
    full_above: int | None = None,
    max_pixels: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[Photo]:
    """Yield what `read_photo` returns; its share of the memory is free again at the end.

    Do not read another photo inside: the two could wait for each other.
    """
    if max_pixels is not None:
        limits = replace(limits, max_pixels=max_pixels)
    with ExitStack() as held:
        task = Task(at_least, limits, Clock(limits.seconds), held, full_above)
        yield _read(source, task)


def photo_of(image: Image.Image) -> Photo:
    """Return an image of Pillow's as an upright, opaque, 8-bit sRGB photo.

    Raises:
        ImageError: If its pixels have no defined white (32-bit integers or floats), or it was
            opened from a damaged file and is only now decoded.
    """
    kind = cast("Format", image.format or "image")
    with _image_errors([kind]):
        # Pillow turns a TIFF itself as it loads it, and then forgets its orientation.
        image.load()
        upright = turned(image, orientation(image))
        header = header_of(image)
        opaque = to_8_bits(upright, white=header.white, inverted=header.inverted)
        profile = header.profile or upright.info.get("icc_profile")
        if profile is None and in_adobe_rgb(image):
            profile = adobe_rgb_profile()
        pixels = to_srgb(opaque, profile, own=False)
        return Photo(pixels, upright.width, upright.height)


@contextmanager
def _image_errors(found: list[Format]) -> Iterator[None]:
    """Turn whatever is raised into an ImageError; `found` is empty or holds the format."""
    try:
        yield
    except ImageError:
        raise
    except Exception as error:
        # Decoders of damaged files raise whatever they stumble over: SyntaxError, struct.error,
        # KeyError and more. None of them may end a run over a folder.
        raise ImageError(explain(error, found[0] if found else None)) from error


def _read(source: str | Path | bytes, task: Task) -> Photo:
    found: list[Format] = []
    with _image_errors(found), _stream(source) as file:
        timed = cast("IO[bytes]", TimedFile(file, task.clock))
        found.append(identify(timed))
        return decode(timed, found[0], task)


def _stream(source: str | Path | bytes) -> IO[bytes]:
    if isinstance(source, bytes):
        return BytesIO(source)
    path = Path(source)
    if path.exists() and not (path.is_file() or path.is_dir()):
        # Opening a named pipe would wait for its writer forever.
        raise ImageError("is a pipe or a device, not a photo")
    return path.open("rb")
