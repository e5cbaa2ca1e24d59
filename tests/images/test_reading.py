import io
import os
from pathlib import Path

import numpy as np
import pytest
from fakes import linear_profile, photo, png_bomb
from PIL import Image, ImageCms
from skimage.color import lab2rgb

from biqa_cli.errors import ImageError
from biqa_cli.images.reading import photo_of, read_photo
from biqa_cli.models.spec import InputContract


def _pixels(path: Path) -> np.ndarray:
    return np.asarray(read_photo(path).image).astype(int)


@pytest.mark.parametrize(
    ("suffix", "options", "loss"),
    [
        ("jpg", {"quality": 95, "subsampling": 0}, 4),
        ("png", {}, 0),
        ("webp", {"lossless": True}, 0),
        ("tiff", {}, 0),
        ("bmp", {}, 0),
        ("dib", {}, 0),
        ("avif", {"quality": 100, "subsampling": "4:4:4"}, 2),
        ("jp2", {}, None),
    ],
)
def test_every_listed_format_is_read_and_no_other(
    tmp_path: Path, suffix: str, options: dict, loss: int | None
) -> None:
    original = photo()
    path = tmp_path / f"photo.{suffix}"
    original.save(path, **options)
    if loss is None:
        with pytest.raises(ImageError, match="not an image in a known format"):
            read_photo(path)
        return
    read = read_photo(path)
    assert (read.width, read.height, read.image.mode) == (64, 48, "RGB")
    assert np.abs(_pixels(path) - np.asarray(original)).mean() <= loss


def test_a_gif_is_read_with_its_own_palette(tmp_path: Path) -> None:
    indexed = photo().quantize(64)
    indexed.save(tmp_path / "photo.gif")
    assert np.array_equal(_pixels(tmp_path / "photo.gif"), np.asarray(indexed.convert("RGB")))


def test_the_first_of_several_frames_is_read(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    for suffix in ("gif", "webp", "tiff", "mpo"):
        path = tmp_path / f"frames.{suffix}"
        first.save(path, save_all=True, append_images=[second])
        assert _pixels(path)[0, 0].tolist() == pytest.approx([255, 0, 0], abs=3), suffix


@pytest.mark.parametrize("suffix", ["png", "tiff", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, suffix: str) -> None:
    upright = photo(40, 24)
    # The inverse of each orientation's operation turns an upright photo into the stored one.
    inverse = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = upright if inverse is None else upright.transpose(inverse)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if suffix == "webp" else {}
    stored.save(tmp_path / f"turned.{suffix}", exif=exif, **options)
    read = read_photo(tmp_path / f"turned.{suffix}")
    assert (read.width, read.height) == (40, 24)
    assert np.array_equal(np.asarray(read.image), np.asarray(upright))
    with Image.open(tmp_path / f"turned.{suffix}") as image:
        assert np.array_equal(np.asarray(photo_of(image).image), np.asarray(upright))


def test_a_turned_jpeg_is_reduced_along_the_right_sides(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo(800, 400).save(tmp_path / "turned.jpg", exif=exif)
    read = read_photo(tmp_path / "turned.jpg", at_least=(200, 100))
    assert (read.width, read.height) == (400, 800)
    assert read.image.size == (100, 200)


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_sixteen_bit_grey_is_rounded_to_eight(tmp_path: Path, suffix: str) -> None:
    # 128 is nearer to 0 than to 257, 129 is not: a shift would give 0 for both, and for 256.
    stored = np.array([[0, 128, 129, 256, 257, 385, 386, 32767, 65406, 65407, 65535]], np.uint16)
    Image.fromarray(stored).save(tmp_path / f"grey.{suffix}")
    expected = [0, 0, 1, 1, 1, 1, 2, 127, 254, 255, 255]
    assert _pixels(tmp_path / f"grey.{suffix}")[0, :, 0].tolist() == expected


@pytest.mark.parametrize(
    "pixels", [np.full((8, 8), 70_000, np.int32), np.full((8, 8), -1, np.int32), np.ones((8, 8))]
)
def test_pixels_without_a_white_are_refused(pixels: np.ndarray) -> None:
    dtype = np.float32 if pixels.dtype == np.float64 else np.int32
    with pytest.raises(ImageError, match="without a defined white: save it with 8 or 16 bits"):
        photo_of(Image.fromarray(pixels.astype(dtype)))


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 90, (90, 90, 90)),
        ("P", 7, (10, 200, 60)),
        # Inks as they filter light, without a profile: 255 - C - K and so on.
        ("CMYK", (200, 40, 100, 0), (55, 215, 155)),
        # ITU-R BT.601.
        ("YCbCr", (120, 100, 160), (165, 107, 70)),
        ("LA", (90, 255), (90, 90, 90)),
        ("RGBA", (10, 200, 60, 255), (10, 200, 60)),
        ("RGBA", (0, 0, 0, 51), (204, 204, 204)),
    ],
)
def test_other_modes_show_the_colour_that_they_stand_for(
    mode: str, colour: object, expected: tuple[int, int, int]
) -> None:
    image = Image.new(mode, (8, 8), colour)
    if mode == "P":
        image.putpalette([0, 0, 0] * 7 + [10, 200, 60])
    buffer = io.BytesIO()
    image.save(buffer, "TIFF")
    pixel = np.asarray(read_photo(buffer.getvalue()).image)[4, 4]
    assert pixel.tolist() == pytest.approx(expected, abs=1)


