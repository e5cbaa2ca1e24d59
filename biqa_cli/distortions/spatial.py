"""Pixels out of place: jitter, blocks of colour, displaced patches."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import spline_filter1d

_JITTER_ROUNDS = 5
_BLOCK_SIDE = 32
_SHIFTED_BLOCKS = 12
_PATCH_SIDE, _PATCH_REACH = 16, 8
# The counts of blocks and patches were made for images of this size (KADID-10k).
_COUNTED_PIXELS = 512 * 384

NON_ECCENTRICITY_SMALLEST_SIDE = 3 * _PATCH_SIDE + 1


def jitter(
    image: NDArray[np.float32], *, sigma: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the image, each pixel of it displaced five times by N(0, sigma²) pixels."""
    for _ in range(_JITTER_ROUNDS):
        down, right = np.float32(sigma) * rng.standard_normal(
            (2, *image.shape[1:]), dtype=np.float32
        )
        image = displaced(image, down, right)
    return image


def displaced(
    image: NDArray[np.float32], down: NDArray[np.float32], right: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return J(y, x) = I(y - down, x - right), by cubic splines, with the border reflected.

    The result is that of `scipy.ndimage.map_coordinates` of order 3, sooner, as indices and
    weights are worked out once for the three channels. The displacements (H, W), in pixels, must
    be small: the image is padded by the largest.
    """
    margin = int(max(abs(down).max(), abs(right).max())) + 3
    coefficients = image
    for axis in (1, 2):
        coefficients = spline_filter1d(coefficients, 3, axis, output=np.float32, mode="reflect")
    padded = np.pad(coefficients, ((0, 0), (margin, margin), (margin, margin)), mode="symmetric")
    height, width = image.shape[1:]
    stride = padded.shape[2]
    # Of the 4×4 coefficients around each point, the first.
    above, left = np.floor(-down), np.floor(-right)
    rows = np.arange(margin - 1, margin - 1 + height)[:, None] + above.astype(np.intp)
    first = rows * stride + np.arange(margin - 1, margin - 1 + width) + left.astype(np.intp)
    row_weights, column_weights = _spline_weights(-down - above), _spline_weights(-right - left)
    result, gathered = np.zeros_like(image), np.empty((height, width), np.float32)
    for i, row_weight in enumerate(row_weights):
        for j, column_weight in enumerate(column_weights):
            weight = row_weight * column_weight
            for plane, sampled in zip(padded.reshape(3, -1), result, strict=True):
                # All indices are valid; "clip" only spares NumPy a buffer.
                plane[i * stride + j :].take(first, out=gathered, mode="clip")
                gathered *= weight
                np.add(sampled, gathered, out=sampled)
    return result


def _spline_weights(t: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """Return the weights (H, W) of four coefficients, at t in [0, 1] past the second."""
    s = 1 - t
    # Products, as NumPy's s**3 takes five times as long.
    s2, t2 = s * s, t * t
    sixth, half, rest = np.float32(1 / 6), np.float32(1 / 2), np.float32(2 / 3)
    return sixth * s * s2, rest - t2 + half * t * t2, rest - s2 + half * s * s2, sixth * t * t2


def colour_block(
    image: NDArray[np.float32], *, count: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the image with squares of 32×32 pixels, each of one colour.

    Args:
        image: An image (3, H, W) in [0, 1]. Squares are cut off where it is smaller than they.
        count: Squares for each 512×384 pixels of the image; at least one is drawn.
        rng: Draws colours and places, square by square.
    """
    height, width = image.shape[1:]
    result = image.copy()
    for _ in _scaled(count, height, width):
        y = int(rng.integers(0, max(0, height - _BLOCK_SIDE), endpoint=True))
        x = int(rng.integers(0, max(0, width - _BLOCK_SIDE), endpoint=True))
        colour = rng.random((3, 1, 1), dtype=np.float32)
        result[:, y : y + _BLOCK_SIDE, x : x + _BLOCK_SIDE] = colour
    return result


def brightness_blocks(
    image: NDArray[np.float32], *, shift: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the image with squares of 32×32 pixels that are brighter or, as likely, darker.

    Args:
        image: An image (3, H, W) in [0, 1]. Squares are cut off where it is smaller than they.
        shift: By how much; squares that overlap are shifted twice.
        rng: Draws directions and places of 12 squares for each 512×384 pixels of the image, of
            at least one.
    """
    height, width = image.shape[1:]
    result = image.copy()
    for _ in _scaled(_SHIFTED_BLOCKS, height, width):
        y = int(rng.integers(0, max(0, height - _BLOCK_SIDE), endpoint=True))
        x = int(rng.integers(0, max(0, width - _BLOCK_SIDE), endpoint=True))
        signed = np.float32(shift if rng.random() < 1 / 2 else -shift)
        result[:, y : y + _BLOCK_SIDE, x : x + _BLOCK_SIDE] += signed
    return result


def non_eccentricity(
    image: NDArray[np.float32], *, count: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the image with patches of 16×16 pixels copied up to 8 pixels away, one by one.

    Args:
        image: An image (3, H, W), both sides at least `NON_ECCENTRICITY_SMALLEST_SIDE`.
        count: Patches for each 512×384 pixels of the image; at least one is copied.
        rng: Draws where patches come from and where they go, patch by patch.
    """
    height, width = image.shape[1:]
    result = image.copy()
    for _ in _scaled(count, height, width):
        y = int(rng.integers(_PATCH_SIDE, height - 2 * _PATCH_SIDE))
        x = int(rng.integers(_PATCH_SIDE, width - 2 * _PATCH_SIDE))
        down, right = rng.integers(-_PATCH_REACH, _PATCH_REACH, 2, endpoint=True).tolist()
        patch = result[:, y : y + _PATCH_SIDE, x : x + _PATCH_SIDE].copy()
        y, x = y + down, x + right
        result[:, y : y + _PATCH_SIDE, x : x + _PATCH_SIDE] = patch
    return result


def _scaled(count: float, height: int, width: int) -> range:
    return range(max(1, round(count * height * width / _COUNTED_PIXELS)) if count else 0)
