"""Boxes of HEIC and AVIF in every form that ISO/IEC 14496-12 has for them."""

import struct
from io import BytesIO

import pytest

from biqa_cli.errors import ImageError
from biqa_cli.images.isobmff import Coded, primary_image

ITEM = 7


def box(kind: bytes, content: bytes, *, large: bool = False) -> bytes:
    """Return a box; a large one has a size of 64 bits."""
    if large:
        return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">I4s", 8 + len(content), kind) + content


def meta(
    *,
    large: bool = False,
    wide_items: bool = False,
    wide_numbers: bool = False,
    others: int = 0,
    size: tuple[int, int] = (640, 480),
    coloured_by: int = 3,
    colours: bytes = b"nclx" + struct.pack(">HHHB", 9, 13, 9, 128),
) -> bytes:
    """Return the start of a file whose primary image is behind others, with three properties."""
    item, number = "I" if wide_items else "H", "H" if wide_numbers else "B"
    essential = 0x8000 if wide_numbers else 0x80
    properties = [
        box(b"ispe", struct.pack(">III", 0, 1, 1)),
        box(b"ispe", struct.pack(">III", 0, *size), large=large),
        box(b"colr", colours),
    ]
    associations = b"".join(
        struct.pack(f">{item}B{number}", other, 1, 1) for other in range(100, 100 + others)
    )
    associations += struct.pack(f">{item}B2{number}", ITEM, 2, essential | 2, coloured_by)
    ipma = struct.pack(">BBBBI", wide_items, 0, 0, wide_numbers, others + 1) + associations
    pitm = struct.pack(f">I{item}", wide_items << 24, ITEM)
    inside = box(b"pitm", pitm) + box(
        b"iprp", box(b"ipco", b"".join(properties), large=large) + box(b"ipma", ipma), large=large
    )
    whole = box(b"meta", bytes(4) + inside, large=large)
    return box(b"ftyp", b"heic") + whole + box(b"mdat", b"")


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("wide_items", [False, True])
@pytest.mark.parametrize("wide_numbers", [False, True])
@pytest.mark.parametrize("others", [0, 3])
def test_the_primary_image_is_found(
    *, large: bool, wide_items: bool, wide_numbers: bool, others: int
) -> None:
    content = meta(large=large, wide_items=wide_items, wide_numbers=wide_numbers, others=others)
    found = primary_image(BytesIO(content))
    assert (found.size, found.colours, found.profile) == ((640, 480), Coded(9, 13), False)


def test_a_file_without_a_description_says_nothing() -> None:
    assert primary_image(BytesIO(box(b"ftyp", b"heic"))).size is None


@pytest.mark.parametrize("cut", [3, 20, 60])
def test_a_description_that_is_cut_is_an_error(cut: int) -> None:
    content = meta()
    end = content.index(b"mdat") - 4
    with pytest.raises(ImageError, match="truncated|do not fit"):
        primary_image(BytesIO(content[: end - cut]))


def test_a_box_that_is_longer_than_the_box_around_it_is_an_error() -> None:
    content = bytearray(meta())
    at = content.index(b"iprp") - 4
    (size,) = struct.unpack_from(">I", content, at)
    struct.pack_into(">I", content, at, size + 1)
    with pytest.raises(ImageError, match="truncated"):
        primary_image(BytesIO(content))


def test_a_box_that_is_smaller_than_its_header_is_an_error() -> None:
    with pytest.raises(ImageError, match="a box smaller than its header"):
        primary_image(BytesIO(struct.pack(">I4s", 7, b"free") + bytes(8)))


@pytest.mark.parametrize(("kind", "is_one"), [(b"prof", True), (b"rICC", True), (b"none", False)])
def test_a_profile_in_place_of_numbers_is_seen(kind: bytes, *, is_one: bool) -> None:
    found = primary_image(BytesIO(meta(colours=kind + bytes(128))))
    assert (found.colours, found.profile) == (None, is_one)


def test_the_length_of_the_description_is_told() -> None:
    content = meta()
    at = content.index(b"meta") - 4
    (size,) = struct.unpack_from(">I", content, at)
    # Without the header of the box and its version.
    assert primary_image(BytesIO(content)).meta_bytes == size - 12


def test_a_box_of_open_size_ends_the_file() -> None:
    assert primary_image(BytesIO(struct.pack(">I4s", 0, b"mdat") + meta())).size is None
    with pytest.raises(ImageError, match="its description has no end"):
        primary_image(BytesIO(struct.pack(">I4s", 0, b"meta") + meta()))


@pytest.mark.parametrize("rest", range(1, 8))
def test_what_is_left_at_the_end_is_no_box(rest: int) -> None:
    assert primary_image(BytesIO(box(b"ftyp", b"heic") + bytes(rest))).size is None


@pytest.mark.parametrize(("count", "is_read"), [(4095, True), (4096, False)])
def test_thousands_of_boxes_are_an_error(count: int, *, is_read: bool) -> None:
    content = box(b"free", b"") * count + meta()[len(box(b"ftyp", b"heic")) :]
    if is_read:
        assert primary_image(BytesIO(content)).size == (640, 480)
        return
    with pytest.raises(ImageError, match="too many boxes"):
        primary_image(BytesIO(content))


@pytest.mark.parametrize("number", [0, 4, 127])
def test_a_number_that_no_property_has_is_passed_over(number: int) -> None:
    found = primary_image(BytesIO(meta(coloured_by=number)))
    assert (found.size, found.colours) == ((640, 480), None)