def test_cielab_is_converted() -> None:
    lab = np.full((8, 8, 3), (153, 30, 256 - 40), np.uint8)
    buffer = io.BytesIO()
    Image.frombytes("LAB", (8, 8), lab.tobytes()).save(buffer, "TIFF")
    pixel = np.asarray(read_photo(buffer.getvalue()).image)[4, 4]
    # skimage has Lab under D65, ICC under D50: a few levels apart.
    expected = 255 * lab2rgb(np.array([60.0, 30, -40]))
    assert pixel.tolist() == pytest.approx(expected.tolist(), abs=10)


def test_transparent_pixels_are_white(tmp_path: Path) -> None:
    rgba = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    rgba.putpixel((0, 0), (255, 0, 0, 128))
    rgba.save(tmp_path / "alpha.png")
    pixels = _pixels(tmp_path / "alpha.png")
    assert pixels[4, 4].tolist() == [255, 255, 255]
    assert pixels[0, 0].tolist() == pytest.approx([255, 127, 127], abs=1)


def test_a_transparent_palette_colour_is_white(tmp_path: Path) -> None:
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 200, 30, 30])
    palette.save(tmp_path / "palette.png", transparency=1)
    assert _pixels(tmp_path / "palette.png")[0, 0].tolist() == [255, 255, 255]


def test_an_embedded_profile_is_converted_to_srgb(tmp_path: Path) -> None:
    # In linear light the grey 55 is the grey 127 of sRGB. Pillow can make a Lab profile but no
    # linear one, so the profile is written here: sRGB's primaries with a gamma of one.
    linear = linear_profile()
    Image.new("RGB", (8, 8), (55, 55, 55)).save(tmp_path / "linear.png", icc_profile=linear)
    assert _pixels(tmp_path / "linear.png")[0, 0].tolist() == pytest.approx([127] * 3, abs=2)


