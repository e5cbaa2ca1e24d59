"""Files that the tests of images/ are made of: chunks, profiles, raw files of a few kilobytes."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the file that Pillow makes of an image."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    """Return a PNG with chunks behind its header."""
    return png[:33] + b"".join(chunks) + png[33:]


def encoded_srgb(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 8-bit sRGB of linear light, as IEC 61966-2-1 has it."""
    low, high = 12.92 * linear, 1.055 * np.maximum(linear, 0) ** (1 / 2.4) - 0.055
    return 255 * np.where(linear <= 0.0031308, low, high)


def decoded_srgb(stored: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the linear light of 8-bit sRGB."""
    stored = stored / 255
    return np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)


def profile(space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Return an ICC profile of the given tags, version 2."""
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        whole = data + b"\0" * (-len(data) % 4)
        table += name + struct.pack(">II", start + len(body), len(whole))
        body += whole
    head = bytearray(128)
    head[0:4] = struct.pack(">I", start + len(body))
    head[8:12] = b"\x02\x40\0\0"
    head[12:24] = (b"prtr" if space == b"CMYK" else b"mntr") + space + connection
    head[36:40] = b"acsp"
    head[68:80] = struct.pack(">3i", 63190, 65536, 54061)
    return bytes(head) + struct.pack(">I", len(tags)) + table + body


def description(text: bytes) -> bytes:
    return b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + b"\0" * 80


_WHITE_POINT = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)


def grey_profile(gamma: float) -> bytes:
    """Return an ICC profile of grey with a gamma."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    tags = {b"desc": description(b"grey"), b"wtpt": _WHITE_POINT, b"kTRC": curve}
    return profile(b"GRAY", b"XYZ ", tags)


def cmyk_profile(lab: tuple[int, int, int]) -> bytes:
    """Return an ICC profile of inks that all look alike, of one colour as 8-bit Lab, but black."""
    corners = b"".join(
        b"\xff\x80\x80" if n == 0 else b"\0\x80\x80" if n % 2 else bytes(lab) for n in range(16)
    )
    identity = b"".join(struct.pack(">i", 65536 * (n % 4 == 0)) for n in range(9))
    ramp = bytes(range(256))
    table = b"mft1\0\0\0\0\x04\x03\x02\0" + identity + ramp * 4 + corners + ramp * 3
    tags = {b"desc": description(b"inks"), b"wtpt": _WHITE_POINT, b"A2B0": table}
    return profile(b"CMYK", b"Lab ", tags)


Tags = dict[int, tuple[str, tuple[int, ...]]]
"""Of a TIFF: a format of struct for each value, and the values."""

_TYPES = {"B": 1, "H": 3, "I": 4, "R": 5}
_STRIP_OFFSETS, _STRIP_BYTES, _SUB_IFDS = 273, 279, 330


def tiff_file(*pictures: tuple[Tags, bytes]) -> bytes:
    """Return a TIFF of the first picture, with the others below it (in SubIFDs)."""
    body = bytearray(b"II*\0\0\0\0\0")
    below: list[int] = []
    for number, (tags, strip) in enumerate(reversed(pictures)):
        place = len(body)
        body += strip
        every: Tags = {**tags, _STRIP_OFFSETS: ("I", (place,)), _STRIP_BYTES: ("I", (len(strip),))}
        if number == len(pictures) - 1 and below:
            every[_SUB_IFDS] = ("I", tuple(reversed(below)))
        entries = b""
        for tag, (kind, values) in sorted(every.items()):
            data = struct.pack(f"<{len(values)}{'I' if kind == 'R' else kind}", *values)
            if len(data) > 4:
                body += b"\0" * (len(body) % 2)
                at = struct.pack("<I", len(body))
                body += data
                data = at
            count = len(values) // 2 if kind == "R" else len(values)
            entries += struct.pack("<HHI", tag, _TYPES[kind], count) + data.ljust(4, b"\0")
        body += b"\0" * (len(body) % 2)
        below.append(len(body))
        body += struct.pack("<H", len(every)) + entries + bytes(4)
    body[4:8] = struct.pack("<I", below[-1])
    return bytes(body)


def picture(height: int, width: int, *, photometric: int, compression: int = 1) -> Tags:
    """Return the tags that every 8-bit picture of three samples has."""
    return {
        256: ("I", (width,)),
        257: ("I", (height,)),
        258: ("H", (8, 8, 8)),
        259: ("H", (compression,)),
        262: ("H", (photometric,)),
        277: ("H", (3,)),
        278: ("I", (height,)),
    }


def dng(mosaic: NDArray[np.uint16], *, preview: bytes | None = None, orientation: int = 1) -> bytes:
    """Return a raw file as cameras write it: a thumbnail first, mosaic and preview below it."""
    height, width = mosaic.shape
    identity = tuple(n for one in (1, 0, 0, 0, 1, 0, 0, 0, 1) for n in (one, 1))
    first: Tags = {
        **picture(12, 16, photometric=2),
        254: ("I", (1,)),
        271: ("B", tuple(b"Maker\0")),
        272: ("B", tuple(b"Camera\0")),
        274: ("H", (orientation,)),
        50706: ("B", (1, 4, 0, 0)),
        50708: ("B", tuple(b"Maker Camera\0")),
        50721: ("R", identity),
        50728: ("R", (1, 1, 1, 1, 1, 1)),
        50778: ("H", (21,)),
    }
    sensor: Tags = {
        **picture(height, width, photometric=32803),
        254: ("I", (0,)),
        258: ("H", (16,)),
        277: ("H", (1,)),
        33421: ("H", (2, 2)),
        33422: ("B", (0, 1, 1, 2)),
        50714: ("H", (0,)),
        50717: ("I", (65535,)),
    }
    pictures = [(first, bytes(12 * 16 * 3)), (sensor, mosaic.astype("<u2").tobytes())]
    if preview is not None:
        with Image.open(io.BytesIO(preview)) as image:
            tags = picture(image.height, image.width, photometric=6, compression=7)
        pictures.append(({**tags, 254: ("I", (1,))}, preview))
    return tiff_file(*pictures)
