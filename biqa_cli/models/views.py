"""What a model sees of a photo: the whole, and of a large one also what shows at full size."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.images.full_size import full_size_view
from biqa_cli.images.reading import Photo
from biqa_cli.images.transforms import model_view, normalise
from biqa_cli.models.spec import InputContract


def view_of(image: Image.Image, contract: InputContract) -> NDArray[np.float32]:
    """Return an RGB image as a model sees it (3, H, W)."""
    return model_view(
        image,
        height=contract.height,
        width=contract.width,
        mean=contract.mean,
        std=contract.std,
    )


def view_at_full_size(photo: Photo, contract: InputContract) -> NDArray[np.float32] | None:
    """Return what a model sees of a photo at full size (3, H, W); None where it does not look."""
    full = contract.full_size
    if full is None or photo.width * photo.height <= full.above_pixels:
        return None
    pixels = full_size_view(photo.image, squares=full.squares, size=full.size)
    return normalise(pixels, mean=contract.mean, std=contract.std)
