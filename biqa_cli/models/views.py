"""What a model sees of a photo: the whole, and of a large one also what shows at full size."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.images.full_size import full_size_view
from biqa_cli.images.transforms import normalise, quarter_turns, resized, size_in_proportion
from biqa_cli.models.spec import InputContract


class Views(NamedTuple):
    """What a model sees of one photo, (3, H, W) each."""

    whole: NDArray[np.float32]
    full_size: NDArray[np.float32] | None = None
    """None where it does not look."""


def views_of(image: Image.Image, contract: InputContract, *, pixels: int | None = None) -> Views:
    """Return what a model sees of a photo.

    Args:
        image: Mode RGB, at full size where the model looks.
        contract: Of the model.
        pixels: Of the photo itself: `image` may be a reduced one. None: the whole alone is seen.
    """
    height, width = contract.height, contract.width
    if contract.keeps_aspect:
        height, width = size_in_proportion(image, height=height, width=width)
    seen = resized(image, height=height, width=width)
    whole = normalise(seen, mean=contract.mean, std=contract.std)
    full = contract.full_size
    if full is None or pixels is None or pixels <= full.above_pixels:
        return Views(whole)
    # Squares hardly show which way is up: however the photo lies, they are the same.
    turns = quarter_turns(seen)
    mosaic = full_size_view(image, squares=full.squares, size=full.size, turns=turns)
    return Views(whole, normalise(mosaic, mean=contract.mean, std=contract.std))


def view_of(image: Image.Image, contract: InputContract) -> NDArray[np.float32]:
    """Return a whole RGB image as a model sees it (3, H, W)."""
    return views_of(image, contract).whole
