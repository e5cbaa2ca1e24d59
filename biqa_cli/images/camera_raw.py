"""Raw files of cameras, by rawpy (LibRaw), which is an extra: the preview, or developed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from PIL import Image

from biqa_cli.errors import ImageError

if TYPE_CHECKING:
    from rawpy import RawPy

DEVELOPING_BYTES = 20
"""A pixel: the mosaic, four channels of 16 bits, and the picture."""
SMALLEST_PREVIEW = 1000
"""Pixels of the longer side. Below, a preview is a thumbnail and the mosaic is developed."""

# How LibRaw says what EXIF's orientation says of photos that are not upright.
_ORIENTATIONS = {3: 3, 5: 8, 6: 6}


@dataclass(frozen=True, slots=True)
class Mosaic:
    """What the sensor recorded, as it lies in the file."""

    width: int
    height: int
    orientation: int
    """As in EXIF."""


@dataclass(frozen=True, slots=True)
class RawFile:
    """An open raw file."""

    _raw: "RawPy"

    def mosaic(self) -> Mosaic:
        """Return the size of the photo and its orientation."""
        sizes = self._raw.sizes
        return Mosaic(sizes.width, sizes.height, _ORIENTATIONS.get(sizes.flip, 1))

    def preview(self) -> bytes | None:
        """Return the largest preview, a JPEG file; None where there is none."""
        import rawpy

        try:
            thumbnail = self._raw.extract_thumb()
        except rawpy.LibRawError:
            # None, or of a kind that LibRaw does not unpack: either way the mosaic is there.
            return None
        # What cameras keep as plain pixels are thumbnails.
        return bytes(thumbnail.data) if thumbnail.format == rawpy.ThumbFormat.JPEG else None

    def developed(self) -> Image.Image:
        """Return the photo made of the mosaic: upright, in sRGB, the camera's white balance."""
        import rawpy

        pixels = self._raw.postprocess(
            use_camera_wb=True, output_color=rawpy.ColorSpace.sRGB, output_bps=8
        )
        return Image.fromarray(pixels)


@contextmanager
def open_raw(file: IO[bytes]) -> Iterator[RawFile]:
    """Open a raw file; nothing is decoded yet.

    Raises:
        ImageError: If rawpy is not installed, or LibRaw does not read this kind or this file.
    """
    try:
        import rawpy
    except ImportError as error:
        msg = "is a camera's raw file, which needs rawpy: run `pip install 'biqa-cli[raw]'`"
        raise ImageError(msg) from error
    file.seek(0)
    raw = rawpy.RawPy()
    try:
        raw.open_buffer(cast("BinaryIO", file))
        yield RawFile(raw)
    except rawpy.LibRawFileUnsupportedError as error:
        msg = (
            "this camera's raw file is not supported by LibRaw "
            f"{'.'.join(map(str, rawpy.libraw_version))}: export it as JPEG or TIFF"
        )
        raise ImageError(msg) from error
    except rawpy.LibRawError as error:
        raise ImageError(
            f"the raw file is damaged and cannot be decoded ({_said(error)})"
        ) from error
    finally:
        raw.close()


def _said(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
