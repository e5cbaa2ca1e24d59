"""Superpixels of patches and the node features that NLNet's graphs start from. NumPy, no torch.

Reference:
    Jia et al., "No-reference Image Quality Assessment via Non-local Dependency Modeling",
    MMSP 2022; SLIC is Achanta et al., "SLIC Superpixels Compared to State-of-the-Art Superpixel
    Methods", IEEE TPAMI 2012.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

_REGION_SIDE, _REGIONS_A_SIDE = 8, 14
_COMPACTNESS = 10.0
_ITERATIONS = 10
_FALLBACK_CELLS = 10
# Of 0-255: what keeps the contrast of a flat neighbourhood finite.
_CONTRAST_FLOOR = 127.0


@dataclass(frozen=True, slots=True)
class SuperpixelNodes:
    """The nodes of P patches: 100 superpixels, each by 60 of its pixels."""

    features: NDArray[np.float32]
    """(P, nodes, pixels, 3), locally normalised RGB."""
    regions: NDArray[np.int64]
    """(P, nodes), the label of each node's superpixel; a label may repeat."""
    labels: NDArray[np.int64]
    """(P, H, W), the superpixel of each pixel."""


def superpixel_nodes(
    patches: NDArray[np.uint8], *, nodes: int = 100, pixels: int = 60
) -> SuperpixelNodes:
    """Return the superpixels of patches and the pixels that stand for them.

    Deterministic, and for each patch by itself. A patch whose superpixels all have `pixels`
    pixels or fewer is cut into 10 × 10 square cells instead.

    Args:
        patches: (P, H, W, 3), RGB, 0 to 255.
        nodes: Superpixels to keep of each patch, evenly spaced in the order of their labels.
        pixels: Pixels to keep of each superpixel, evenly spaced row by row; superpixels of as
            many or fewer are dropped.
    """
    labels = slic_labels(patches)
    kept = _kept_regions(labels, pixels)
    lost = ~kept.any(axis=1)
    if lost.any():
        labels[lost] = _square_cells(*labels.shape[1:])
        kept = _kept_regions(labels, pixels)
    regions, positions = _sample(labels, kept, nodes=nodes, pixels=pixels)
    features = local_contrast(patches).reshape(-1, 3)[positions]
    return SuperpixelNodes(features=features, regions=regions, labels=labels)


def slic_labels(patches: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the SLIC superpixel of each pixel (P, H, W), counted from 0.

    Regions of about 8 × 8 pixels in CIELAB with adaptive compactness (SLICO), 10 iterations. In
    patches of more than 112 pixels they grow with the patch, which has 196 of them. Regions may
    fall apart: connectivity is not enforced.
    """
    from skimage.segmentation import slic

    def segment(patch: NDArray[np.uint8]) -> NDArray[np.int64]:
        height, width = patch.shape[:2]
        side = max(_REGION_SIDE, min(height, width) // _REGIONS_A_SIDE)
        labels = slic(
            patch,
            n_segments=(height // side) * (width // side),
            compactness=_COMPACTNESS,
            max_num_iter=_ITERATIONS,
            slic_zero=True,
            sigma=0,
            start_label=0,
            enforce_connectivity=False,
        )
        return cast("NDArray[np.int64]", labels)

    # SLIC releases the interpreter lock.
    threads = min(len(patches), os.cpu_count() or 1)
    if threads <= 1:
        return np.stack([segment(patch) for patch in patches])
    with ThreadPoolExecutor(threads, thread_name_prefix="biqa-slic") as pool:
        return np.stack(list(pool.map(segment, patches)))


def local_contrast(patches: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return locally normalised RGB (P, H, W, 3): 2/3 · (I - μ) / (σ + 127).

    μ and σ are the mean and the standard deviation of each channel under a 5 × 5 binomial
    window; the border is replicated.
    """
    image = patches.astype(np.float32)
    mean = _binomial_mean(image)
    variance = _binomial_mean(image * image) - mean * mean
    deviation = np.sqrt(np.maximum(variance, 0))
    return cast("NDArray[np.float32]", (image - mean) / (deviation + _CONTRAST_FLOOR) / 1.5)


def paint_nodes(values: NDArray[np.floating], nodes: SuperpixelNodes) -> NDArray[np.float64]:
    """Return the values of nodes at the pixels of their superpixels (P, H, W).

    The values (P, nodes) of a superpixel that is a node twice are added. A superpixel that is no
    node is nan.
    """
    count = len(values)
    size = int(nodes.labels.max()) + 1
    painted = np.zeros((count, size))
    shown = np.zeros((count, size), dtype=np.bool_)
    rows = np.arange(count)[:, None]
    np.add.at(painted, (rows, nodes.regions), values)
    shown[rows, nodes.regions] = True
    painted[~shown] = np.nan
    return painted[rows[..., None], nodes.labels]


def _binomial_mean(image: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = image.shape[1:3]
    padded = np.pad(image, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="edge")
    weights = np.array([1, 4, 6, 4, 1], dtype=np.float32) / 16
    rows = sum(w * padded[:, i : i + height] for i, w in enumerate(weights))
    return cast(
        "NDArray[np.float32]", sum(w * rows[:, :, i : i + width] for i, w in enumerate(weights))
    )


def _square_cells(height: int, width: int) -> NDArray[np.int64]:
    """Return labels of 10 × 10 cells; the remainder belongs to the last row and column."""
    last = _FALLBACK_CELLS - 1
    rows = np.minimum(np.arange(height) // (height // _FALLBACK_CELLS), last)
    columns = np.minimum(np.arange(width) // (width // _FALLBACK_CELLS), last)
    return rows[:, None] * _FALLBACK_CELLS + columns


def _flat_labels(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return labels that differ between patches (P · H · W,), and how many there are a patch."""
    size = int(labels.max()) + 1
    offsets = np.arange(len(labels))[:, None, None] * size
    return (labels + offsets).ravel(), size


def _kept_regions(labels: NDArray[np.int64], pixels: int) -> NDArray[np.bool_]:
    """Return which labels (P, L) have more pixels than `pixels`."""
    flat, size = _flat_labels(labels)
    counts = np.bincount(flat, minlength=len(labels) * size)
    return counts.reshape(len(labels), size) > pixels


def _sample(
    labels: NDArray[np.int64], kept: NDArray[np.bool_], *, nodes: int, pixels: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the chosen regions (P, nodes) and the flat positions of their pixels.

    Returns:
        Labels of regions, and positions (P, nodes, pixels) in the pixels of all patches.
    """
    flat, size = _flat_labels(labels)
    # Sorted by label, and within a label row by row.
    order = np.argsort(flat, kind="stable")
    counts = np.bincount(flat, minlength=len(labels) * size)
    starts = np.cumsum(counts) - counts
    # Kept regions first, in the order of their labels.
    ranked = np.argsort(~kept, axis=1, kind="stable")
    regions = np.take_along_axis(ranked, _spaced(kept.sum(axis=1), nodes), axis=1)
    chosen = regions + np.arange(len(labels))[:, None] * size
    positions = starts[chosen][..., None] + _spaced(counts[chosen], pixels)
    return regions, order[positions]


def _spaced(counts: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """Return `number` indices evenly spaced over 0 … count - 1, rounded down, as a last axis."""
    return cast(
        "NDArray[np.int64]", np.arange(number) * (counts[..., None] - 1) // max(number - 1, 1)
    )
