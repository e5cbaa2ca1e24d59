"""HEIC and AVIF: the colours and the size of the primary image, read from the boxes around it."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from biqa_cli.errors import ImageError
from biqa_cli.images.header import TRUNCATED, exactly

_MAX_META = 64_000_000
_MAX_BOXES = 4096


@dataclass(frozen=True, slots=True)
class Coded:
    """Colours as numbers of ITU-T H.273."""

    primaries: int
    transfer: int


@dataclass(frozen=True, slots=True)
class PrimaryImage:
    """What the boxes say of the image that is shown; None where they do not."""

    size: tuple[int, int] | None = None
    """(width, height) as stored, not turned yet."""
    colours: Coded | None = None
    profile: bool = False
    """Whether an ICC profile is there, which goes before the numbers."""
    meta_bytes: int = 0


def primary_image(file: IO[bytes]) -> PrimaryImage:
    """Return what the boxes of a HEIC or AVIF file say of its primary image.

    Raises:
        ImageError: If the boxes do not fit into each other.
    """
    meta = _meta(file)
    if meta is None:
        return PrimaryImage()
    try:
        return _primary(meta)
    except (struct.error, IndexError) as error:
        raise ImageError("the file is damaged: its boxes do not fit into each other") from error


def _meta(file: IO[bytes]) -> bytes | None:
    """Return the content of the box "meta", None where there is none, as in image sequences."""
    for _ in range(_MAX_BOXES):
        head = file.read(8)
        if len(head) < 8:  # noqa: PLR2004  the end of the file
            return None
        size, kind = struct.unpack(">I4s", head)
        used = 8
        if size == 1:
            size, used = struct.unpack(">Q", exactly(file, 8))[0], 16
        elif size == 0:
            size = 1 << 62
        if size < used:
            raise ImageError("the file is damaged: a box smaller than its header")
        if kind == b"meta":
            if size > _MAX_META:
                raise ImageError("the file is damaged: its description has no end")
            # The box has a version, which boxes within do not tell.
            return exactly(file, size - used)[4:]
        if size >= 1 << 62:
            return None
        file.seek(size - used, 1)
    raise ImageError("the file is damaged: too many boxes")


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        used = 8
        if size == 1:
            (size,), used = struct.unpack_from(">Q", data, at + 8), 16
        elif size == 0:
            size = len(data) - at
        if size < used or at + size > len(data):
            raise ImageError(TRUNCATED)
        yield kind, data[at + used : at + size]
        at += size


def _primary(meta: bytes) -> PrimaryImage:
    boxes = dict(_boxes(meta))
    if b"pitm" not in boxes or b"iprp" not in boxes:
        return PrimaryImage(meta_bytes=len(meta))
    wide = boxes[b"pitm"][0] > 0
    (item,) = struct.unpack_from(">I" if wide else ">H", boxes[b"pitm"], 4)
    properties: list[tuple[bytes, bytes]] = []
    associated: list[int] = []
    for kind, data in _boxes(boxes[b"iprp"]):
        if kind == b"ipco":
            properties = list(_boxes(data))
        elif kind == b"ipma":
            associated += _associations(data, item)
    size, colours, profile = None, None, False
    for number in associated:
        # Numbers start at one; zero stands for none.
        if not 0 < number <= len(properties):
            continue
        kind, data = properties[number - 1]
        if kind == b"ispe":
            size = struct.unpack_from(">II", data, 4)
        elif kind == b"colr" and data[:4] == b"nclx":
            primaries, transfer = struct.unpack_from(">HH", data, 4)
            colours = Coded(primaries, transfer)
        elif kind == b"colr" and data[:4] in (b"prof", b"rICC"):
            profile = True
    return PrimaryImage(size, colours, profile=profile, meta_bytes=len(meta))


def _associations(data: bytes, item: int) -> list[int]:
    """Return the numbers of the properties of an item (ISO/IEC 14496-12, box "ipma")."""
    wide_items, wide_numbers = data[0] > 0, bool(data[3] & 1)
    (count,) = struct.unpack_from(">I", data, 4)
    at = 8
    for _ in range(count):
        (identity,) = struct.unpack_from(">I" if wide_items else ">H", data, at)
        at += 4 if wide_items else 2
        entries = data[at]
        at += 1
        width = 2 if wide_numbers else 1
        if identity == item:
            packed = struct.unpack_from(f">{entries}{'H' if wide_numbers else 'B'}", data, at)
            # The highest bit says whether the property is essential.
            return [number & (0x7FFF if wide_numbers else 0x7F) for number in packed]
        at += entries * width
    return []
