"""From a photo to the array that a model reads. Pure functions, no torch."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_STRIDE = 32
_LONGEST = 4.0


def resized(image: Image.Image, *, height: int, width: int) -> NDArray[np.uint8]:
    """Return the view (height, width, 3) of an RGB image before it is normalised.

    The whole image is resized to this height and width, whatever its aspect ratio. Where it
    shrinks, Pillow's bicubic filter averages over all pixels that a pixel of the view stands for.
    """
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def size_in_proportion(image: Image.Image, *, height: int, width: int) -> tuple[int, int]:
    """Return the (height, width) of a view with the aspect ratio of an image, nearly.

    It has about height · width pixels. Its sides are multiples of 32, the stride of every backbone,
    and neither is more than four times the other: a longer image is squeezed.
    """
    area = height * width
    ratio = min(max(image.width / image.height, 1 / _LONGEST), _LONGEST)
    sides = ((area / ratio) ** 0.5, (area * ratio) ** 0.5)
    tall, wide = (_STRIDE * max(int(side / _STRIDE + 0.5), 1) for side in sides)
    return tall, wide


def quarter_turns(pixels: NDArray[np.uint8]) -> int:
    """Return how many quarter turns to the left lay pixels (H, W, 3) with the brightest side up.

    That side is where the mean place of the brightness, as a share of the height or width, is
    farthest from the middle. A photo that is turned by quarters is so laid in the same way again.

    Example:
        >>> pixels = np.zeros((20, 30, 3), np.uint8)
        >>> pixels[:, 20:] = 255  # on the right
        >>> quarter_turns(pixels), quarter_turns(np.rot90(pixels))
        (1, 0)
    """
    height, width = pixels.shape[:2]
    lines = pixels.reshape(height, -1)
    # Whole numbers, so that a turned photo has just the same ones.
    rows = lines.sum(axis=1, dtype=np.uint32)
    columns = lines.sum(axis=0, dtype=np.uint32).reshape(width, -1).sum(axis=1)
    up, left = _moment(rows) * max(width - 1, 1), _moment(columns) * max(height - 1, 1)
    return int(np.argmax([up, -left, -up, left]))


def _moment(sums: NDArray[np.unsignedinteger]) -> int:
    """Return Σ w·x of sums x (n,), with weights w from n - 1 down to 1 - n."""
    return int(sums.astype(np.int64) @ np.arange(len(sums) - 1, -len(sums), -2))


class ViewSize(NamedTuple):
    """Of the views that train, which all have one size."""

    height: int
    width: int
    keeps_aspect: bool = False
    """Whether the network scores views that have the aspect ratio of their photo."""


def training_view(image: Image.Image, size: ViewSize) -> NDArray[np.uint8]:
    """Return what of an image is seen in training (height, width, 3).

    Where the aspect ratio is kept, this is the middle of the view that is scored, reflected at its
    edges where that is shorter.
    """
    if not size.keeps_aspect:
        return resized(image, height=size.height, width=size.width)
    shape = size_in_proportion(image, height=size.height, width=size.width)
    view = resized(image, height=shape[0], width=shape[1])
    for axis, (length, wanted) in enumerate(zip(shape, size[:2], strict=True)):
        before = (wanted - length) // 2
        view = np.take(view, reflected(-before, wanted - before, length), axis=axis)
    return view


def reflected(start: int, stop: int, length: int) -> NDArray[np.intp]:
    """Return the places start to stop inside [0, length), reflected without repeating the edge."""
    period = max(2 * (length - 1), 1)
    places = np.arange(start, stop) % period
    return np.minimum(places, period - places)


def normalise(
    pixels: NDArray[np.uint8],
    *,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
) -> NDArray[np.float32]:
    """Return (pixels / 255 - mean) / std of pixels (H, W, 3) as an array (3, H, W)."""
    scale = (1 / (255 * np.asarray(std))).astype(np.float32)
    offset = (np.asarray(mean) / np.asarray(std)).astype(np.float32)
    view = np.multiply(pixels.transpose(2, 0, 1), scale[:, None, None], dtype=np.float32, order="C")
    view -= offset[:, None, None]
    return view
