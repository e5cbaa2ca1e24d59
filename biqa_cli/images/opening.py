"""Pillow's decoders, called by name: each format is inspected first, then opened, not decoded."""

from collections.abc import Callable
from typing import IO, cast

from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile, DibImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from biqa_cli.images.header import Format, Header, length
from biqa_cli.images.heif import open_heif
from biqa_cli.images.isobmff import primary_image
from biqa_cli.images.jpeg import inspect_jpeg
from biqa_cli.images.limits import check_size
from biqa_cli.images.png import inspect_png, profile_in_words
from biqa_cli.images.profiles import coded_profile
from biqa_cli.images.tiff import header_of_page, inspect_tiff, unreadable
from biqa_cli.images.tiff_tags import BITS, PHOTOMETRIC


def _open_bmp(file: IO[bytes]) -> Image.Image:
    whole = file.read(2) == b"BM"
    file.seek(0)
    return cast("Image.Image", BmpImageFile(file) if whole else DibImageFile(file))


class _Tiff(TiffImageFile):
    """Pillow's TIFF without its check of the host process's limit, which loading repeats."""

    def load_prepare(self) -> None:
        if self._im is None:
            self.im = Image.new(self.mode, self._tile_size).im
        ImageFile.load_prepare(self)


# `Image.open` would check a limit that belongs to the host process, and try plugins that others
# have registered. Each further decoder is one more that a hostile file can reach.
_OPENERS: dict[Format, Callable[[IO[bytes]], Image.Image]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "TIFF": _Tiff,
    "BMP": _open_bmp,
    "GIF": GifImageFile,
    "AVIF": AvifImageFile,
    "HEIC": open_heif,
}
# Bytes a pixel that decoders hold beside Pillow's image, measured by tests/images/test_memory.py.
_WEBP_BYTES, _AVIF_BYTES, _HEIC_BYTES = 14, 16, 14


def inspect(file: IO[bytes], kind: Format, *, max_pixels: int) -> Header:
    """Return what a file says of its photo; of a file that one of Pillow's decoders reads.

    Raises:
        ImageError: If the photo is too large, damaged, or of a kind that is not read.
    """
    file.seek(0)
    match kind:
        case "PNG":
            return inspect_png(file, max_pixels=max_pixels)
        case "JPEG":
            return inspect_jpeg(file, max_pixels=max_pixels)
        case "TIFF":
            return inspect_tiff(file, max_pixels=max_pixels)
        case "HEIC" | "AVIF":
            return _inspect_boxes(file, kind, max_pixels=max_pixels)
        case "WEBP":
            # Pillow reads the whole file, and libwebp keeps two canvases.
            return Header(decoder_bytes=_WEBP_BYTES, fixed_bytes=length(file))
        case _:
            return Header()


def open_lazily(file: IO[bytes], kind: Format, header: Header) -> Image.Image:
    """Return the photo of a file, not decoded yet.

    Raises:
        ImageError: If an extra is missing.
        Exception: Whatever the decoder says of a file that it cannot read.
    """
    file.seek(0)
    try:
        image = _OPENERS[kind](file)
    except SyntaxError as error:
        if kind == "TIFF":
            raise unreadable(file, header.frame) from error
        raise
    if header.frame:
        image.seek(header.frame)
    return image


def header_of(image: Image.Image) -> Header:
    """Return what Pillow has kept of the header of an image that somebody else has opened."""
    info = image.info
    if isinstance(image, TiffImageFile):
        return header_of_page(
            {tag: image.tag_v2[tag] for tag in (BITS, PHOTOMETRIC) if tag in image.tag_v2}
        )
    if image.format == "PNG" and "icc_profile" not in info and "srgb" not in info:
        return Header(profile=profile_in_words(info.get("gamma"), info.get("chromaticity")))
    return Header()


def _inspect_boxes(file: IO[bytes], kind: Format, *, max_pixels: int) -> Header:
    primary = primary_image(file)
    if primary.size is not None:
        check_size(*primary.size, max_pixels=max_pixels)
    coded = None if primary.profile else primary.colours
    return Header(
        decoder_bytes=_AVIF_BYTES if kind == "AVIF" else _HEIC_BYTES,
        fixed_bytes=length(file) + primary.meta_bytes,
        profile=None
        if coded is None
        else coded_profile(kind, primaries=coded.primaries, transfer=coded.transfer),
    )
