import time
from io import BytesIO

import numpy as np
import pytest
from fakes import photo
from image_files import saved

from biqa_cli.errors import ImageError
from biqa_cli.images.jpeg import inspect_jpeg
from biqa_cli.images.reading import read_photo

PROGRESSIVE = saved(photo(160, 120), "JPEG", progressive=True)
BASELINE = saved(photo(160, 120), "JPEG")


def _with_scans(jpeg: bytes, scans: int) -> bytes:
    """Return a progressive JPEG whose last scan is there several times more."""
    last = jpeg.rindex(b"\xff\xda")
    body = jpeg[:-2] + jpeg[last:-2] * (scans - jpeg.count(b"\xff\xda"))
    return body + b"\xff\xd9"


def _with_frame(jpeg: bytes, *, marker: int | None = None, bits: int | None = None) -> bytes:
    at = jpeg.index(b"\xff\xc0")
    changed = bytearray(jpeg)
    changed[at + 1] = marker or changed[at + 1]
    changed[at + 4] = bits or changed[at + 4]
    return bytes(changed)


def test_progressive_photos_are_read() -> None:
    assert read_photo(PROGRESSIVE).image.size == (160, 120)
    assert read_photo(_with_scans(PROGRESSIVE, 60)).image.size == (160, 120)


@pytest.mark.parametrize(
    ("marker", "kept"), [(0xC0, 0), (0xC1, 0), (0xC9, 0), (0xC2, 1), (0xCA, 1)]
)
def test_the_coefficients_of_progressive_photos_take_memory_and_no_others(
    marker: int, kept: int
) -> None:
    # For each pixel one of brightness and half a one of colour, 2 bytes each.
    header = inspect_jpeg(BytesIO(_with_frame(BASELINE, marker=marker)), max_pixels=10**6)
    assert header.decoder_bytes == kept * 2 * 1.5


@pytest.mark.parametrize(("components", "kept"), [(3, 0), (1, 1)])
def test_the_coefficients_of_a_photo_in_several_scans_take_memory(
    components: int, kept: int
) -> None:
    at = BASELINE.index(b"\xff\xda")
    scan = bytearray(BASELINE[at:-2])
    scan[4] = components
    several = BASELINE[:at] + bytes(scan) * 3 + BASELINE[-2:]
    header = inspect_jpeg(BytesIO(several), max_pixels=10**6)
    assert header.decoder_bytes == kept * 2 * 1.5


@pytest.mark.slow
def test_hundreds_of_scans_are_refused_before_they_cost_anything() -> None:
    large = saved(photo(3000, 2000), "JPEG", progressive=True, quality=20)
    started = time.process_time()
    with pytest.raises(ImageError, match="this kind of JPEG is not supported .more than 64 scans"):
        read_photo(_with_scans(large, 2000))
    assert time.process_time() - started < 1


def test_scans_of_what_follows_the_photo_do_not_count() -> None:
    assert read_photo(PROGRESSIVE + _with_scans(PROGRESSIVE, 100)).width == 160
    assert read_photo(BASELINE + b"\xff\xda\0\x08" * 100).width == 160


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ({"bits": 12}, "12 bits for each sample"),
        ({"marker": 0xC3}, "lossless"),
        *(
            ({"marker": marker}, "hierarchical")
            for marker in (0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF)
        ),
    ],
)
def test_other_kinds_of_jpeg_are_named(frame: dict[str, int], reason: str) -> None:
    with pytest.raises(ImageError, match=f"this kind of JPEG is not supported .*{reason}"):
        read_photo(_with_frame(BASELINE, **frame))


def test_thousands_of_segments_are_refused() -> None:
    many = BASELINE[:2] + b"\xff\xfe\0\x02" * 5000 + BASELINE[2:]
    with pytest.raises(ImageError, match="more than 4096 segments"):
        read_photo(many)


def test_the_size_is_checked_before_anything_is_decoded() -> None:
    at = BASELINE.index(b"\xff\xc0")
    huge = BASELINE[: at + 5] + b"\xff\xff\xff\xff" + BASELINE[at + 9 :]
    with pytest.raises(ImageError, match="65535×65535 is 4295 megapixels, over the limit of 200"):
        read_photo(huge)


def test_a_jpeg_without_pixels_is_truncated() -> None:
    with pytest.raises(ImageError, match="truncated"):
        read_photo(BASELINE[: BASELINE.index(b"\xff\xda")])


def test_fill_bytes_before_a_marker_are_passed_over() -> None:
    at = BASELINE.index(b"\xff\xc0")
    filled = BASELINE[:at] + b"\xff" * 7 + BASELINE[at:]
    assert np.array_equal(
        np.asarray(read_photo(filled).image), np.asarray(read_photo(BASELINE).image)
    )


@pytest.mark.parametrize(("scans", "is_read"), [(64, True), (65, False)])
def test_a_photo_may_have_64_scans(scans: int, *, is_read: bool) -> None:
    content = BytesIO(_with_scans(PROGRESSIVE, scans))
    if is_read:
        assert inspect_jpeg(content, max_pixels=10**6).decoder_bytes == 3
        return
    with pytest.raises(ImageError, match="more than 64 scans"):
        inspect_jpeg(content, max_pixels=10**6)


@pytest.mark.parametrize(
    ("subsampling", "of_a_pixel"), [("4:4:4", 3), ("4:2:2", 2), ("4:2:0", 1.5)]
)
def test_subsampled_colours_have_fewer_coefficients(subsampling: str, of_a_pixel: float) -> None:
    content = saved(photo(), "JPEG", progressive=True, subsampling=subsampling)
    header = inspect_jpeg(BytesIO(content), max_pixels=10**6)
    assert header.decoder_bytes == 2 * of_a_pixel


@pytest.mark.parametrize("between", [b"\xff\xfe\0\2" * 3, b"\xff\xfe\0\0", b"\xff\1"])
def test_segments_without_content_are_passed_over(between: bytes) -> None:
    at = PROGRESSIVE.index(b"\xff\xc2")
    content = BytesIO(PROGRESSIVE[:at] + between + PROGRESSIVE[at:])
    assert inspect_jpeg(content, max_pixels=10**6).decoder_bytes == 3


@pytest.mark.parametrize("coded", range((1 << 16) - 3, (1 << 16) + 2))
def test_the_next_scan_is_found_however_much_lies_before_it(coded: int) -> None:
    at = BASELINE.index(b"\xff\xda")
    scan = bytearray(BASELINE[at : at + 2 + BASELINE[at + 3]])
    scan[4] = 1
    content = BASELINE[:at] + bytes(scan) + bytes(coded) + bytes(scan) + b"\xff\xd9"
    assert inspect_jpeg(BytesIO(content), max_pixels=10**6).decoder_bytes == 3


def test_a_frame_that_is_cut_or_has_no_samples_is_an_error() -> None:
    at = BASELINE.index(b"\xff\xc0")
    size, body = BASELINE[at + 3], BASELINE[at + 4 :]
    for length in (5, size - 3):
        cut = BASELINE[: at + 2] + bytes([0, length + 2]) + body[:length] + b"\xff\xd9"
        with pytest.raises(ImageError, match="the header of its frame is cut"):
            read_photo(cut)
    for sampling in (0x01, 0x10):
        without = bytearray(BASELINE)
        without[at + 11] = sampling
        with pytest.raises(ImageError, match="a component without samples"):
            read_photo(bytes(without))
