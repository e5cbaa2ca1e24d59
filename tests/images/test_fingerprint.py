import math

import numpy as np
import pytest
from fakes import photo
from PIL import Image, ImageEnhance, ImageFilter
from scipy.ndimage import gaussian_filter

from biqa_cli.images.fingerprint import CELLS, SHAPE, fingerprint


def _correlation(one: Image.Image, other: Image.Image) -> float:
    first, second = (fingerprint(image).astype(float).ravel() for image in (one, other))
    return float(np.corrcoef(first, second)[0, 1])


def test_a_photo_without_edges_has_none() -> None:
    found = fingerprint(Image.new("RGB", (300, 200), (90, 90, 90)))
    assert found.shape == SHAPE and found.dtype == np.uint8 and not found.any()


def test_an_edge_is_found_where_it_is_and_in_its_direction() -> None:
    image = Image.new("RGB", (240, 240))
    image.paste((255, 255, 255), (120, 0, 240, 240))
    found = fingerprint(image)
    # Dark to the left, bright to the right: the gradient points to the right, direction 0.
    assert np.unravel_index(found.argmax(), SHAPE)[2] == 0
    assert found[:, CELLS // 2 - 2 : CELLS // 2 + 2].sum() == found.sum()


@pytest.mark.parametrize("changed", ["exposure", "size", "blur"])
def test_what_tells_frames_of_a_moment_apart_changes_little(changed: str) -> None:
    image = photo(800, 600, seed=1)
    other = {
        "exposure": ImageEnhance.Brightness(image).enhance(0.6),
        "size": image.resize((400, 300)),
        "blur": image.filter(ImageFilter.GaussianBlur(4)),
    }[changed]
    assert _correlation(image, other) > 0.97
    assert _correlation(image, photo(800, 600, seed=2)) < 0.4


def _literally(image: Image.Image) -> np.ndarray:
    """Return the fingerprint as its definition says it, pixel by pixel."""
    small = image.convert("L").resize((96, 96), Image.Resampling.BICUBIC)
    smooth = gaussian_filter(np.log(np.asarray(small, float) / 255 + 0.05), 1.5)
    down, right = np.gradient(smooth)
    cells = np.zeros((12, 12, 8))
    for row in range(96):
        for column in range(96):
            dy, dx = down[row, column], right[row, column]
            eighths = math.degrees(math.atan2(dy, dx)) % 360 / 45
            first, share = int(eighths) % 8, eighths % 1
            for direction, part in ((first, 1 - share), ((first + 1) % 8, share)):
                cells[row // 8, column // 8, direction] += part * math.hypot(dy, dx)
    return np.round(255 * np.sqrt(cells / cells.max()))


@pytest.mark.parametrize("size", [(96, 96), (120, 50)])
def test_a_fingerprint_is_what_its_definition_says(size: tuple[int, int]) -> None:
    image = photo(*size)
    assert np.abs(fingerprint(image).astype(float) - _literally(image)).max() <= 1
