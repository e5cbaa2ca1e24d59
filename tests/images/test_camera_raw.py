import io
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from fakes import photo
from image_files import dng, saved
from PIL import Image

from biqa_cli.errors import ImageError
from biqa_cli.images.camera_raw import RawFile, open_raw
from biqa_cli.images.limits import Limits
from biqa_cli.images.reading import read_photo

pytest.importorskip("rawpy")
MOSAIC = np.random.default_rng(0).integers(0, 65536, (240, 360)).astype(np.uint16)
PREVIEW = photo(300, 250)
TURNS = {
    1: None,
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_270,
    8: Image.Transpose.ROTATE_90,
}


def _difference(image: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(image, int) - np.asarray(other, int)).mean())


@pytest.mark.parametrize("name", ["photo.dng", "photo.tif", "photo.nef"])
def test_the_preview_is_read_and_said_to_be_one(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(
        dng(MOSAIC, preview=saved(PREVIEW, "JPEG", quality=95, subsampling=0))
    )
    read = read_photo(tmp_path / name)
    assert read.note == "preview 300×250 of the camera's raw file"
    assert (read.width, read.height) == (300, 250)
    assert _difference(read.image, PREVIEW) < 4


@pytest.mark.parametrize("orientation", list(TURNS))
def test_the_preview_is_upright_as_the_camera_was_held(orientation: int) -> None:
    turn = TURNS[orientation]
    expected = PREVIEW if turn is None else PREVIEW.transpose(turn)
    content = dng(
        MOSAIC, preview=saved(PREVIEW, "JPEG", quality=95, subsampling=0), orientation=orientation
    )
    read = read_photo(content)
    assert read.image.size == (read.width, read.height) == expected.size
    assert _difference(read.image, expected) < 4


def test_a_preview_that_is_upright_already_is_not_turned_twice() -> None:
    upright = photo(250, 300)
    exif = Image.Exif()
    exif[0x0112] = 6
    lying_and_says_so = saved(
        upright.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95, subsampling=0, exif=exif
    )
    for preview in (saved(upright, "JPEG", quality=95, subsampling=0), lying_and_says_so):
        read = read_photo(dng(MOSAIC, preview=preview, orientation=6))
        assert _difference(read.image, upright) < 4


@pytest.mark.parametrize("preview", [None, saved(photo(120, 80), "JPEG")])
def test_without_more_than_a_thumbnail_the_mosaic_is_developed(preview: bytes | None) -> None:
    # A quarter of the frame is bright: the developed photo has it at the same place.
    mosaic = np.full((240, 360), 500, np.uint16)
    mosaic[:120, :180] = 40_000
    read = read_photo(dng(mosaic, preview=preview, orientation=6))
    assert read.note == "developed from the camera's raw file"
    assert (read.width, read.height) == (240, 360)
    grey = np.asarray(read.image.convert("L")).astype(int)
    # Turned by a quarter clockwise, what was at the upper left is at the upper right.
    assert grey[20:160, 140:220].min() > grey[200:340, 20:220].max() + 50


def test_a_mosaic_is_developed_with_the_white_balance_of_the_camera() -> None:
    asked: dict[str, Any] = {}

    class Raw:
        def postprocess(self, **options: object) -> np.ndarray:
            asked.update(options)
            return np.zeros((2, 3, 3), np.uint8)

    assert RawFile(cast("Any", Raw())).developed().size == (3, 2)
    assert asked["use_camera_wb"] is True and asked["output_bps"] == 8
    assert asked["output_color"].name == "sRGB"


def test_developing_is_within_the_memory() -> None:
    with pytest.raises(ImageError, match="over the limit of 1 MB for photos"):
        read_photo(dng(MOSAIC), limits=Limits(memory=1_000_000))


def test_a_cut_raw_file_is_an_error() -> None:
    content = dng(MOSAIC)
    with pytest.raises(ImageError, match="raw file is|truncated|damaged") as raised:
        read_photo(content[: len(content) // 2])
    assert "LibRaw" not in str(raised.value) or "not supported" in str(raised.value)


@pytest.mark.parametrize(
    "start", [b"FUJIFILMCCD-RAW ", b"IIRO\x08\0\0\0", b"IIU\0\x08\0\0\0", b"\0\0\0\x18ftypcrx "]
)
def test_raw_files_that_libraw_does_not_know_are_told_so(start: bytes) -> None:
    with pytest.raises(ImageError, match="raw file is (not supported by LibRaw|damaged)"):
        read_photo(io.BytesIO(start.ljust(4096, b"\0")).getvalue())


def test_without_rawpy_a_raw_file_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(ImageError, match=r"needs rawpy: run .*biqa-cli\[raw\]"):
        read_photo(dng(MOSAIC))


@pytest.mark.parametrize(("width", "is_read"), [(1000, True), (999, False)])
def test_a_preview_of_a_thousand_pixels_is_no_thumbnail(
    width: int, monkeypatch: pytest.MonkeyPatch, *, is_read: bool
) -> None:
    monkeypatch.setattr(RawFile, "developed", lambda _: Image.new("RGB", (3, 2)))
    large = dng(np.zeros((1001, 1002), np.uint16), preview=saved(photo(width, 40), "JPEG"))
    assert (read_photo(large).width == width) == is_read


def test_an_error_repeats_what_libraw_says() -> None:
    rawpy = pytest.importorskip("rawpy")
    for error, said in (
        (rawpy.LibRawDataError(b"Data error"), "Data error"),
        (rawpy.LibRawDataError("Data error"), "Data error"),
        (rawpy.LibRawDataError(), ""),
    ):
        with (
            pytest.raises(ImageError, match=f"the raw file is damaged .*[(]{said}[)]"),
            open_raw(io.BytesIO(dng(MOSAIC))),
        ):
            raise error
