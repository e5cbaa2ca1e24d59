"""What is lost when a photo is made small: fewer pixels or fewer bits."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.distortions.eight_bits import from_bytes, to_bytes

# Colours are chosen by the pixels of a small copy, as k-means takes seconds on all of them.
_PALETTE_SIDE = 96


def resize_bicubic(image: NDArray[np.float32], *, factor: float) -> NDArray[np.float32]:
    """Return the image shrunk by `factor` and enlarged again, both with Pillow's bicubic filter.

    The small image has ⌊H/factor⌋ × ⌊W/factor⌋ pixels, at least one. It is not rounded to bytes.
    """
    return _there_and_back(image, 1 / factor, Image.Resampling.BICUBIC)


def resize_bilinear(image: NDArray[np.float32], *, factor: float) -> NDArray[np.float32]:
    """Return what `resize_bicubic` does, with the bilinear filter."""
    return _there_and_back(image, 1 / factor, Image.Resampling.BILINEAR)


def resize_lanczos(image: NDArray[np.float32], *, factor: float) -> NDArray[np.float32]:
    """Return what `resize_bicubic` does, with the filter Lanczos-3."""
    return _there_and_back(image, 1 / factor, Image.Resampling.LANCZOS)


def pixelate(image: NDArray[np.float32], *, strength: float) -> NDArray[np.float32]:
    """Return the image at 0.95 - strength^0.6 of its size and enlarged again, nearest pixels."""
    return _there_and_back(image, 0.95 - strength**0.6, Image.Resampling.NEAREST)


def upscaling(
    image: NDArray[np.float32], *, factor: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the image as a small file, `factor` times smaller, looks when it is enlarged.

    It is reduced by averaging, rounded to bytes and enlarged with the bicubic filter or, as
    likely, by repeating pixels.
    """
    enlarge = Image.Resampling.BICUBIC if rng.random() < 1 / 2 else Image.Resampling.NEAREST
    height, width = image.shape[1:]
    small = (max(1, round(width / factor)), max(1, round(height / factor)))
    reduced = Image.fromarray(to_bytes(image)).resize(small, Image.Resampling.BOX)
    return from_bytes(np.asarray(reduced.resize((width, height), enlarge)))


def banding(image: NDArray[np.float32], *, count: float) -> NDArray[np.float32]:
    """Return the image with `count` evenly spaced values in each channel, black and white too."""
    steps = np.float32(count - 1)
    banded: NDArray[np.float32] = np.rint(image * steps) / steps
    return banded


def few_colours(image: NDArray[np.float32], *, count: int) -> NDArray[np.float32]:
    """Return the image in `count` colours that suit it, each pixel in the nearest: posterised."""
    return _in_palette(image, count, Image.Dither.NONE)


def dithered_colours(image: NDArray[np.float32], *, count: int) -> NDArray[np.float32]:
    """Return the image in `count` colours that suit it, dithered (Floyd-Steinberg), as a GIF."""
    return _in_palette(image, count, Image.Dither.FLOYDSTEINBERG)


def _in_palette(
    image: NDArray[np.float32], count: int, dither: Image.Dither
) -> NDArray[np.float32]:
    photo = Image.fromarray(to_bytes(image))
    small = photo.resize(
        (min(_PALETTE_SIDE, photo.width), min(_PALETTE_SIDE, photo.height)),
        Image.Resampling.NEAREST,
    )
    palette = small.quantize(count, Image.Quantize.MEDIANCUT, kmeans=1)
    return from_bytes(np.asarray(photo.quantize(palette=palette, dither=dither).convert("RGB")))


def _there_and_back(
    image: NDArray[np.float32], scale: float, resample: Image.Resampling
) -> NDArray[np.float32]:
    height, width = image.shape[1:]
    small = (max(1, int(scale * width)), max(1, int(scale * height)))
    planes = [
        Image.fromarray(plane).resize(small, resample).resize((width, height), resample)
        for plane in image
    ]
    return np.stack([np.asarray(plane) for plane in planes])


def jpeg(image: NDArray[np.float32], *, quality: int) -> NDArray[np.float32]:
    """Return the image after a round trip through JPEG with halved colour (4:2:0)."""
    with Image.open(BytesIO(jpeg_bytes(image, quality=quality))) as decoded:
        return from_bytes(np.asarray(decoded))


def jpeg_bytes(image: NDArray[np.float32], *, quality: int, restart_marker_rows: int = 0) -> bytes:
    """Return the JPEG file of an image, 4:2:0, with a restart marker after each so many rows."""
    buffer = BytesIO()
    Image.fromarray(to_bytes(image)).save(
        buffer,
        "JPEG",
        quality=quality,
        subsampling="4:2:0",
        restart_marker_rows=restart_marker_rows,
    )
    return buffer.getvalue()
