"""From an open file to an upright sRGB photo, by the decoder of its format."""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from io import BytesIO
from typing import IO

from PIL import Image

from biqa_cli.images.budget import PHOTOS
from biqa_cli.images.camera_raw import (
    DEVELOPING_BYTES,
    SMALLEST_PREVIEW,
    Mosaic,
    RawFile,
    open_raw,
)
from biqa_cli.images.colour import to_srgb
from biqa_cli.images.exif import ON_ITS_SIDE, UPRIGHT, in_adobe_rgb, orientation, turned
from biqa_cli.images.header import Format, Header, length
from biqa_cli.images.jxl import BYTES_A_PIXEL, JxlPixels, decode_jxl, jxl_size
from biqa_cli.images.limits import Clock, Limits, check_size
from biqa_cli.images.opening import inspect, open_lazily
from biqa_cli.images.pixels import BANDS_BYTES, storage, to_8_bits
from biqa_cli.images.profiles import adobe_rgb_profile

_RGB_BYTES = 4
# Grey of more than 8 bits is grey of 8 first, and RGB then.
_CONVERTED_BYTES = 1 + _RGB_BYTES


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded photo: upright, opaque, 8-bit sRGB."""

    image: Image.Image
    """Mode RGB; at the codec's reduced size where `read_photo` was allowed to."""
    width: int
    """Width in pixels of the whole photo, upright."""
    height: int
    note: str = ""
    """What a reader of the score should know: that it is of a raw file's preview, say."""


@dataclass(frozen=True, slots=True)
class Task:
    """What decoding a photo needs beside its file."""

    at_least: tuple[int, int] | None
    limits: Limits
    clock: Clock
    held: ExitStack
    """Ends when the photo is not needed any more, and gives its memory back."""
    full_above: int | None = None
    """Photos of more pixels are decoded at full size, whatever `at_least` is."""

    def smallest(self, pixels: int) -> tuple[int, int] | None:
        """Return the (height, width) that a photo may be reduced to; None is its full size."""
        if self.full_above is not None and pixels > self.full_above:
            return None
        return self.at_least

    def reserve(self, amount: float) -> None:
        """Wait for memory, until the photo is not needed any more."""
        reservation = PHOTOS.reserve(round(amount), total=self.limits.memory)
        self.clock.extend(self.held.enter_context(reservation))


def decode(file: IO[bytes], kind: Format, task: Task) -> Photo:
    """Return the photo in a file of a known format.

    Raises:
        ImageError: If the file is damaged, of a kind that is not read, or costs too much.
        Exception: Whatever the decoder says of a damaged file.
    """
    match kind:
        case "camera raw":
            return _of_raw(file, task)
        case "JPEG XL":
            return _of_jxl(file, task)
        case _:
            return _of_pillow(file, kind, task)


def _of_pillow(
    file: IO[bytes], kind: Format, task: Task, *, known_orientation: int | None = None
) -> Photo:
    """Return the photo in a file that one of Pillow's decoders reads.

    Args:
        file: At any place.
        kind: Its format.
        task: What it may cost, and what is asked for.
        known_orientation: In place of the one in the file.
    """
    header = inspect(file, kind, max_pixels=task.limits.max_pixels)
    with open_lazily(file, kind, header) as image:
        width, height = image.size
        check_size(width, height, max_pixels=task.limits.max_pixels)
        up = known_orientation or UPRIGHT
        if known_orientation is None and header.may_be_turned is None:
            up = orientation(image)
        smallest = task.smallest(width * height)
        if smallest is not None and kind == "JPEG":
            # HEIC has this too, from its thumbnail, which is compressed once more.
            rows, columns = smallest[::-1] if up in ON_ITS_SIDE else smallest
            image.draft(None, (columns, rows))
        task.reserve(
            _peak(
                image,
                header,
                width * height,
                is_turned=up != UPRIGHT or header.may_be_turned is True,
            )
        )
        task.clock.check()
        image.load()
        if known_orientation is None:
            # Pillow turns a TIFF itself, tells its size so, and then forgets its orientation.
            up = orientation(image)
        if up in ON_ITS_SIDE:
            width, height = height, width
        upright = turned(image, up)
        profile = header.profile or upright.info.get("icc_profile")
        if profile is None and in_adobe_rgb(image):
            profile = adobe_rgb_profile()
        if upright is not image:
            # 100 megapixels take 400 MB: a third copy would not fit where two do.
            image.close()
        return _finished(upright, header, profile, (width, height), task)


