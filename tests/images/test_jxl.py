import struct
import sys
from io import BytesIO

import numpy as np
import pytest
from fakes import linear_profile, photo
from image_files import encoded_srgb, saved
from PIL import Image

from biqa_cli.errors import ImageError
from biqa_cli.images.jxl import CODESTREAM, CONTAINER, jxl_size
from biqa_cli.images.limits import Limits
from biqa_cli.images.reading import read_photo

Decoder = pytest.importorskip("pillow_jxl").Decoder
Field = tuple[int, int]
"""A value and its bits."""


@pytest.mark.parametrize("container", [False, True])
@pytest.mark.parametrize("size", [(64, 48), (61, 47), (128, 128), (1000, 30), (7, 300)])
def test_a_jpeg_xl_is_read(size: tuple[int, int], *, container: bool) -> None:
    original = photo(*size)
    content = saved(original, "JXL", lossless=True, effort=1, use_container=container)
    read = read_photo(content)
    assert (read.width, read.height) == size
    assert np.array_equal(np.asarray(read.image), np.asarray(original))


def test_transparency_is_laid_over_white_and_grey_is_grey() -> None:
    clear = Image.new("RGBA", (32, 32), (255, 0, 0, 0))
    assert np.asarray(read_photo(saved(clear, "JXL", lossless=True)).image).min() == 255
    grey = photo().convert("L")
    read = read_photo(saved(grey, "JXL", lossless=True)).image
    assert np.array_equal(np.asarray(read)[..., 2], np.asarray(grey))


def test_a_large_jpeg_xl_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    content = saved(photo(300, 200), "JXL", effort=1)
    monkeypatch.setattr("biqa_cli.images.decoding.decode_jxl", None)
    with pytest.raises(ImageError, match="300×200 is 0 megapixels, over the limit"):
        read_photo(content, max_pixels=10_000)
    with pytest.raises(ImageError, match="over the limit of 1 MB for photos"):
        read_photo(content, limits=Limits(memory=1_000_000))


