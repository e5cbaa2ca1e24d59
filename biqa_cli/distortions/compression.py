"""What is lost when a photo is made small: fewer pixels or fewer bits."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.distortions.eight_bits import from_bytes, to_bytes


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


def jpeg_bytes(image: NDArray[np.float32], *, quality: int) -> bytes:
    """Return the JPEG file of an image, 4:2:0."""
    buffer = BytesIO()
    Image.fromarray(to_bytes(image)).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    return buffer.getvalue()
