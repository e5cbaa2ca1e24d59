"""What happens to files: bits flip, sectors are zeroed, parts are cut, doubled, swapped."""

import random
import struct
import zlib

_SECTOR = 64
_TELLING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutated(content: bytes, other: bytes, random: random.Random) -> bytes:
    """Return a damaged version of a file.

    Args:
        content: The file.
        other: Another, some of which may end up in this one.
        random: Decides everything: the same seed damages in the same way.
    """
    data = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 4, 16))):
        data = _mutate(data, other, random)
    # A wrong checksum hides all that lies behind it, so half of the files have right ones.
    return _with_checksums(bytes(data)) if random.random() < 0.5 else bytes(data)


def _mutate(data: bytearray, other: bytes, random: random.Random) -> bytearray:
    if not data:
        return data
    at = random.randrange(len(data))
    # Headers decide more than pixels do.
    at = min(at, random.choice((at, at, at % 512)))
    end = min(at + random.choice((4, _SECTOR, 512)), len(data))
    match random.randrange(8):
        case 0:
            data[at] ^= 1 << random.randrange(8)
        case 1:
            data[at] = random.randrange(256)
        case 2:
            data[at:end] = bytes(end - at)
        case 3:
            number = random.choice(_TELLING)
            order = random.choice("<>")
            data[at : at + 4] = struct.pack(order + "I", number)
        case 4:
            del data[at:]
        case 5:
            del data[at:end]
        case 6:
            data[at:at] = data[at:end] * random.choice((1, 2, 50))
        case _:
            start = random.randrange(len(other))
            data[at:end] = other[start : start + end - at]
    return data


def _with_checksums(png: bytes) -> bytes:
    """Return a PNG whose checksums hold; anything else as it is."""
    if not png.startswith(b"\x89PNG\r\n\x1a\n"):
        return png
    fixed, at = bytearray(png), 8
    while at + 12 <= len(png):
        end = at + 8 + int.from_bytes(png[at : at + 4], "big")
        if end + 4 > len(png):
            break
        fixed[end : end + 4] = struct.pack(">I", zlib.crc32(png[at + 4 : end]))
        at = end + 4
    return bytes(fixed)
