"""What a model sees of a photo: the whole, and of a large one also what shows at full size."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.images.full_size import full_size_view
from biqa_cli.images.transforms import model_view, normalise, size_in_proportion
from biqa_cli.models.spec import InputContract


def view_of(image: Image.Image, contract: InputContract) -> NDArray[np.float32]:
    """Return an RGB image as a model sees it (3, H, W)."""
    height, width = contract.height, contract.width
    if contract.keeps_aspect:
        height, width = size_in_proportion(image, height=height, width=width)
    return model_view(
        image,
        height=height,
        width=width,
        mean=contract.mean,
        std=contract.std,
    )


def view_at_full_size(
    image: Image.Image, contract: InputContract, *, pixels: int
) -> NDArray[np.float32] | None:
    """Return what a model sees of a photo at full size (3, H, W); None where it does not look.

    Args:
        image: Mode RGB, at full size where the model looks.
        contract: Of the model.
        pixels: Of the photo itself: `image` may be a reduced one.
    """
    full = contract.full_size
    if full is None or pixels <= full.above_pixels:
        return None
    mosaic = full_size_view(image, squares=full.squares, size=full.size)
    return normalise(mosaic, mean=contract.mean, std=contract.std)
