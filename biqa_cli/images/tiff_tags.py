"""The directories of a TIFF: only the few tags that tell what its pictures are."""

import struct
from dataclasses import dataclass
from typing import IO

from biqa_cli.errors import ImageError
from biqa_cli.images.header import exactly, length

# Tags (TIFF 6.0; DNG 1.7). Only integers are read.
NEW_SUBFILE_TYPE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
ORIENTATION, SAMPLES, PLANAR, SUB_IFDS, SAMPLE_FORMAT = 274, 277, 284, 330, 339
STRIP_OFFSETS, STRIP_BYTES, TILE_OFFSETS, TILE_BYTES = 273, 279, 324, 325
DNG_VERSION = 50706
_READ = frozenset(
    {
        *(NEW_SUBFILE_TYPE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC),
        *(STRIP_OFFSETS, STRIP_BYTES, TILE_OFFSETS, TILE_BYTES),
        *(ORIENTATION, SAMPLES, PLANAR, SUB_IFDS, SAMPLE_FORMAT, DNG_VERSION),
    }
)
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_CLASSIC, _BIG = 42, 43
_MAX_VALUES = 1 << 20
_MAX_DIRECTORIES = 64


@dataclass(frozen=True, slots=True)
class Directory:
    """One picture of a TIFF: its tags, each a tuple of integers."""

    tags: dict[int, tuple[int, ...]]

    def first(self, tag: int, default: int) -> int:
        """Return the first value of a tag."""
        return self.tags.get(tag, (default,))[0]

    @property
    def reduced(self) -> bool:
        """Whether the picture is a smaller version of another."""
        return bool(self.first(NEW_SUBFILE_TYPE, 0) & 1)


@dataclass(frozen=True, slots=True)
class Directories:
    """The pictures of a TIFF."""

    pages: tuple[Directory, ...]
    below: tuple[Directory, ...]
    """Those that a page refers to: where cameras keep the mosaic and larger previews."""


@dataclass(frozen=True, slots=True)
class _Layout:
    order: str
    big: bool

    def unpack(self, kind: str, data: bytes) -> tuple[int, ...]:
        return struct.unpack(self.order + kind, data)


def read_directories(file: IO[bytes]) -> Directories:
    """Return the pictures that a TIFF, or a raw file that is built as one, holds.

    Raises:
        ImageError: If the first directory cannot be read.
    """
    file.seek(0)
    layout, start = _start(file)
    size = length(file)
    pages: list[Directory] = []
    below: list[Directory] = []
    seen: set[int] = set()
    while start and start not in seen and len(pages) < _MAX_DIRECTORIES:
        seen.add(start)
        try:
            page, start = _directory(file, layout, start, size=size)
        except ImageError:
            # Of several pages the first is read: a damaged later one is nobody's loss.
            if pages:
                break
            raise
        pages.append(page)
        for place in page.tags.get(SUB_IFDS, ()):
            if place not in seen and len(below) < _MAX_DIRECTORIES:
                seen.add(place)
                try:
                    below.append(_directory(file, layout, place, size=size)[0])
                except ImageError:
                    continue
    if not pages:
        raise ImageError("the file is damaged: a TIFF without a picture")
    return Directories(tuple(pages), tuple(below))


def _start(file: IO[bytes]) -> tuple[_Layout, int]:
    head = exactly(file, 8)
    order = "<" if head[:2] == b"II" else ">"
    if struct.unpack(order + "H", head[2:4])[0] == _BIG:
        layout = _Layout(order, big=True)
        return layout, layout.unpack("Q", exactly(file, 8))[0]
    # Makers of cameras have numbers of their own in place of 42.
    layout = _Layout(order, big=False)
    return layout, layout.unpack("I", head[4:8])[0]


def _directory(file: IO[bytes], layout: _Layout, start: int, *, size: int) -> tuple[Directory, int]:
    """Return the directory at a place, and the place of the next."""
    if start >= size:
        raise ImageError("the file is truncated: part of the photo is missing")
    file.seek(start)
    (count,) = layout.unpack("Q" if layout.big else "H", exactly(file, 8 if layout.big else 2))
    entry_size = 20 if layout.big else 12
    if count > 65535:  # noqa: PLR2004  the most that a classic TIFF can have
        raise ImageError(f"the file is damaged: a TIFF with {count} tags")
    table = exactly(file, count * entry_size)
    (after,) = layout.unpack("Q" if layout.big else "I", exactly(file, 8 if layout.big else 4))
    tags = {}
    for at in range(0, len(table), entry_size):
        entry = table[at : at + entry_size]
        tag, kind = layout.unpack("HH", entry[:4])
        if tag in _READ and kind in _INTEGERS:
            values = _values(file, layout, entry, _INTEGERS[kind], size=size)
            if values:
                tags[tag] = values
    return Directory(tags), after


def _values(
    file: IO[bytes], layout: _Layout, entry: bytes, kind: str, *, size: int
) -> tuple[int, ...]:
    (count,) = layout.unpack("Q" if layout.big else "I", entry[4 : 12 if layout.big else 8])
    field = entry[12:] if layout.big else entry[8:]
    count = min(count, _MAX_VALUES)
    needed = count * struct.calcsize(layout.order + kind)
    if needed > len(field):
        (place,) = layout.unpack("Q" if layout.big else "I", field)
        if place + needed > size:
            return ()
        file.seek(place)
        field = exactly(file, needed)
    return layout.unpack(f"{count}{kind}", field[:needed])
