"""From a file to an upright sRGB photo: the only module that decodes images."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import IO, cast

import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from biqa_cli.errors import ImageError
from biqa_cli.images.heif import is_heif, open_heif

logger = logging.getLogger(__name__)

# Pillow knows some fifty formats; each further decoder is one more that a hostile file can reach.
# MPO, several JPEGs in one file, is opened as JPEG.
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "DIB")
DEFAULT_MAX_PIXELS = 200_000_000

_PROFILE_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
_WHITE_8, _WHITE_16 = 255, 65535
_KNOWN = "JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF, MPO or HEIC"

# What decoders say of a file that ends too early.
_CUT = ("truncated", "Truncated", "bytes not processed", "Unexpected end of file")
_NO_WHITE = "its pixels are {} without a defined white: save it with 8 or 16 bits"

_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TURNED = frozenset({5, 6, 7, 8})


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded photo: upright, opaque, 8-bit sRGB."""

    image: Image.Image
    """Mode RGB; at the codec's reduced size where `read_photo` was allowed to."""
    width: int
    """Width in pixels of the whole photo, upright."""
    height: int


def read_photo(
    source: str | Path | bytes,
    *,
    at_least: tuple[int, int] | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> Photo:
    """Return the photo in a file as people see it.

    Orientation (EXIF) is applied, alpha is laid over white, 16-bit grey is scaled to 8 bits, an
    embedded ICC profile is converted to sRGB. Of several frames the first is read.

    Args:
        source: A file in one of `FORMATS`, or HEIC, or the content of one; that decides, not the
            suffix.
        at_least: (height, width): a JPEG may be decoded at half, quarter or eighth size as long
            as both sides keep at least so many pixels. None decodes at full size.
        max_pixels: Photos with more pixels are refused before anything is decoded. Pillow's own
            limit, `PIL.Image.MAX_IMAGE_PIXELS`, is switched off: it warns below ours.

    Raises:
        ImageError: If the file cannot be read, is not an image, is damaged or is too large.
    """
    Image.MAX_IMAGE_PIXELS = None
    with _image_errors():
        return _decode(source, at_least=at_least, max_pixels=max_pixels)


def photo_of(image: Image.Image) -> Photo:
    """Return an image of Pillow's as an upright, opaque, 8-bit sRGB photo.

    Raises:
        ImageError: If its pixels have no defined white (32-bit integers or floats), or it was
            opened from a damaged file and is only now decoded.
    """
    with _image_errors():
        upright = _upright(image)
        return Photo(_to_srgb(upright, own=False), upright.width, upright.height)


@contextmanager
def _image_errors() -> Iterator[None]:
    try:
        yield
    except ImageError:
        raise
    except Exception as error:
        # Decoders of damaged files raise whatever they stumble over: SyntaxError, struct.error,
        # KeyError and more. None of them may end a run over a folder.
        raise ImageError(_explain(error)) from error


def _decode(
    source: str | Path | bytes, *, at_least: tuple[int, int] | None, max_pixels: int
) -> Photo:
    with _stream(source) as file, _opened(file) as image:
        width, height = image.size
        if width * height > max_pixels:
            msg = (
                f"{width}×{height} is {width * height / 1e6:.0f} megapixels, over the limit of "
                f"{max_pixels / 1e6:g}: raise it with --max-megapixels"
            )
            raise ImageError(msg)
        if at_least is not None and image.format != "HEIF":
            # HEIC would be read from its thumbnail, which is compressed once more.
            rows, columns = at_least[::-1] if _orientation(image) in _TURNED else at_least
            image.draft(None, (columns, rows))
        image.load()
        turned = _orientation(image) in _TURNED
        upright = _upright(image)
        if upright is not image:
            # 100 megapixels take 400 MB: a third copy would not fit where two do.
            image.close()
        pixels = _to_srgb(upright, own=True)
    if turned:
        width, height = height, width
    return Photo(pixels, width, height)


def _stream(source: str | Path | bytes) -> IO[bytes]:
    if isinstance(source, bytes):
        return BytesIO(source)
    path = Path(source)
    if path.exists() and not (path.is_file() or path.is_dir()):
        # Opening a named pipe would wait for its writer forever.
        raise ImageError("is a pipe or a device, not a photo")
    return path.open("rb")


def _opened(file: IO[bytes]) -> Image.Image:
    if not file.read(1):
        raise ImageError("the file is empty")
    file.seek(0)
    return open_heif(file) if is_heif(file) else Image.open(file, formats=FORMATS)


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 where there is none or the tag cannot be read."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001  broken EXIF raises anything; the pixels are still good
        logger.info("unreadable EXIF data is ignored")
        return 1


def _upright(image: Image.Image) -> Image.Image:
    # Pillow turns a TIFF itself as it loads it, and then forgets its orientation.
    image.load()
    operation = _TRANSPOSITIONS.get(_orientation(image))
    return image if operation is None else image.transpose(operation)


def _to_srgb(image: Image.Image, *, own: bool) -> Image.Image:
    """Return the image in 8-bit sRGB; one of our own may be changed in place."""
    profile = image.info.get("icc_profile")
    return _convert_profile(_to_8_bits(image), profile, own=own)


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Return the image in mode L, RGB, CMYK or LAB, opaque."""
    if image.mode.startswith("I;16") or image.mode == "I":
        return _scale_16_bits(image)
    if image.mode == "F":
        raise ImageError(_NO_WHITE.format("floating-point numbers"))
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        paper = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(paper, rgba).convert("RGB")
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in ("L", "RGB", "CMYK", "LAB") else image.convert("RGB")


def _scale_16_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if image.mode == "I" and (values.min() < 0 or values.max() > _WHITE_16):
        raise ImageError(_NO_WHITE.format("32-bit integers"))
    # Rounded, so that 65535 becomes 255 and 257·k becomes k.
    eight = (values.astype(np.uint32) * _WHITE_8 + _WHITE_16 // 2) // _WHITE_16
    return Image.fromarray(eight.astype(np.uint8))


def _convert_profile(image: Image.Image, profile: bytes | None, *, own: bool) -> Image.Image:
    """Return the image in sRGB, converted from its embedded profile where it has a usable one."""
    if image.mode == "LAB":
        return _transformed(image, _lab_to_srgb())
    in_place = own and image.mode == "RGB"
    if profile:
        try:
            transform = _to_srgb_transform(profile, image.mode)
        except (ImageCms.PyCMSError, OSError, ValueError) as error:
            logger.info("an unusable ICC profile is ignored: %s", error)
        else:
            if transform is not None:
                return _transformed(image, transform, in_place=in_place)
    return image if in_place else image.convert("RGB")


def _transformed(
    image: Image.Image, transform: ImageCms.ImageCmsTransform, *, in_place: bool = False
) -> Image.Image:
    if in_place:
        ImageCms.applyTransform(image, transform, inPlace=True)
        return image
    # Only an in-place transform returns None.
    return cast("Image.Image", ImageCms.applyTransform(image, transform))


@lru_cache(maxsize=32)
def _to_srgb_transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the transform of a profile to sRGB, None where the pixels are sRGB already."""
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    space = source.profile.xcolor_space.strip()
    if space != _PROFILE_SPACES[mode]:
        msg = f"a profile for {space} in a photo of mode {mode}"
        raise ValueError(msg)
    if mode == "RGB" and (source.profile.profile_description or "").startswith("sRGB"):
        return None
    return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")


@lru_cache(maxsize=1)
def _lab_to_srgb() -> ImageCms.ImageCmsTransform:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(lab, srgb, "LAB", "RGB")


def _explain(error: Exception) -> str:
    """Return one sentence on why a file could not be read."""
    reasons = {
        FileNotFoundError: "no such file",
        IsADirectoryError: "is a folder, not a photo",
        PermissionError: "no permission to read it",
        MemoryError: "not enough memory to decode it",
    }
    if type(error) in reasons:
        return reasons[type(error)]
    if isinstance(error, UnidentifiedImageError):
        return f"not an image in a known format ({_KNOWN})"
    if any(sign in str(error) for sign in _CUT):
        return "the file is truncated: part of the photo is missing"
    detail = " ".join(str(error).split()) or type(error).__name__
    return f"the file is damaged and cannot be decoded ({detail})"