def test_a_cut_jpeg_xl_is_an_error() -> None:
    content = saved(photo(300, 200), "JXL")
    for size in (len(content) // 2, 3):
        with pytest.raises(ImageError, match="truncated|damaged"):
            read_photo(content[:size])


def test_without_the_plugin_a_jpeg_xl_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = saved(photo(), "JXL")
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    with pytest.raises(ImageError, match=r"needs pillow-jxl-plugin: run .*biqa-cli\[jxl\]"):
        read_photo(content)


def test_pixels_are_converted_from_the_profile_beside_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bare = photo(24, 16)
    content = saved(bare, "JXL", lossless=True)
    decode = Decoder(num_threads=0)

    def with_profile(data: bytes) -> tuple[object, ...]:
        # The plugin itself writes no other profile than sRGB's.
        is_jpeg, info, pixels, _, boxes = decode(data)
        return is_jpeg, info, pixels, linear_profile(), boxes

    monkeypatch.setattr("pillow_jxl.Decoder", lambda **_: with_profile)
    expected = read_photo(saved(bare, "PNG", icc_profile=linear_profile())).image
    assert np.array_equal(np.asarray(read_photo(content).image), np.asarray(expected))
    assert not np.array_equal(np.asarray(expected), np.asarray(bare))


def test_a_packed_jpeg_is_read_as_that_jpeg(tmp_path: object) -> None:
    path = f"{tmp_path}/photo.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    photo(80, 60).save(path, quality=90, exif=exif, icc_profile=linear_profile())
    with Image.open(path) as image:
        content = saved(image, "JXL", lossless_jpeg=True)
    read, expected = read_photo(content), read_photo(path)
    assert (read.width, read.height) == (60, 80)
    assert np.array_equal(np.asarray(read.image), np.asarray(expected.image))
    linear = np.asarray(Image.open(path).transpose(Image.Transpose.ROTATE_270)) / 255
    assert np.abs(np.asarray(read.image) - encoded_srgb(linear)).mean() < 1


def _codestream(*fields: Field) -> BytesIO:
    """Return the start of a JPEG XL: (value, bits) of each field, the lowest bit first."""
    value = at = 0
    for field, bits in fields:
        value |= field << at
        at += bits
    return BytesIO(CODESTREAM + value.to_bytes(64, "little"))


@pytest.mark.parametrize(
    ("side", "choice", "bits"),
    [(1, 0, 9), (512, 0, 9), (8192, 1, 13), (200_000, 2, 18), (1 << 30, 3, 30)],
)
def test_sides_of_any_length_are_read_from_the_header(side: int, choice: int, bits: int) -> None:
    coded = [(choice, 2), (side - 1, bits)]
    # Not a multiple of 8; height, no ratio, width; everything else as usual.
    header = _codestream((0, 1), *coded, (0, 3), (0, 2), (99, 9), (1, 1))
    assert jxl_size(header) == (100, side)
    header = _codestream((0, 1), (0, 2), (99, 9), (0, 3), *coded, (1, 1))
    assert jxl_size(header) == (side, 100)


@pytest.mark.parametrize(
    ("ratio", "width"), [(1, 60), (2, 72), (3, 80), (4, 90), (5, 106), (6, 75), (7, 120)]
)
def test_a_width_may_be_stated_as_a_share_of_the_height(ratio: int, width: int) -> None:
    assert jxl_size(_codestream((0, 1), (0, 2), (59, 9), (ratio, 3), (1, 1))) == (width, 60)


# Small sides, nothing as usual; then what may stand before the number of channels.
SIDES = [(1, 1), (5, 5), (1, 3), (0, 1)]
ABSENT: list[Field] = [(0, 1)]
NOTHING_ADDED, INTEGERS, NOT_MODULAR = [(0, 1)], [(0, 1), (0, 2)], [(0, 1)]
TEN = [(3, 2), (9, 12)]


def _added(
    *, size: list[Field] = ABSENT, preview: list[Field] = ABSENT, film: list[Field] = ABSENT
) -> list[Field]:
    """Return the fields that a codestream adds: an orientation, a size, a preview, a film."""
    return [(1, 1), (7, 3), *size, *preview, *film]


@pytest.mark.parametrize(
    "added",
    [
        NOTHING_ADDED,
        _added(),
        _added(size=[(1, 1), (0, 1), (1, 2), (8191, 13), (0, 3), (3, 2), (999, 30)]),
        *(
            _added(preview=[(1, 1), (eighths, 1), *side, (0, 3), *side])
            for eighths, widths in ((1, (0, 0, 5, 9)), (0, (6, 8, 10, 12)))
            for side in ([(n, 2), (2**width - 1, width)] for n, width in enumerate(widths))
        ),
        _added(preview=[(1, 1), (0, 1), (0, 2), (63, 6), (1, 3)]),
        *(
            _added(film=[(1, 1), *ticks, *parts, *loops, (1, 1)])
            for ticks, parts, loops in (
                ([(0, 2)], [(0, 2)], [(0, 2)]),
                ([(1, 2)], [(1, 2)], [(1, 2), (7, 3)]),
                ([(2, 2), (1023, 10)], [(2, 2), (255, 8)], [(2, 2), (65535, 16)]),
                ([(3, 2), (2**30 - 1, 30)], [(3, 2), (1023, 10)], [(3, 2), (2**32 - 1, 32)]),
            )
        ),
    ],
)
def test_channels_are_counted_whatever_a_file_adds(added: list[Field]) -> None:
    fields = [*SIDES, *added, *INTEGERS, *NOT_MODULAR, *TEN]
    with pytest.raises(ImageError, match="10 channels beside the colours"):
        jxl_size(_codestream(*fields))


@pytest.mark.parametrize(
    "depth",
    [
        *([(0, 1), (choice, 2)] for choice in (0, 1, 2)),
        [(0, 1), (3, 2), (63, 6)],
        *([(1, 1), (choice, 2), (15, 4)] for choice in (0, 1, 2)),
        [(1, 1), (3, 2), (63, 6), (15, 4)],
    ],
)
def test_channels_are_counted_whatever_the_depth(depth: list[Field]) -> None:
    with pytest.raises(ImageError, match="10 channels beside the colours"):
        jxl_size(_codestream(*SIDES, *NOTHING_ADDED, *depth, *NOT_MODULAR, *TEN))


@pytest.mark.parametrize(
    ("coded", "count"),
    [
        ([(0, 2)], 0),
        ([(1, 2)], 1),
        ([(2, 2), (2, 4)], 4),
        ([(2, 2), (3, 4)], 5),
        ([(2, 2), (15, 4)], 17),
        (TEN, 10),
    ],
)
def test_at_most_four_channels_lie_beside_the_colours(coded: list[Field], count: int) -> None:
    header = _codestream(*SIDES, *NOTHING_ADDED, *INTEGERS, *NOT_MODULAR, *coded)
    if count <= 4:
        assert jxl_size(header) == (48, 48)
        return
    with pytest.raises(ImageError, match=f"[(]{count} channels beside the colours"):
        jxl_size(header)


def test_a_header_is_read_to_its_last_byte_and_not_beyond() -> None:
    # 2 bits and 30, a ratio, and the bit that all else is as usual: 37 bits, in five bytes.
    whole = _codestream((0, 1), (3, 2), (999, 30), (1, 3), (1, 1)).getvalue()[: 2 + 5]
    assert jxl_size(BytesIO(whole)) == (1000, 1000)
    with pytest.raises(ImageError, match="truncated"):
        jxl_size(BytesIO(whole[:-1]))


def _box(kind: bytes, content: bytes, *, large: bool = False) -> bytes:
    if large:
        return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">I4s", 8 + len(content), kind) + content


