"""When a photo was taken, as its camera says: read from the head of a file, nothing is decoded."""

import logging
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from PIL import ExifTags, Image

from biqa_cli.images.formats import identify
from biqa_cli.images.header import Format, Header
from biqa_cli.images.opening import open_lazily

logger = logging.getLogger(__name__)

# Cameras put what they know of a photo before its pixels.
_HEAD = 4_000_000
_RAF_START, _RAF_PREVIEW = b"FUJIFILMCCD-RAW", 84
_CR3_EXIF = b"CMT2"
_CLASSIC_TIFF = {b"II": b"II*\0", b"MM": b"MM\0*"}


@dataclass(frozen=True, slots=True)
class CaptureTime:
    """The clock of a camera when the photo was taken."""

    local: datetime
    """As the clock showed it, without a zone; fractions of a second where the camera tells them."""
    offset: timedelta | None = None
    """Of the clock from UTC; None where the camera does not tell."""


def capture_time(source: str | Path | bytes) -> CaptureTime | None:
    """Return when a photo was taken; None where its file does not say.

    EXIF's DateTimeOriginal counts, with SubSecTimeOriginal and OffsetTimeOriginal. The date of a
    file is that of a copy, and does not.

    Args:
        source: The name of a file, or what is in it.
    """
    try:
        with BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as file:
            kind = identify(file)
            return _taken(_exif_tags(file, kind))
    except Exception:  # noqa: BLE001  broken EXIF raises anything; the pixels may still be good
        logger.info("unreadable EXIF data is ignored")
        return None


def _exif_tags(file: IO[bytes], kind: Format) -> dict[int, Any]:
    """Return the tags of EXIF's own directory."""
    if kind == "JPEG XL":
        return {}
    if kind == "camera raw":
        file.seek(0)
        return _tags_of_raw(file.read(_HEAD))
    with open_lazily(file, kind, Header()) as image:
        # The method of PNGs would decode all pixels first, to look for EXIF behind them.
        return _original(Image.Image.getexif(image))


def _tags_of_raw(head: bytes) -> dict[int, Any]:
    if head.startswith(_RAF_START):
        (place,) = struct.unpack(">I", head[_RAF_PREVIEW : _RAF_PREVIEW + 4])
        return _exif_tags(BytesIO(head[place:]), "JPEG")
    exif = Image.Exif()
    if head[4:8] == b"ftyp":
        # Canon's CR3: boxes, one of which holds EXIF's directory as a TIFF of its own.
        exif.load(head.partition(_CR3_EXIF)[2])
        return dict(exif)
    # Some makers have numbers of their own in place of 42; the directories are the same.
    exif.load(_CLASSIC_TIFF[head[:2]] + head[4:])
    return _original(exif)


def _original(exif: Image.Exif) -> dict[int, Any]:
    tags: dict[int, Any] = exif.get_ifd(ExifTags.IFD.Exif)
    return tags


def _taken(tags: dict[int, Any]) -> CaptureTime | None:
    text = _text(tags.get(ExifTags.Base.DateTimeOriginal))
    try:
        whole = datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007  EXIF has no zone
    except ValueError:
        # Cameras without a set clock write spaces or zeros.
        return None
    fraction = _text(tags.get(ExifTags.Base.SubsecTimeOriginal))
    microseconds = int(fraction[:6].ljust(6, "0")) if fraction.isdecimal() else 0
    return CaptureTime(
        whole.replace(microsecond=microseconds),
        _offset(_text(tags.get(ExifTags.Base.OffsetTimeOriginal))),
    )


def _offset(text: str) -> timedelta | None:
    """Return what "+02:00" says."""
    try:
        zone = datetime.strptime(text, "%z").utcoffset()
    except ValueError:
        return None
    return zone


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value.strip(" \0") if isinstance(value, str) else ""
