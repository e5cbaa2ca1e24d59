"""The one colour scale: the same colour means the same number in every picture."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Colour = tuple[int, int, int]

# Viridis (Nathaniel Smith and Stéfan van der Walt, CC0) at thirteen even steps. Its lightness
# rises evenly, so the order is the same in greyscale and to people who do not see all colours.
ANCHORS: tuple[Colour, ...] = (
    *((68, 1, 84), (72, 31, 112), (68, 57, 131), (59, 82, 139), (49, 104, 142)),
    *((40, 124, 142), (33, 145, 140), (32, 164, 134), (53, 183, 121), (94, 201, 98)),
    *((144, 215, 67), (200, 224, 32), (253, 231, 37)),
)
_STEPS = 256


def colours_of(values: NDArray[np.floating], *, highest: float) -> NDArray[np.uint8]:
    """Return the colours (…, 3) of values (…): dark blue is 0, yellow is `highest`.

    Values outside of 0 to `highest` get the colour of its nearer end.

    Example:
        >>> colours_of(np.array([0.0, 100.0]), highest=100).tolist()
        [[68, 1, 84], [253, 231, 37]]
    """
    index = np.clip(values * ((_STEPS - 1) / highest), 0, _STEPS - 1).round().astype(np.uint8)
    colours: NDArray[np.uint8] = _table()[index]
    return colours


def colour_of(value: float, *, highest: float) -> Colour:
    """Return the colour of one value."""
    red, green, blue = colours_of(np.array(value), highest=highest).tolist()
    return red, green, blue


def colour_bar(width: int, height: int) -> Image.Image:
    """Return the scale as a bar, the lowest value on the left."""
    row = colours_of((np.arange(width) + 0.5) / width, highest=1)
    return Image.fromarray(np.broadcast_to(row, (height, width, 3)).copy())


def _table() -> NDArray[np.uint8]:
    at = np.linspace(0, 1, len(ANCHORS))
    steps = np.linspace(0, 1, _STEPS)
    channels = [np.interp(steps, at, channel) for channel in zip(*ANCHORS, strict=True)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)