def _peak(image: Image.Image, header: Header, pixels: int, *, is_turned: bool) -> float:
    """Return the bytes that decoding takes at its peak."""
    decoded = image.width * image.height
    kept = storage(image.mode)
    # A turned copy replaces the first; a converted one stands beside what it is made of.
    copies = max(kept if is_turned else 0, 0 if image.mode == "RGB" else _CONVERTED_BYTES)
    return (
        BANDS_BYTES
        + header.fixed_bytes
        + max(decoded * (kept + copies), decoded * kept + pixels * header.decoder_bytes)
    )


def _finished(
    upright: Image.Image,
    header: Header,
    profile: bytes | None,
    size: tuple[int, int],
    task: Task,
) -> Photo:
    task.clock.check()
    opaque = to_8_bits(upright, white=header.white, inverted=header.inverted)
    pixels = to_srgb(opaque, profile, own=True)
    task.clock.check()
    return Photo(pixels, *size)


def _of_jxl(file: IO[bytes], task: Task) -> Photo:
    width, height = jxl_size(file)
    check_size(width, height, max_pixels=task.limits.max_pixels)
    size = length(file)
    file.seek(0)
    with ExitStack() as decoding:
        amount = size + width * height * (BYTES_A_PIXEL + 2 * _RGB_BYTES)
        waited = decoding.enter_context(PHOTOS.reserve(amount, total=task.limits.memory))
        task.clock.extend(waited)
        decoded = decode_jxl(file.read())
        task.clock.check()
        if not decoded.is_jpeg:
            task.held.push(decoding.pop_all())
            return _of_jxl_pixels(decoded, task)
    return _of_pillow(BytesIO(decoded.data), "JPEG", task)


def _of_jxl_pixels(decoded: JxlPixels, task: Task) -> Photo:
    size = (decoded.width, decoded.height)
    check_size(*size, max_pixels=task.limits.max_pixels)
    image = Image.frombytes(decoded.mode, size, decoded.data)
    return _finished(image, Header(), decoded.profile, size, task)


def _of_raw(file: IO[bytes], task: Task) -> Photo:
    with open_raw(file) as raw:
        mosaic = raw.mosaic()
        check_size(mosaic.width, mosaic.height, max_pixels=task.limits.max_pixels)
        preview = raw.preview()
        task.clock.check()
        if preview is None:
            return _developed(raw, mosaic, task)
        photo = _of_preview(preview, mosaic, task)
        return _developed(raw, mosaic, task) if photo is None else photo


def _of_preview(preview: bytes, mosaic: Mosaic, task: Task) -> Photo | None:
    """Return a raw file's preview as a photo, None where it is no more than a thumbnail."""
    file = BytesIO(preview)
    header = inspect(file, "JPEG", max_pixels=task.limits.max_pixels)
    with open_lazily(file, "JPEG", header) as image:
        width, height = image.size
        if max(width, height) < min(SMALLEST_PREVIEW, mosaic.width, mosaic.height):
            return None
        up = orientation(image)
    if mosaic.orientation in ON_ITS_SIDE:
        # Most previews lie as the mosaic does, some are turned already, and LibRaw gives them all
        # the orientation of the mosaic: the shape tells.
        lies = (width > height) == (mosaic.width > mosaic.height)
        up = mosaic.orientation if lies else UPRIGHT
    photo = _of_pillow(file, "JPEG", task, known_orientation=up)
    return replace(photo, note=f"preview {width}×{height} of the camera's raw file")


def _developed(raw: RawFile, mosaic: Mosaic, task: Task) -> Photo:
    task.reserve(mosaic.width * mosaic.height * DEVELOPING_BYTES)
    image = raw.developed()
    task.clock.check()
    return Photo(image, *image.size, note="developed from the camera's raw file")