def test_a_broken_profile_leaves_the_pixels_alone(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), (55, 66, 77)).save(tmp_path / "broken.png", icc_profile=b"no profile")
    assert _pixels(tmp_path / "broken.png")[0, 0].tolist() == [55, 66, 77]


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    png_bomb(tmp_path / "bomb.png", 20_000)
    assert (tmp_path / "bomb.png").stat().st_size < 100_000
    with pytest.raises(ImageError, match="20000×20000 is 400 megapixels, over the limit of 200"):
        read_photo(tmp_path / "bomb.png")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.jpg", b"", "the file is empty"),
        ("fake.jpg", b"this is no photo", "not an image in a known format"),
        ("vector.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image in a known"),
    ],
)
def test_what_is_no_photo_is_explained(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    for source in (tmp_path / name, content):
        with pytest.raises(ImageError, match=message):
            read_photo(source)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff"])
def test_the_content_of_a_file_is_read_as_the_file_is(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"photo.{suffix}"
    photo(300, 200).save(path)
    read = [read_photo(s, at_least=(50, 50)).image for s in (path, path.read_bytes())]
    assert read[0].size == read[1].size and read[0].tobytes() == read[1].tobytes()


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", "avif"])
def test_a_truncated_file_is_an_error_not_half_a_photo(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cut.{suffix}"
    photo(200, 200).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ImageError, match="truncated|damaged|not an image"):
        read_photo(path)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_an_image_that_was_opened_from_a_truncated_file_is_an_error(suffix: str) -> None:
    whole = io.BytesIO()
    photo(200, 200).save(whole, {"jpg": "JPEG"}.get(suffix, suffix.upper()))
    cut = io.BytesIO(whole.getvalue()[: len(whole.getvalue()) // 2])
    with pytest.raises(ImageError, match="truncated|damaged"):
        photo_of(Image.open(cut))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", "bmp", "gif"])
def test_damaged_bytes_end_in_a_photo_or_an_image_error(tmp_path: Path, suffix: str) -> None:
    buffer = io.BytesIO()
    photo().save(buffer, {"jpg": "JPEG", "tiff": "TIFF"}.get(suffix, suffix.upper()))
    rng = np.random.default_rng(0)
    for trial in range(60):
        damaged = bytearray(buffer.getvalue())
        for position in rng.integers(0, len(damaged), 12):
            damaged[position] = int(rng.integers(256))
        path = tmp_path / f"damaged-{trial}.{suffix}"
        path.write_bytes(damaged)
        try:
            read_photo(path, max_pixels=1_000_000)
        except ImageError as error:
            assert "\n" not in str(error)


def test_missing_files_and_folders_are_explained(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such file"):
        read_photo(tmp_path / "gone.jpg")
    with pytest.raises(ImageError, match="is a folder"):
        read_photo(tmp_path)


def test_the_codec_reduces_a_large_jpeg_but_not_below_what_is_asked(tmp_path: Path) -> None:
    photo(800, 600).save(tmp_path / "large.jpg", quality=95)
    read = read_photo(tmp_path / "large.jpg", at_least=(150, 150))
    assert (read.width, read.height) == (800, 600)
    assert read.image.size == (200, 150)


def test_a_jpeg_keeps_twice_the_view_in_both_directions(tmp_path: Path) -> None:
    # Three times the view in height, five times in width: half the size keeps too few rows.
    photo(1000, 600).save(tmp_path / "photo.jpg", quality=95)
    contract = InputContract(200, 200, (0.0,) * 3, (1.0,) * 3)
    assert contract.decode_size == (400, 400)
    read = read_photo(tmp_path / "photo.jpg", at_least=contract.decode_size)
    assert read.image.size == (1000, 600)


def test_what_the_system_says_of_a_name_reaches_the_user(tmp_path: Path) -> None:
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    for name, reason in (
        ("loop.jpg", "cannot be read: |no such file"),
        ("x" * 300, "cannot be read: File name too long"),
        ("nul\0.jpg", "its name is no name of a file"),
    ):
        with pytest.raises(ImageError, match=reason):
            read_photo(f"{tmp_path}/{name}")


def test_no_word_of_the_code_reaches_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise TypeError("function takes at most 3 arguments (4 given)")

    monkeypatch.setattr("biqa_cli.images.reading.decode", broken)
    content = io.BytesIO()
    photo().save(content, "PNG")
    with pytest.raises(ImageError) as raised:
        read_photo(content.getvalue())
    assert str(raised.value) == "the file is damaged: the PNG decoder cannot read it"


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ImageError, match="is a pipe or a device"):
        read_photo(tmp_path / "pipe.jpg")


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("suffix", ["png", "jpg", "tiff"])
def test_a_file_converted_in_place_is_as_a_converted_image(
    tmp_path: Path, suffix: str, orientation: int
) -> None:
    path = tmp_path / f"photo.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    # Under another name, sRGB is converted like any other profile.
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    named = srgb.replace("sRGB".encode("utf-16-be"), "wide".encode("utf-16-be"))
    photo().save(path, exif=exif, icc_profile=named)
    with Image.open(path) as image:
        before = np.array(image)
        copied = photo_of(image)
        # An image of the caller's is never changed.
        assert np.array_equal(np.asarray(image), before)
    assert copied.image.size == ((48, 64) if orientation == 6 else (64, 48))
    assert np.array_equal(np.asarray(copied.image), _pixels(path))


@pytest.mark.parametrize(("full_above", "width"), [(19_200, 80), (19_199, 160)])
def test_above_so_many_pixels_a_photo_is_decoded_at_full_size(full_above: int, width: int) -> None:
    content = io.BytesIO()
    photo(160, 120).save(content, "JPEG")
    read = read_photo(content.getvalue(), at_least=(60, 80), full_above=full_above)
    assert read.image.width == width
