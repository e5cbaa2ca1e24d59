"""What a photo looks like in 1,152 bytes: where its edges are and which way they run.

Edges stay where they are when a frame is darker, brighter or blurred, so that frames of one moment
can be recognised by them; colours and the features of a model that rates quality do not.
benchmarks/bursts_grouping.py compares them.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

CELLS, DIRECTIONS = 12, 8
SHAPE = (CELLS, CELLS, DIRECTIONS)

_SIDE = 8 * CELLS
DECODE_SIZE = (_SIDE, _SIDE)
"""(height, width): no more pixels of a photo are needed."""
_SMOOTHING = 1.5
# Of the range of brightness: below it noise in shadows would count as edges.
_DARK = 0.05

Fingerprint = NDArray[np.uint8]


def fingerprint(image: Image.Image) -> Fingerprint:
    """Return the strength of edges (12, 12, 8) by row, column and direction, the strongest 255.

    Args:
        image: RGB, upright, of any size and shape; all of it is seen.
    """
    small = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
    # Of the logarithm: another exposure only adds a constant.
    logarithm = np.log(np.asarray(small, np.float64) / 255 + _DARK)
    down, right = np.gradient(gaussian_filter(logarithm, _SMOOTHING))
    turn = np.arctan2(down, right) / (2 * np.pi) % 1 * DIRECTIONS
    before = np.floor(turn).astype(int) % DIRECTIONS
    share = turn - np.floor(turn)
    strength = np.hypot(down, right)
    by_direction = np.zeros((_SIDE, _SIDE, DIRECTIONS))
    rows, columns = np.indices(before.shape)
    # A direction between two counts for both, so that a small turn changes little.
    by_direction[rows, columns, before] = strength * (1 - share)
    by_direction[rows, columns, (before + 1) % DIRECTIONS] += strength * share
    side = _SIDE // CELLS
    cells = by_direction.reshape(CELLS, side, CELLS, side, DIRECTIONS).mean(axis=(1, 3))
    strongest = cells.max()
    if not strongest:
        return np.zeros(SHAPE, np.uint8)
    # The root leaves weak edges something of the 255 steps.
    rounded: Fingerprint = np.round(255 * np.sqrt(cells / strongest)).astype(np.uint8)
    return rounded
