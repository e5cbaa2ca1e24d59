"""What is lost when a photo is made small: fewer pixels or fewer bits."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.distortions.eight_bits import from_bytes, to_bytes


def resize(
    image: NDArray[np.float32], *, factor: float, resample: Image.Resampling
) -> NDArray[np.float32]:
    """Return the image shrunk by `factor` and enlarged again, both with Pillow's filter.

    The small image has ⌊H/factor⌋ × ⌊W/factor⌋ pixels, at least one. It is not rounded to bytes.
    """
    height, width = image.shape[1:]
    small = (max(1, int(width / factor)), max(1, int(height / factor)))
    planes = [
        Image.fromarray(plane).resize(small, resample).resize((width, height), resample)
        for plane in image
    ]
    return np.stack([np.asarray(plane) for plane in planes])


def pixelate(image: NDArray[np.float32], *, strength: float) -> NDArray[np.float32]:
    """Return the image at 0.95 - strength^0.6 of its size and enlarged again, nearest pixels."""
    scale = 0.95 - strength**0.6
    rows, columns = (_nearest(side, max(1, int(scale * side))) for side in image.shape[1:])
    return image[:, rows[:, None], columns]


def _nearest(side: int, small: int) -> NDArray[np.int64]:
    """Return for each of `side` pixels the one that it shows after shrinking and enlarging."""
    shrunk = (2 * np.arange(small) + 1) * side // (2 * small)
    return shrunk[(2 * np.arange(side) + 1) * small // (2 * side)]


def jpeg(image: NDArray[np.float32], *, quality: int) -> NDArray[np.float32]:
    """Return the image after a round trip through JPEG with halved colour (4:2:0)."""
    with Image.open(BytesIO(jpeg_bytes(image, quality=quality))) as decoded:
        return from_bytes(np.asarray(decoded))


def jpeg_bytes(image: NDArray[np.float32], *, quality: int) -> bytes:
    """Return the JPEG file of an image, 4:2:0."""
    buffer = BytesIO()
    Image.fromarray(to_bytes(image)).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    return buffer.getvalue()
