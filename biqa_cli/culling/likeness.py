"""How alike two photos are by their fingerprints: -1 to 1, whatever their exposure and sharpness.

Both are described by the edges in 4 × 4 parts. A photo that shows a part of another, as one frame
of a burst does that was zoomed in or shifted, is compared with windows of the other too.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from biqa_cli.images.fingerprint import CELLS, DIRECTIONS, Fingerprint

_PARTS = 4
# Sides of windows in cells: from two thirds of the photo to nearly all of it.
_SIDES = range(8, CELLS)
DIMENSIONS: Final = _PARTS * _PARTS * DIRECTIONS

Description = NDArray[np.float32]
"""Unit vectors (..., 128); zero for a photo without edges, which is like no other."""


def whole(fingerprint: Fingerprint) -> Description:
    """Return the description (128,) of a whole photo."""
    described: Description = _described(fingerprint, _weights(CELLS))[0]
    return described


@dataclass(frozen=True, slots=True)
class Described:
    """A photo as it is compared."""

    whole: Description
    """(128,)."""
    windows: Description
    """(54, 128)."""


def describe(fingerprint: Fingerprint) -> Described:
    """Return what `likeness` compares; it takes a millisecond and 28 kB."""
    parts = [_described(fingerprint, _weights(side)) for side in _SIDES]
    return Described(whole(fingerprint), np.concatenate(parts))


def likeness(one: Described, other: Described) -> float:
    """Return how alike two photos are, or one of them and a part of the other."""
    return float(
        max(
            one.whole @ other.whole,
            (one.windows @ other.whole).max(),
            (other.windows @ one.whole).max(),
        )
    )


def _described(fingerprint: Fingerprint, weights: NDArray[np.float32]) -> Description:
    # The fingerprint holds roots: strengths add up, roots do not.
    strengths = np.square(fingerprint.reshape(CELLS * CELLS, DIRECTIONS), dtype=np.float32)
    parts = np.sqrt(weights @ strengths).reshape(-1, DIMENSIONS)
    parts -= parts.mean(axis=1, keepdims=True)
    length = np.linalg.norm(parts, axis=1, keepdims=True)
    unit: Description = np.divide(parts, length, out=np.zeros_like(parts), where=length > 0)
    return unit


@cache
def _weights(side: int) -> NDArray[np.float32]:
    """Return how much each cell counts in each part of each window of a side: (W · 16, 144)."""
    centres = (np.arange(side) + 0.5) / side * _PARTS - 0.5
    # A cell between two parts counts for both, so that a small shift changes little.
    share = np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(_PARTS)))
    rows = [
        np.pad(share, ((start, CELLS - side - start), (0, 0))) for start in range(CELLS - side + 1)
    ]
    table = np.array([[np.einsum("ya,xb->abyx", down, right) for right in rows] for down in rows])
    return table.reshape(-1, CELLS * CELLS).astype(np.float32)
