import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from fakes import linear_profile, photo
from image_files import saved
from PIL import Image

from biqa_cli.errors import ImageError
from biqa_cli.images.discovery import find_images
from biqa_cli.images.header import Format
from biqa_cli.images.opening import inspect
from biqa_cli.images.reading import read_photo


def _heic(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(image).save(buffer, quality=95, chroma=444, **options)
    return buffer.getvalue()


def _difference(image: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(image, int) - np.asarray(other, int)).mean())


def test_heic_is_read_whatever_its_suffix(tmp_path: Path) -> None:
    for name in ("photo.heic", "photo.jpg"):
        (tmp_path / name).write_bytes(_heic(photo()))
        read = read_photo(tmp_path / name)
        assert (read.width, read.height, read.image.mode) == (64, 48, "RGB")
        assert _difference(read.image, photo()) < 3


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_turned_heic_is_upright(tmp_path: Path, orientation: int) -> None:
    turn = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}
    stored = photo().transpose(turn.get(orientation, Image.Transpose.ROTATE_270))
    exif = Image.Exif()
    exif[0x0112] = orientation
    (tmp_path / "turned.heic").write_bytes(_heic(stored, exif=exif.tobytes()))
    read = read_photo(tmp_path / "turned.heic")
    assert (read.width, read.height) == (64, 48)
    assert _difference(read.image, photo()) < 3


def test_the_colour_profile_of_a_heic_is_converted(tmp_path: Path) -> None:
    # In linear light the grey 55 is the grey 127 of sRGB.
    grey = _heic(Image.new("RGB", (64, 48), (55, 55, 55)), icc_profile=linear_profile())
    (tmp_path / "linear.heic").write_bytes(grey)
    pixel = np.asarray(read_photo(tmp_path / "linear.heic").image)[0, 0]
    assert pixel.tolist() == pytest.approx([127] * 3, abs=3)


def test_transparency_of_a_heic_is_laid_over_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (64, 48), (200, 0, 0, 0))
    (tmp_path / "clear.heic").write_bytes(_heic(clear))
    assert np.asarray(read_photo(tmp_path / "clear.heic").image).min() > 250


def test_a_heic_is_not_read_from_its_thumbnail(tmp_path: Path) -> None:
    heif = pillow_heif.from_pillow(photo(160, 120))
    heif.info["thumbnails"] = [80]
    heif.save(tmp_path / "photo.heic", quality=95, chroma=444)
    assert read_photo(tmp_path / "photo.heic", at_least=(30, 40)).image.size == (160, 120)


def test_a_cut_heic_is_an_error(tmp_path: Path) -> None:
    whole = _heic(photo())
    for size, message in ((len(whole) - 9, "truncated"), (60, "damaged|not an image|truncated")):
        (tmp_path / "cut.heic").write_bytes(whole[:size])
        with pytest.raises(ImageError, match=message):
            read_photo(tmp_path / "cut.heic")


def test_a_large_heic_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    (tmp_path / "large.heic").write_bytes(_heic(photo(200, 100)))
    with pytest.raises(ImageError, match="200×100 is 0 megapixels, over the limit"):
        read_photo(tmp_path / "large.heic", max_pixels=10_000)


def test_without_pillow_heif_a_heic_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photo.heic").write_bytes(_heic(photo()))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert list(find_images([str(tmp_path)])) == [str(tmp_path / "photo.heic")]
    with pytest.raises(ImageError, match=r"needs pillow-heif: run .*biqa-cli\[heic\]"):
        read_photo(tmp_path / "photo.heic")


@pytest.mark.parametrize(("kind", "bytes_a_pixel"), [("AVIF", 16), ("HEIC", 14)])
def test_the_memory_that_a_decoder_takes_is_known_before(kind: Format, bytes_a_pixel: int) -> None:
    content = saved(photo(), "AVIF") if kind == "AVIF" else _heic(photo())
    assert inspect(io.BytesIO(content), kind, max_pixels=10**6).decoder_bytes == bytes_a_pixel
