"""Pixels are compared with those that tifffile, an independent implementation, was given."""

import io
import lzma
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tifffile
from fakes import photo
from image_files import Tags, picture, saved, tiff_file
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.errors import ImageError
from biqa_cli.images.reading import photo_of, read_photo
from biqa_cli.images.tiff import inspect_tiff
from biqa_cli.images.tiff_tags import read_directories

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 65536, (40, 56)).astype(np.uint16)
COLOUR = RNG.integers(0, 65536, (40, 56, 3)).astype(np.uint16)


def _tiff(pixels: NDArray[Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, metadata=None, **options)
    return buffer.getvalue()


def _read(content: bytes) -> NDArray[np.int_]:
    return np.asarray(read_photo(content).image).astype(int)


def _rounded(values: NDArray[np.uint16]) -> NDArray[np.int_]:
    return np.floor(values / 257 + 0.5).astype(int)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("layout", [{"rowsperstrip": 16}, {"tile": (16, 32)}])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("bits", [8, 16])
def test_colours_are_right_or_refused(
    bits: int, planar: str, layout: dict[str, Any], compression: str | None, byteorder: str
) -> None:
    pixels = COLOUR if bits == 16 else (COLOUR >> 8).astype(np.uint8)
    stored = pixels if planar == "contig" else np.moveaxis(pixels, 2, 0)
    content = _tiff(
        stored,
        photometric="rgb",
        planarconfig=planar,
        compression=compression,
        byteorder=byteorder,
        **layout,
    )
    if bits == 16 and planar == "separate" and compression is None:
        reason = "this kind of TIFF is not supported .16-bit RGB, 3 samples in planes"
        with pytest.raises(ImageError, match=reason):
            read_photo(content)
    else:
        # Of 16 bits Pillow keeps the upper eight.
        assert np.array_equal(_read(content), COLOUR >> 8)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("bits", [8, 16])
def test_grey_is_right_whatever_zero_stands_for(
    bits: int, photometric: str, compression: str | None
) -> None:
    pixels = GREY if bits == 16 else (GREY >> 8).astype(np.uint8)
    content = _tiff(pixels, photometric=photometric, compression=compression)
    expected = _rounded(GREY) if bits == 16 else (GREY >> 8).astype(int)
    if photometric == "miniswhite":
        expected = 255 - expected
    assert np.array_equal(_read(content)[..., 1], expected)


def test_an_image_that_somebody_has_opened_is_not_read_as_its_negative() -> None:
    content = _tiff(GREY, photometric="miniswhite")
    with Image.open(io.BytesIO(content)) as image:
        assert np.array_equal(np.asarray(photo_of(image).image), _read(content))


def test_twelve_bits_are_scaled_by_their_own_white() -> None:
    values = np.arange(0, 4096, 64)[:56]
    packed = b"".join(
        bytes([a >> 4, (a & 15) << 4 | b >> 8, b & 255]) for a, b in values.reshape(-1, 2).tolist()
    )
    tags: Tags = {**picture(1, 56, photometric=1), 258: ("H", (12,)), 277: ("H", (1,))}
    expected = np.floor(values * 255 / 4095 + 0.5)
    assert np.array_equal(_read(tiff_file((tags, packed)))[0, :, 0], expected)


@pytest.mark.parametrize(
    ("pixels", "options", "reason"),
    [
        (GREY.astype(np.float32), {}, "floating-point numbers without a defined white"),
        (GREY.astype(np.uint32), {}, "32-bit integers without a defined white"),
        (COLOUR.astype(np.uint32), {"photometric": "rgb"}, "32-bit integers"),
        ((COLOUR / 65535).astype(np.float16), {"photometric": "rgb"}, "floating-point numbers"),
        ((GREY >> 1).astype(np.int16), {}, "not supported .signed 16-bit grey"),
        ((GREY >> 9).astype(np.int8), {}, "not supported .signed 8-bit grey"),
        (
            np.stack([GREY, GREY], axis=-1),
            {"photometric": "minisblack", "extrasamples": ["unassalpha"]},
            "this kind of TIFF is not supported .16-bit grey, 2 samples, uncompressed",
        ),
    ],
)
def test_what_has_no_right_pixels_is_refused(
    pixels: NDArray[Any], options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ImageError, match=reason):
        read_photo(_tiff(pixels, **options))


def _described(**tags: tuple[int, ...]) -> str:
    """Return how the error for a TIFF with these tags describes it."""
    names = {"bits": 258, "compression": 259, "photometric": 262, "samples": 277, "planar": 284}
    own: Tags = {names[name]: ("H", values) for name, values in tags.items()}
    # Signed numbers are never read.
    content = tiff_file(({**picture(4, 4, photometric=2), 339: ("H", (2,)), **own}, bytes(48)))
    with pytest.raises(ImageError) as error:
        read_photo(content)
    return str(error.value).partition("not supported (")[2]


@pytest.mark.parametrize(
    ("compression", "name"),
    [
        (1, "uncompressed"),
        (2, "CCITT RLE"),
        (3, "CCITT group 3"),
        (4, "CCITT group 4"),
        (5, "LZW"),
        (6, "old JPEG"),
        (7, "JPEG"),
        (8, "Deflate"),
        (32773, "PackBits"),
        (32946, "Deflate"),
        (34925, "LZMA"),
        (50000, "Zstandard"),
        (9, "compression 9"),
    ],
)
def test_an_error_names_the_compression(compression: int, name: str) -> None:
    assert f"3 samples, {name})" in _described(compression=(compression,))


@pytest.mark.parametrize(
    ("photometric", "name"),
    [
        (0, "grey with white as zero"),
        (1, "grey"),
        (2, "RGB"),
        (3, "palette"),
        (4, "mask"),
        (5, "CMYK"),
        (6, "YCbCr"),
        (8, "CIELab"),
        (9, "ICCLab"),
        (10, "ITULab"),
        (7, "photometric 7"),
    ],
)
def test_an_error_names_the_colours(photometric: int, name: str) -> None:
    assert _described(photometric=(photometric,)).startswith(f"signed 8-bit {name}, 3 samples")


def test_an_error_tells_how_the_samples_lie() -> None:
    assert _described(planar=(2,)).startswith("signed 8-bit RGB, 3 samples in planes, ")
    assert _described(planar=(1,)).startswith("signed 8-bit RGB, 3 samples, ")
    alone = _described(samples=(1,), bits=(8,), photometric=(1,), planar=(2,))
    assert alone.startswith("signed 8-bit grey, uncompressed")
    assert _described(bits=(8, 16, 8)).startswith("signed 8/16-bit RGB")


@pytest.mark.parametrize(("samples", "is_read"), [(6, True), (7, False)])
def test_at_most_six_samples_are_read(samples: int, *, is_read: bool) -> None:
    tags: Tags = {
        **picture(4, 4, photometric=2),
        258: ("H", (8,) * samples),
        277: ("H", (samples,)),
        338: ("H", (0,) * (samples - 3)),
    }
    content = tiff_file((tags, bytes(range(16 * samples))))
    if is_read:
        assert _read(content).shape == (4, 4, 3)
        return
    with pytest.raises(ImageError, match=r"not supported .8-bit RGB, 7 samples, uncompressed"):
        read_photo(content)


@pytest.mark.parametrize("layout", [{"rowsperstrip": 16}, {"tile": (16, 32)}])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_big_tiff_is_read(layout: dict[str, Any], compression: str | None) -> None:
    pixels = (COLOUR >> 8).astype(np.uint8)
    content = _tiff(pixels, photometric="rgb", bigtiff=True, compression=compression, **layout)
    assert content[2] == 43
    assert np.array_equal(_read(content), pixels)


def test_a_big_tiff_whose_photo_lies_below_a_thumbnail_is_refused() -> None:
    buffer = io.BytesIO()
    small, large = np.asarray(photo(16, 12)), np.asarray(photo(160, 120))
    with tifffile.TiffWriter(buffer, bigtiff=True) as tiff:
        tiff.write(small, photometric="rgb", subfiletype=1, subifds=1, metadata=None)
        tiff.write(large, photometric="rgb", metadata=None)
    with pytest.raises(ImageError, match="its first page is a thumbnail"):
        read_photo(buffer.getvalue())


@pytest.mark.parametrize(
    ("compression", "name"), [(50001, "WebP"), (50002, "JPEG XL"), (34887, "LERC")]
)
def test_the_compression_that_is_not_supported_is_named(compression: int, name: str) -> None:
    tags = picture(48, 64, photometric=2, compression=compression)
    webp = saved(photo(), "WEBP", lossless=True)
    with pytest.raises(ImageError, match=f"this kind of TIFF is not supported .*{name}"):
        read_photo(tiff_file((tags, webp)))


def test_a_thumbnail_is_never_read_in_place_of_the_photo() -> None:
    small, large = Image.new("RGB", (16, 12), "red"), photo(160, 120)
    first: Tags = {**picture(12, 16, photometric=2), 254: ("I", (1,))}
    below = (picture(120, 160, photometric=2), large.tobytes())
    with pytest.raises(ImageError, match="its first page is a thumbnail"):
        read_photo(tiff_file((first, small.tobytes()), below))
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as tiff:
        tiff.write(np.asarray(small), photometric="rgb", subfiletype=1, metadata=None)
        tiff.write(np.asarray(large), photometric="rgb", metadata=None)
    assert np.array_equal(_read(buffer.getvalue()), np.asarray(large))


def test_a_directory_that_leads_back_to_itself_ends() -> None:
    content = bytearray(tiff_file((picture(12, 16, photometric=2), bytes(12 * 16 * 3))))
    start = int.from_bytes(content[4:8], "little")
    entries = int.from_bytes(content[start : start + 2], "little")
    after = start + 2 + 12 * entries
    content[after : after + 4] = content[4:8]
    assert _read(bytes(content)).shape == (12, 16, 3)


@pytest.mark.parametrize("layout", [{"rowsperstrip": 10}, {"tile": (16, 16)}])
def test_a_wrong_checksum_of_deflated_pixels_is_an_error(layout: dict[str, Any]) -> None:
    content = _tiff(COLOUR, photometric="rgb", compression="zlib", **layout)
    assert np.array_equal(_read(content), COLOUR >> 8)
    with tifffile.TiffFile(io.BytesIO(content)) as tiff:
        page = tiff.pages[0]
        ends = [a + b for a, b in zip(page.dataoffsets, page.databytecounts, strict=True)]
    for end in (ends[0], ends[-1]):
        damaged = bytearray(content)
        damaged[end - 1] ^= 1
        with pytest.raises(ImageError, match="the checksum of its pixels is wrong"):
            read_photo(bytes(damaged))


@pytest.mark.parametrize(
    ("compression", "packed"),
    [(1, bytes), (8, zlib.compress), (32946, zlib.compress), (34925, lzma.compress)],
)
def test_pixels_are_the_same_whatever_packs_them(
    compression: int, packed: Callable[[bytes], bytes]
) -> None:
    image = photo()
    tags = picture(48, 64, photometric=2, compression=compression)
    assert np.array_equal(_read(tiff_file((tags, packed(image.tobytes())))), np.asarray(image))


def test_what_a_tiff_does_not_say_is_as_the_standard_has_it() -> None:
    # One bit of grey, one sample, uncompressed: TIFF 6.0, section 8.
    tags: Tags = {256: ("I", (16,)), 257: ("I", (2,)), 262: ("H", (1,)), 278: ("I", (2,))}
    content = tiff_file((tags, b"\xff\x00\x0f\xf0"))
    assert inspect_tiff(io.BytesIO(content), max_pixels=1000).decoder_bytes == 1 / 8
    expected = np.repeat([[1, 0], [0, 1]], [8, 8], axis=1)
    expected[1] = [0] * 4 + [1] * 8 + [0] * 4
    assert np.array_equal(_read(content)[:, :, 0], 255 * expected)
    signed = tiff_file(({**tags, 339: ("H", (2,))}, bytes(4)))
    with pytest.raises(ImageError, match="signed 1-bit grey, uncompressed"):
        read_photo(signed)


def test_a_tiff_without_a_size_is_damaged() -> None:
    tags = picture(4, 4, photometric=2)
    for side, said in ((256, "0×4"), (257, "4×0")):
        content = tiff_file(({tag: value for tag, value in tags.items() if tag != side}, bytes(48)))
        with pytest.raises(ImageError, match=f"its header says {said} pixels"):
            read_photo(content)


@pytest.mark.parametrize(("moved", "is_read"), [(0, True), (1, False)])
def test_values_may_lie_at_the_very_end_of_a_file_and_not_beyond(
    moved: int, *, is_read: bool
) -> None:
    # Three depths of two bytes, at the end.
    content = bytearray(tiff_file((picture(4, 4, photometric=2), bytes(48)))) + bytes(6)
    entry = content.index(struct.pack("<HHI", 258, 3, 3))
    content[-6:] = struct.pack("<3H", 8, 8, 8)
    struct.pack_into("<I", content, entry + 8, len(content) - 6 + moved)
    bits = read_directories(io.BytesIO(bytes(content))).pages[0].tags.get(258)
    assert bits == ((8, 8, 8) if is_read else None)
