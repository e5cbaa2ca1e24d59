import struct
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from image_files import dng, saved
from PIL import ExifTags, Image

from biqa_cli.images.capture_time import CaptureTime, capture_time

_WHEN = "2024:06:01 15:04:05"


def _exif(**tags: str) -> Image.Exif:
    exif = Image.Exif()
    # Pillow takes a record without tags of its own for empty.
    exif[ExifTags.Base.Make] = "Maker"
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {ExifTags.Base[name]: text for name, text in tags.items()}
    )
    return exif


def _photo(kind: str = "JPEG", **tags: str) -> bytes:
    return saved(Image.new("RGB", (16, 16)), kind, exif=_exif(**tags).tobytes())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_the_time_is_read_from_every_format_with_exif(kind: str) -> None:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    assert capture_time(_photo(kind, DateTimeOriginal=_WHEN)) == CaptureTime(
        datetime(2024, 6, 1, 15, 4, 5)  # noqa: DTZ001  a camera's clock
    )


@pytest.mark.parametrize(
    ("written", "microseconds"), [("5", 500_000), ("07", 70_000), ("123456789", 123_456), ("x", 0)]
)
def test_fractions_of_seconds_count(written: str, microseconds: int) -> None:
    taken = capture_time(_photo(DateTimeOriginal=_WHEN, SubsecTimeOriginal=written))
    assert taken is not None and taken.local.microsecond == microseconds


@pytest.mark.parametrize(
    ("written", "offset"),
    [("+02:00", timedelta(hours=2)), ("-03:30", timedelta(hours=-3.5)), ("   :  ", None)],
)
def test_the_offset_is_kept(written: str, offset: timedelta | None) -> None:
    taken = capture_time(_photo(DateTimeOriginal=_WHEN, OffsetTimeOriginal=written))
    assert taken is not None and taken.offset == offset


@pytest.mark.parametrize("written", ["    :  :     :  :  ", "0000:00:00 00:00:00", "soon", ""])
def test_a_clock_that_was_not_set_is_no_time(written: str) -> None:
    assert capture_time(_photo(DateTimeOriginal=written)) is None


def test_files_without_exif_damaged_ones_and_none_have_no_time(tmp_path: Path) -> None:
    whole = _photo(DateTimeOriginal=_WHEN)
    broken = whole.replace(b"Exif\0\0II*\0", b"Exif\0\0II*\1").replace(b"MM\0*", b"MM\1*")
    empty = tmp_path / "empty.jpg"
    empty.touch()
    for source in (saved(Image.new("RGB", (8, 8)), "PNG"), broken, b"text", empty, "no-such.jpg"):
        assert capture_time(source) is None


def _tiff_with_time(start: bytes) -> bytes:
    """Return the head of a raw file: a directory that points to EXIF's, with the time in it."""
    text = _WHEN.encode() + b"\0"
    first = struct.pack("<HHHIII", 1, 0x8769, 4, 1, 26, 0)
    second = struct.pack("<HHHIII", 1, 0x9003, 2, len(text), 44, 0)
    return start + struct.pack("<I", 8) + first + second + text


@pytest.mark.parametrize("start", [b"IIRO", b"IIU\0"])
def test_raw_files_with_a_number_of_the_makers_have_their_time(start: bytes) -> None:
    taken = capture_time(_tiff_with_time(start))
    assert taken is not None and taken.local.second == 5


def test_the_time_of_a_fuji_is_in_its_preview() -> None:
    preview = _photo(DateTimeOriginal=_WHEN)
    raf = b"FUJIFILMCCD-RAW ".ljust(84, b"\0") + struct.pack(">I", 100) + bytes(12) + preview
    taken = capture_time(raf)
    assert taken is not None and taken.local.hour == 15


def test_the_time_of_a_cr3_is_in_a_box_of_its_own() -> None:
    text = _WHEN.encode() + b"\0"
    exif = b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 0x9003, 2, len(text), 26, 0) + text
    box = struct.pack(">I4s", len(exif) + 8, b"CMT2") + exif
    taken = capture_time(struct.pack(">I4s4s", 24, b"ftyp", b"crx ") + bytes(12) + box + bytes(64))
    assert taken is not None and taken.local.minute == 4


def test_a_raw_file_without_a_time_has_none() -> None:
    assert capture_time(dng(np.full((64, 64), 900, np.uint16))) is None
    assert capture_time(b"\0\0\0\x18ftypcrx ") is None


@pytest.mark.parametrize("written", [f"{_WHEN}Z", f"{_WHEN}.25 ", f" {_WHEN}\0"])
def test_what_stands_beside_the_time_is_left_alone(written: str) -> None:
    taken = capture_time(_photo(DateTimeOriginal=written))
    assert taken is not None and taken.local.strftime("%Y:%m:%d %H:%M:%S") == _WHEN
