import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from fakes import linear_profile, photo
from image_files import chunk, decoded_srgb, encoded_srgb, saved, with_chunks
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.errors import ImageError
from biqa_cli.images.png import inspect_png
from biqa_cli.images.reading import photo_of, read_photo

PNG = saved(photo(), "PNG")
PIXELS = np.asarray(photo()).astype(float)
LINEAR = chunk(b"gAMA", struct.pack(">I", 100_000))
SRGB_PRIMARIES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
P3_PRIMARIES = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
# From linear Display P3 to linear sRGB, as CSS Color 4 has it.
P3_TO_SRGB = np.array(
    [
        [1.2249401, -0.2249404, 0.0],
        [-0.0420569, 1.0420571, 0.0],
        [-0.0196376, -0.0786361, 1.0982735],
    ]
)
IN_LINEAR_LIGHT = encoded_srgb(PIXELS / 255)
IN_P3 = encoded_srgb(decoded_srgb(PIXELS) @ P3_TO_SRGB.T).clip(0, 255)


def _read(png: bytes) -> NDArray[np.float64]:
    return np.asarray(read_photo(png).image).astype(float)


def _chromaticity(values: tuple[int, ...]) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *values))


def _coded(primaries: int, transfer: int, matrix: int = 0, full_range: int = 1) -> bytes:
    return chunk(b"cICP", bytes([primaries, transfer, matrix, full_range]))


@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT", b"IEND", b"tEXt"])
def test_a_wrong_checksum_of_any_chunk_is_an_error(kind: bytes) -> None:
    png = bytearray(with_chunks(PNG, chunk(b"tEXt", b"Title\0photo")))
    at = png.index(kind) - 4
    size = int.from_bytes(png[at : at + 4], "big")
    png[at + 8 + size] ^= 1
    with pytest.raises(ImageError, match=f"the checksum of its part '{kind.decode()}' is wrong"):
        read_photo(bytes(png))


def test_a_flipped_bit_of_the_pixels_is_an_error() -> None:
    png = bytearray(saved(photo(), "PNG", compress_level=0))
    png[len(png) // 2] ^= 16
    with pytest.raises(ImageError, match="the checksum of its part 'IDAT' is wrong"):
        read_photo(bytes(png))


def test_a_png_without_its_end_is_truncated() -> None:
    with pytest.raises(ImageError, match="truncated"):
        read_photo(PNG[:-12])


def test_what_follows_the_end_is_left_alone() -> None:
    assert np.array_equal(_read(PNG + b"more"), PIXELS)


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([LINEAR], IN_LINEAR_LIGHT),
        ([_chromaticity(P3_PRIMARIES)], IN_P3),
        ([_coded(1, 8)], IN_LINEAR_LIGHT),
        ([_coded(12, 13)], IN_P3),
        ([_chromaticity(SRGB_PRIMARIES), LINEAR], IN_LINEAR_LIGHT),
    ],
)
def test_colours_that_chunks_state_are_converted_to_srgb(
    chunks: list[bytes], expected: NDArray[np.float64]
) -> None:
    difference = np.abs(_read(with_chunks(PNG, *chunks)) - expected)
    # Eight bits in linear light leave the darkest tones a level or two apart.
    assert difference.mean() < 0.6 and difference.max() <= 3
    assert np.abs(expected - PIXELS).mean() > 2


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(b"gAMA", struct.pack(">I", 45455))],
        [chunk(b"gAMA", struct.pack(">I", 45455)), _chromaticity(SRGB_PRIMARIES)],
        [chunk(b"sRGB", b"\0"), LINEAR],
        [_coded(1, 13), LINEAR],
        [chunk(b"gAMA", bytes(4))],
    ],
)
def test_what_says_srgb_changes_nothing(chunks: list[bytes]) -> None:
    assert np.array_equal(_read(with_chunks(PNG, *chunks)), PIXELS)


