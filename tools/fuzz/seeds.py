"""Small files of every format, made here: what the fuzzer starts from."""

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pillow_jxl  # noqa: F401  Pillow saves JPEG XL once it is imported
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from image_files import cmyk_profile, dng, grey_profile, tiff_file
from image_files import picture as tiff_tags

_SIZE = (72, 56)


def make_seeds() -> dict[str, bytes]:
    """Return the content of each seed under its file name."""
    colour = _picture()
    alpha = colour.copy()
    alpha.putalpha(colour.convert("L"))
    turned = Image.Exif()
    turned[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    grey = colour.convert("L")
    grey16 = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    forms: list[tuple[str, Image.Image, dict[str, Any]]] = [
        ("baseline.jpg", colour, {"exif": turned, "icc_profile": profile}),
        ("progressive.jpg", colour, {"progressive": True}),
        ("restarts.jpg", colour, {"restart_marker_rows": 1}),
        ("inks.jpg", colour.convert("CMYK"), {"icc_profile": cmyk_profile((150, 120, 140))}),
        ("grey.jpg", grey, {"icc_profile": grey_profile(1.8)}),
        ("frames.mpo", colour, {"save_all": True, "append_images": [colour]}),
        ("colour.png", colour, {"exif": turned, "icc_profile": profile}),
        ("alpha.png", alpha, {}),
        ("palette.png", colour.quantize(16), {"transparency": 3}),
        ("grey16.png", grey16, {}),
        ("bits.png", colour.convert("1"), {}),
        ("frames.png", colour, {"save_all": True, "append_images": [colour.rotate(9)]}),
        ("lossy.webp", colour, {"exif": turned, "icc_profile": profile}),
        ("lossless.webp", alpha, {"lossless": True}),
        ("frames.webp", colour, {"save_all": True, "append_images": [colour.rotate(9)]}),
        ("colour.avif", colour, {"exif": turned, "icc_profile": profile}),
        ("alpha.avif", alpha, {}),
        ("frames.gif", colour, {"save_all": True, "append_images": [colour.rotate(9)]}),
        ("colour.bmp", colour, {}),
        ("palette.bmp", colour.quantize(16), {}),
        ("colour.dib", colour, {}),
        ("colour.jxl", colour, {"effort": 1}),
        ("lossless.jxl", alpha, {"lossless": True, "use_container": True}),
        ("ycbcr.tif", colour.convert("YCbCr"), {}),
        ("turned.tif", colour, {"exif": turned, "compression": "tiff_lzw"}),
    ]
    compressions = ("tiff_adobe_deflate", "jpeg", "packbits", "zstd", "lzma")
    forms += [(f"{name}.tif", colour, {"compression": name}) for name in compressions]
    forms.append(("group4.tif", colour.convert("1"), {"compression": "group4"}))
    seeds = {name: _saved(name, image, options) for name, image, options in forms}
    return {**seeds, **_others(colour, alpha)}


def _others(colour: Image.Image, alpha: Image.Image) -> dict[str, bytes]:
    pixels = np.asarray(colour)
    sixteen = pixels.astype(np.uint16) * 257
    mosaic = sixteen[..., 1].repeat(4, axis=0).repeat(4, axis=1)
    preview = _saved("preview.jpg", colour.resize((300, 220)), {})
    small = tiff_tags(*pixels.shape[:2], photometric=2)
    return {
        "colour.heic": _heic(colour),
        "alpha.heic": _heic(alpha),
        "planes16.tif": _tiff(np.moveaxis(sixteen, 2, 0), photometric="rgb", compression="zlib"),
        "tiles.tif": _tiff(pixels, photometric="rgb", tile=(16, 16), compression="zlib"),
        "white-is-zero.tif": _tiff(sixteen[..., 0], photometric="miniswhite"),
        "big.tif": _tiff(pixels, photometric="rgb", bigtiff=True),
        "plain.tif": tiff_file((small, pixels.tobytes())),
        "preview.dng": dng(mosaic, preview=preview, orientation=6),
        "mosaic.dng": dng(mosaic),
    }


def _picture() -> Image.Image:
    coarse = np.random.default_rng(0).integers(0, 256, (7, 9, 3)).astype(np.uint8)
    return Image.fromarray(coarse).resize(_SIZE, Image.Resampling.BICUBIC)


def _saved(name: str, image: Image.Image, options: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    Image.init()
    image.save(buffer, Image.registered_extensions()[Path(name).suffix], **options)
    return buffer.getvalue()


def _heic(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(image).save(buffer)
    return buffer.getvalue()


def _tiff(pixels: NDArray[Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, metadata=None, **options)
    return buffer.getvalue()
