"""Write the table of docs/formats.md: files of each kind are made, read, and compared.

`python tools/write_formats_table.py` rewrites the table; `--folder DIR` reads the files of a folder
in place of that and prints what became of each, for files of real cameras.
"""

import argparse
import io
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pillow_jxl  # noqa: F401  Pillow saves JPEG XL once it is imported
import tifffile
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from fakes import linear_profile, photo  # noqa: E402
from image_files import chunk, dng, saved, with_chunks  # noqa: E402

from biqa_cli.errors import ImageError  # noqa: E402
from biqa_cli.images.reading import read_photo  # noqa: E402

PAGE = ROOT / "docs" / "formats.md"
BEGIN, END = "<!-- table: tools/write_formats_table.py -->\n", "<!-- end of table -->\n"
# Levels of 255: lossy codecs at high quality, and colours that are converted and rounded.
CLOSE = 6

Kind = tuple[str, bytes, Image.Image]
"""A name, the file, and what a viewer would show."""


def main() -> None:
    """Rewrite the page, or print what became of the files of a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    folder = parser.parse_args().folder
    if folder is not None:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            print(f"{path.relative_to(folder)}: {_read(path)}")
        return
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(before + BEGIN + table() + END + after, encoding="utf-8")


def table() -> str:
    """Return the rows, one a kind of file."""
    rows = [f"| {name} | {_outcome(content, shown)} |" for name, content, shown in kinds()]
    return "\n| kind of file | what becomes of it |\n| --- | --- |\n" + "\n".join(rows) + "\n\n"


def _outcome(content: bytes, shown: Image.Image) -> str:
    try:
        read = read_photo(content)
    except ImageError as error:
        return f"error: {error}"
    if read.image.size != shown.size:
        return f"read{_noted(read.note)}"
    difference = np.abs(np.asarray(read.image, int) - np.asarray(shown, int)).mean()
    if difference > CLOSE:
        return f"read, but other pixels than were written ({difference:.0f} levels apart)"
    return ("read, the same pixels" if difference == 0 else "read") + _noted(read.note)


def _noted(note: str) -> str:
    return f": {note}" if note else ""


def _read(path: Path) -> str:
    try:
        read = read_photo(path)
    except ImageError as error:
        return f"error: {error}"
    return f"read, {read.width}×{read.height}{_noted(read.note)}"


def kinds() -> Iterator[Kind]:
    """Yield a file of every kind."""
    yield from _jpegs()
    yield from _pngs()
    yield from _tiffs()
    yield from _others()
    yield from _raws()


def _jpegs() -> Iterator[Kind]:
    shown = photo()
    best: dict[str, Any] = {"quality": 98, "subsampling": 0}
    baseline = saved(shown, "JPEG", **best)
    yield "JPEG, baseline", baseline, shown
    yield "JPEG, progressive", saved(shown, "JPEG", progressive=True, **best), shown
    grey = shown.convert("L")
    yield "JPEG, grey", saved(grey, "JPEG", quality=98), grey.convert("RGB")
    inks = shown.convert("CMYK")
    yield "JPEG, CMYK without a profile", saved(inks, "JPEG", quality=98), shown
    frames = saved(shown, "MPO", save_all=True, append_images=[grey.convert("RGB")], **best)
    yield "MPO (the first picture)", frames, shown
    for label, at, value in (("12 bits", 4, 12), ("lossless", 1, 0xC3), ("hierarchical", 1, 0xC5)):
        changed = bytearray(baseline)
        changed[baseline.index(b"\xff\xc0") + at] = value
        yield f"JPEG, {label}", bytes(changed), shown


def _pngs() -> Iterator[Kind]:
    shown = photo()
    plain = saved(shown, "PNG")
    yield "PNG, RGB", plain, shown
    indexed = shown.quantize(64)
    yield "PNG, palette", saved(indexed, "PNG"), indexed.convert("RGB")
    clear = shown.convert("RGBA")
    clear.putalpha(0)
    yield "PNG, transparent (over white)", saved(clear, "PNG"), Image.new("RGB", (64, 48), "white")
    grey = shown.convert("L")
    sixteen = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    yield "PNG, 16-bit grey", saved(sixteen, "PNG"), grey.convert("RGB")
    linear = Image.fromarray(
        np.round(255 * (np.asarray(shown) / 255) ** (1 / 2.2)).astype(np.uint8)
    )
    gamma = chunk(b"gAMA", struct.pack(">I", 100_000))
    yield "PNG in linear light (gAMA)", with_chunks(plain, gamma), linear
    profile = saved(shown, "PNG", icc_profile=linear_profile())
    yield "PNG in linear light (ICC)", profile, linear
    for name, transfer in (("PQ", 16), ("HLG", 18)):
        coded = with_chunks(plain, chunk(b"cICP", bytes([9, transfer, 0, 1])))
        yield f"PNG, high dynamic range ({name})", coded, shown
    damaged = bytearray(plain)
    damaged[len(plain) // 2] ^= 1
    yield "PNG with a wrong checksum", bytes(damaged), shown


def _tiffs() -> Iterator[Kind]:
    shown = photo()
    pixels = np.asarray(shown)
    sixteen = pixels.astype(np.uint16) * 257
    grey = np.asarray(shown.convert("L"))
    grey_shown = shown.convert("L").convert("RGB")
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd", "lzma"):
        yield f"TIFF, RGB, {compression}", saved(shown, "TIFF", compression=compression), shown
    planes = np.moveaxis(sixteen, 2, 0)
    forms: list[tuple[str, Any, dict[str, Any], Image.Image]] = [
        ("16-bit RGB", sixteen, {"photometric": "rgb"}, shown),
        ("16-bit RGB in planes", planes, {"photometric": "rgb"}, shown),
        (
            "16-bit RGB in planes, Deflate",
            planes,
            {"photometric": "rgb", "compression": "zlib"},
            shown,
        ),
        ("tiles", pixels, {"photometric": "rgb", "tile": (16, 16)}, shown),
        ("16-bit grey", grey.astype(np.uint16) * 257, {}, grey_shown),
        (
            "16-bit grey, white is zero",
            (255 - grey.astype(np.uint16)) * 257,
            {"photometric": "miniswhite"},
            grey_shown,
        ),
        ("32-bit float", grey.astype(np.float32), {}, grey_shown),
        ("32-bit integers", grey.astype(np.uint32), {}, grey_shown),
        ("signed 16-bit grey", grey.astype(np.int16), {}, grey_shown),
        (
            "16-bit grey with alpha",
            np.stack([grey, grey], -1).astype(np.uint16),
            {"photometric": "minisblack", "extrasamples": ["unassalpha"]},
            grey_shown,
        ),
    ]
    for name, values, options, expected in forms:
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, values, metadata=None, **options)
        yield f"TIFF, {name}", buffer.getvalue(), expected


def _others() -> Iterator[Kind]:
    shown = photo()
    indexed = shown.quantize(64)
    yield "WebP, lossless", saved(shown, "WEBP", lossless=True), shown
    yield "WebP, lossy", saved(shown, "WEBP", quality=100), shown
    yield "AVIF", saved(shown, "AVIF", quality=100, subsampling="4:4:4"), shown
    yield "GIF (the first frame)", saved(indexed, "GIF"), indexed.convert("RGB")
    yield "BMP", saved(shown, "BMP"), shown
    yield "DIB", saved(shown, "DIB"), shown
    buffer = io.BytesIO()
    pillow_heif.from_pillow(shown).save(buffer, quality=100, chroma=444)
    yield "HEIC, with the extra `heic`", buffer.getvalue(), shown
    yield "JPEG XL, with the extra `jxl`", saved(shown, "JXL", lossless=True), shown
    yield "JPEG 2000", saved(shown, "JPEG2000"), shown


def _raws() -> Iterator[Kind]:
    large = photo(1200, 900)
    mosaic = np.full((900, 1200), 20_000, np.uint16)
    preview = saved(large, "JPEG", quality=95)
    small = saved(photo(160, 120), "JPEG")
    yield "camera raw with a preview, with the extra `raw`", dng(mosaic, preview=preview), large
    yield "camera raw with a thumbnail only", dng(mosaic, preview=small), photo()


if __name__ == "__main__":
    main()