@pytest.mark.parametrize("large", [False, True])
def test_a_codestream_in_parts_is_put_together(*, large: bool) -> None:
    stream = _codestream((0, 1), (0, 2), (99, 9), (1, 3), (1, 1)).getvalue()
    parts = [
        _box(b"jxlp", number.to_bytes(4, "big") + stream[3 * number : 3 * number + 3], large=large)
        for number in range(20)
    ]
    between = _box(b"Exif", bytes(30), large=large)
    content = CONTAINER + _box(b"ftyp", b"jxl ") + between.join(parts)
    assert jxl_size(BytesIO(content)) == (100, 100)


def test_the_last_box_may_leave_its_size_open() -> None:
    stream = _codestream((0, 1), (0, 2), (99, 9), (1, 3), (1, 1)).getvalue()
    content = CONTAINER + struct.pack(">I4s", 0, b"jxlc") + stream
    assert jxl_size(BytesIO(content)) == (100, 100)


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        (struct.pack(">I4s", 7, b"free"), "a box smaller than its header"),
        (_box(b"free", b"") * 1100, "a JPEG XL without pixels"),
    ],
)
def test_boxes_without_a_codestream_are_an_error(box: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        jxl_size(BytesIO(CONTAINER + box))


@pytest.mark.parametrize(("boxes", "is_read"), [(1021, True), (1022, False)])
def test_pixels_are_looked_for_in_a_thousand_boxes(boxes: int, *, is_read: bool) -> None:
    stream = _codestream((0, 1), (0, 2), (99, 9), (1, 3), (1, 1)).getvalue()
    # The container begins with two more.
    head = CONTAINER + _box(b"ftyp", b"jxl ") + _box(b"free", b"") * boxes
    content = BytesIO(head + _box(b"jxlc", stream))
    if is_read:
        assert jxl_size(content) == (100, 100)
        return
    with pytest.raises(ImageError, match="a JPEG XL without pixels"):
        jxl_size(content)


def test_a_jpeg_xl_is_decoded_by_the_thread_that_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import pillow_jxl

    threads: list[int] = []
    decoder = pillow_jxl.Decoder

    def note(*, num_threads: int) -> object:
        threads.append(num_threads)
        return decoder(num_threads=num_threads)

    monkeypatch.setattr(pillow_jxl, "Decoder", note)
    assert read_photo(saved(photo(), "JXL")).width == 64
    assert threads == [0]
