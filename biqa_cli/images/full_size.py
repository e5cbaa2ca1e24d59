"""What of a photo is visible only at full size: its most detailed squares, at native scale."""

from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.images.transforms import reflected

CELL = 8
"""Detail is told from the means of squares of so many pixels: noise, blur of single pixels and
small shifts hardly change them."""
STEEPEST = 40
"""Grey levels from a cell to the next two; more says nothing more of the detail."""
_LEVELS_OF_A_CELL = 3 * CELL * CELL
"""What the sum over a cell and its channels is divided by to get its mean grey."""
_BAND_PIXELS = 1 << 18


@dataclass(frozen=True, slots=True)
class _Grid:
    """Squares without gaps in the middle of a photo, which stick out where a side is shorter."""

    rows: int
    columns: int
    top: int
    left: int
    size: int


def full_size_view(
    image: Image.Image, *, squares: int = 4, size: int = 224, margin: int = 0, turns: int = 0
) -> NDArray[np.uint8]:
    """Return the most detailed squares of a photo at native scale, as one mosaic.

    The photo is cut into a centred grid of squares. The detail of one is the mean of
    min(|gx| + |gy|, 40), where gx and gy are the differences between neighbours among the means of
    8×8 grey pixels. What is chosen lies in the mosaic in reading order.

    Args:
        image: Mode RGB, at full size. It is never converted as a whole: this takes no more than
            a band of `biqa_cli.images.pixels` beside it.
        squares: How many, a square number. Where the photo has fewer, its first one is repeated.
        size: Of a square in pixels, a multiple of 8. A side of the photo that is shorter is
            reflected at its edges.
        margin: Pixels of the surroundings on each side of each square, reflected at the edge of the
            photo; see `without_margins`.
        turns: Quarter turns to the left. The mosaic is that of the turned photo.

    Returns:
        √squares · (size + 2 · margin) pixels a side, (H, W, 3).
    """
    grid = _grid_of(image, size, turns)
    # From here on rows and columns are those of the turned photo.
    places = np.rot90(np.arange(grid.rows * grid.columns).reshape(grid.rows, -1), turns).ravel()
    cells = np.concatenate([_cells(image, grid, row) for row in range(grid.rows)])
    details = _details(np.rot90(cells, turns), size // CELL)
    # Stable: of equals, those nearer to the top.
    chosen = sorted(np.argsort(-details, kind="stable")[:squares].tolist())
    chosen += chosen[:1] * (squares - len(chosen))
    side = size + 2 * margin
    cut = []
    for place in places[chosen].tolist():
        row, column = divmod(place, grid.columns)
        top, left = grid.top + row * size - margin, grid.left + column * size - margin
        cut.append(np.rot90(_crop(image, top, left, side, side), turns))
    across = isqrt(squares)
    lines = [np.concatenate(cut[i : i + across], axis=1) for i in range(0, squares, across)]
    return np.concatenate(lines)


def without_margins(
    mosaic: NDArray[np.uint8], *, squares: int = 4, margin: int
) -> NDArray[np.uint8]:
    """Return a mosaic of `full_size_view` (H, W, 3) without the margins around its squares.

    So squares can be filtered as if their surroundings were there: filter the mosaic with a margin
    as wide as the filter reaches, then cut the margins off.
    """
    side = mosaic.shape[0] // isqrt(squares)
    inside = np.arange(mosaic.shape[0])
    inside = inside[(inside % side >= margin) & (inside % side < side - margin)]
    return mosaic[np.ix_(inside, inside)]


def _grid_of(image: Image.Image, size: int, turns: int) -> _Grid:
    rows, columns = max(image.height // size, 1), max(image.width // size, 1)
    # What cannot be halved goes to the top and left of the turned photo.
    top = (image.height - rows * size + (turns in (2, 3))) // 2
    left = (image.width - columns * size + (turns in (1, 2))) // 2
    return _Grid(rows, columns, top, left, size)


def _details(cells: NDArray[np.uint16], across: int) -> NDArray[np.int64]:
    """Return the sums of the slopes in squares of so many cells a side, in reading order (n,).

    They are whole numbers, so that every machine chooses the same squares.
    """
    details = []
    for top in range(0, len(cells), across):
        # One more, for the slopes to what is below.
        band = cells[top : top + across + 1].astype(np.int32)
        below = band[across:] if len(band) > across else band[-1:]
        band = band[:across]
        slopes = np.abs(np.diff(band, axis=0, append=below))
        slopes += np.abs(np.diff(band, axis=1, append=band[:, -1:]))
        np.minimum(slopes, STEEPEST * _LEVELS_OF_A_CELL, out=slopes)
        details.append(slopes.reshape(across, -1, across).sum(axis=(0, 2), dtype=np.int64))
    return np.concatenate(details)


def _cells(image: Image.Image, grid: _Grid, row: int) -> NDArray[np.uint16]:
    """Return the sums of the cells in a row of squares (size / 8, columns · size / 8)."""
    step = max(_BAND_PIXELS // grid.size**2, 1)
    top = grid.top + row * grid.size
    bands = []
    for column in range(0, grid.columns, step):
        width = min(step, grid.columns - column) * grid.size
        pixels = _crop(image, top, grid.left + column * grid.size, grid.size, width)
        # Lines first: they are long. 3 · 64 · 255 is less than 2 ** 16.
        lines = pixels.reshape(-1, CELL, 3 * width).sum(axis=1, dtype=np.uint16)
        bands.append(lines.reshape(len(lines), -1, 3 * CELL).sum(axis=2, dtype=np.uint16))
    return np.concatenate(bands, axis=1)


def _crop(image: Image.Image, top: int, left: int, height: int, width: int) -> NDArray[np.uint8]:
    """Return pixels (height, width, 3) of a photo, which is reflected beyond its edges."""
    rows = reflected(top, top + height, image.height)
    columns = reflected(left, left + width, image.width)
    first_row, first_column = int(rows.min()), int(columns.min())
    box = (first_column, first_row, int(columns.max()) + 1, int(rows.max()) + 1)
    pixels = np.asarray(image.crop(box))
    if pixels.shape[:2] == (height, width):
        return pixels
    return pixels[np.ix_(rows - first_row, columns - first_column)]
