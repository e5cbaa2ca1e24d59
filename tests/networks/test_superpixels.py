"""Superpixels against plain loops over regions, and SciPy's filters."""

import numpy as np
import pytest
from fakes import photo
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import slic

from biqa_cli.networks import superpixels
from biqa_cli.networks.superpixels import (
    SuperpixelNodes,
    local_contrast,
    paint_nodes,
    slic_labels,
    superpixel_nodes,
)


def _patches(count: int = 2) -> NDArray[np.uint8]:
    return np.stack([np.asarray(photo(112, 112, seed=seed)) for seed in range(count)])


def test_a_patch_has_about_196_regions_of_64_pixels() -> None:
    labels = slic_labels(_patches())
    assert labels.shape == (2, 112, 112) and labels.min() == 0
    for patch in labels:
        areas = np.bincount(patch.ravel())
        assert 190 <= len(areas) <= 200 and (areas > 60).sum() > 90


@pytest.mark.parametrize(("side", "regions"), [(112, 196), (100, 144), (224, 196), (117, 196)])
def test_regions_are_those_of_slico_after_ten_rounds(side: int, regions: int) -> None:
    patch = np.asarray(photo(side, side, seed=3))
    expected = slic(
        patch,
        n_segments=regions,
        compactness=10,
        max_num_iter=10,
        slic_zero=True,
        sigma=0,
        start_label=0,
        enforce_connectivity=False,
    )
    np.testing.assert_array_equal(slic_labels(patch[None])[0], expected)


def test_one_patch_is_cut_as_several_are() -> None:
    patches = _patches(2)
    np.testing.assert_array_equal(slic_labels(patches[1:])[0], slic_labels(patches)[1])


def test_nodes_and_pixels_are_evenly_spaced_over_regions_and_their_pixels() -> None:
    patches = _patches()
    found = superpixel_nodes(patches)
    assert found.features.shape == (2, 100, 60, 3) and found.features.dtype == np.float32
    contrast = local_contrast(patches)
    for p, labels in enumerate(found.labels):
        kept = [r for r in range(labels.max() + 1) if (labels == r).sum() > 60]
        for node in range(100):
            region = kept[node * (len(kept) - 1) // 99]
            assert found.regions[p, node] == region
            ys, xs = np.nonzero(labels == region)
            places = [k * (len(ys) - 1) // 59 for k in range(60)]
            expected = contrast[p, ys[places], xs[places]]
            assert np.array_equal(found.features[p, node], expected)


def test_patches_are_independent_and_deterministic() -> None:
    patches = _patches(3)
    together = superpixel_nodes(patches, nodes=20, pixels=30)
    for p in range(3):
        alone = superpixel_nodes(patches[p : p + 1], nodes=20, pixels=30)
        assert np.array_equal(alone.features[0], together.features[p])
        assert np.array_equal(alone.labels[0], together.labels[p])


def test_few_regions_are_repeated() -> None:
    found = superpixel_nodes(_patches(1), nodes=300)
    assert found.regions.shape == (1, 300)
    assert len(set(found.regions[0])) < 200
    assert (np.diff(found.regions[0]) >= 0).all()


def test_a_patch_without_large_regions_is_cut_into_square_cells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patches = _patches()
    regular = slic_labels(patches[1:])
    crumbs = np.arange(112 * 112).reshape(1, 112, 112) // 60
    monkeypatch.setattr(superpixels, "slic_labels", lambda _: np.concatenate([crumbs, regular]))
    found = superpixel_nodes(patches)
    assert found.labels[0, 0, 0] == 0 and found.labels[0, 111, 111] == 99
    assert np.array_equal(found.regions[0], np.arange(100))
    assert np.bincount(found.labels[0].ravel()).min() == 121
    assert np.array_equal(found.labels[1:], regular)


def test_a_superpixel_needs_more_pixels_than_are_taken_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels = np.repeat([0, 1, 2], [6, 7, 12]).reshape(1, 5, 5)
    monkeypatch.setattr(superpixels, "slic_labels", lambda _: labels)
    patch = np.zeros((1, 5, 5, 3), np.uint8)
    assert superpixel_nodes(patch, nodes=2, pixels=6).regions.tolist() == [[1, 2]]
    assert superpixel_nodes(patch, nodes=3, pixels=5).regions.tolist() == [[0, 1, 2]]


def test_one_node_of_one_pixel_is_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.repeat([0, 1], [10, 15]).reshape(1, 5, 5)
    monkeypatch.setattr(superpixels, "slic_labels", lambda _: labels)
    patch = np.arange(75, dtype=np.uint8).reshape(1, 5, 5, 3)
    found = superpixel_nodes(patch, nodes=1, pixels=1)
    assert found.regions.tolist() == [[0]]
    assert np.array_equal(found.features[0, 0, 0], local_contrast(patch)[0, 0, 0])


def test_the_local_contrast_is_that_of_scipys_filters() -> None:
    patches = _patches()
    taps = np.array([1, 4, 6, 4, 1]) / 16
    for patch, contrast in zip(patches.astype(np.float64), local_contrast(patches), strict=True):

        def mean(image: NDArray[np.float64]) -> NDArray[np.float64]:
            rows = ndimage.correlate1d(image, taps, axis=0, mode="nearest")
            return ndimage.correlate1d(rows, taps, axis=1, mode="nearest")

        deviation = np.sqrt(np.maximum(mean(patch**2) - mean(patch) ** 2, 0))
        expected = 2 / 3 * (patch - mean(patch)) / (deviation + 127)
        assert np.allclose(contrast, expected, atol=1e-5)


def test_a_flat_patch_has_regions_and_no_contrast() -> None:
    found = superpixel_nodes(np.full((1, 112, 112, 3), 90, np.uint8))
    assert np.abs(found.features).max() < 1e-6
    assert len(set(found.regions[0])) == 100


def test_painted_values_lie_on_their_superpixels() -> None:
    nodes = SuperpixelNodes(
        features=np.zeros((1, 3, 1, 3), np.float32),
        regions=np.array([[0, 2, 2]]),
        labels=np.array([[[0, 1], [2, 2]]]),
    )
    painted = paint_nodes(np.array([[1.0, 2.0, 3.0]]), nodes)
    assert np.array_equal(painted, [[[1, np.nan], [5, 5]]], equal_nan=True)