def test_a_profile_goes_before_gama_and_cicp_before_a_profile() -> None:
    png = saved(photo(), "PNG", icc_profile=linear_profile())
    # sRGB and linear light are far apart: one conversion is told from none and from two.
    for chunks in ([], [chunk(b"gAMA", struct.pack(">I", 300_000))]):
        assert np.abs(_read(with_chunks(png, *chunks)) - IN_LINEAR_LIGHT).mean() < 0.6
    assert np.array_equal(_read(with_chunks(png, _coded(1, 13))), PIXELS)


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_high_dynamic_range_is_refused(transfer: int, name: str) -> None:
    with pytest.raises(ImageError, match=f"this kind of PNG is not supported .*{name}"):
        read_photo(with_chunks(PNG, _coded(9, transfer)))


def test_colours_that_do_not_exist_are_refused() -> None:
    on_a_line = (31270, 32900, 10000, 10000, 20000, 20000, 30000, 30000)
    for chunks in (_chromaticity(on_a_line), _coded(200, 13), _coded(9, 13, matrix=9)):
        with pytest.raises(ImageError, match="this kind of PNG is not supported"):
            read_photo(with_chunks(PNG, chunks))


def test_an_image_that_somebody_has_opened_is_converted_too(tmp_path: Path) -> None:
    path = tmp_path / "linear.png"
    path.write_bytes(with_chunks(PNG, LINEAR))
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(photo_of(image).image), _read(path.read_bytes()))


def test_a_png_with_more_beside_its_pixels_than_a_photo_has_is_refused() -> None:
    notes = chunk(b"tEXt", b"Title\0" + bytes(1_000_000)) * 65
    with pytest.raises(ImageError, match="more than 64 MB beside its pixels"):
        read_photo(with_chunks(PNG, notes))


@pytest.mark.parametrize(("gamma", "is_srgb"), [(43_200, True), (47_700, True), (60_000, False)])
def test_a_gamma_near_that_of_srgb_is_taken_for_it(gamma: int, *, is_srgb: bool) -> None:
    read = _read(with_chunks(PNG, chunk(b"gAMA", struct.pack(">I", gamma))))
    assert np.array_equal(read, PIXELS) == is_srgb


@pytest.mark.parametrize(("moved", "is_srgb"), [(190, True), (-190, True), (2_000, False)])
def test_primaries_near_those_of_srgb_are_taken_for_them(moved: int, *, is_srgb: bool) -> None:
    primaries = (*SRGB_PRIMARIES[:2], SRGB_PRIMARIES[2] + moved, *SRGB_PRIMARIES[3:])
    read = _read(with_chunks(PNG, _chromaticity(primaries)))
    assert np.array_equal(read, PIXELS) == is_srgb


@pytest.mark.parametrize(
    "odd",
    [
        chunk(b"gAMA", struct.pack(">I", 100_000)[:3]),
        chunk(b"gAMA", struct.pack(">I", 100_000) + b"\0"),
        chunk(b"cHRM", struct.pack(">7I", *P3_PRIMARIES[:7])),
        chunk(b"cHRM", struct.pack(">9I", *P3_PRIMARIES, 0)),
        chunk(b"cICP", bytes([1, 8, 0])),
        chunk(b"cICP", bytes([1, 8, 0, 1, 0])),
    ],
)
def test_a_chunk_of_another_length_says_nothing(odd: bytes) -> None:
    assert inspect_png(BytesIO(with_chunks(PNG, odd)), max_pixels=10**6).profile is None


def test_of_two_chunks_of_a_kind_the_first_counts() -> None:
    other = chunk(b"gAMA", struct.pack(">I", 300_000))
    read = _read(with_chunks(PNG, LINEAR, other))
    assert np.array_equal(read, _read(with_chunks(PNG, LINEAR)))


def test_colours_of_less_than_full_range_are_refused() -> None:
    with pytest.raises(ImageError, match="its cICP chunk is not of full-range RGB"):
        read_photo(with_chunks(PNG, _coded(1, 13, full_range=0)))


@pytest.mark.parametrize("size", [12, 14])
def test_a_header_of_another_length_is_damage(size: int) -> None:
    header = chunk(b"IHDR", (PNG[16:29] + b"\0")[:size])
    with pytest.raises(ImageError, match=f"the file is damaged: its header has {size} bytes"):
        read_photo(PNG[:8] + header + PNG[33:])
