from functools import lru_cache

import numpy as np
import pytest
from fakes import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.distortions.catalog import DISTORTIONS, LEVELS, find_distortion
from biqa_cli.distortions.distort import distort, distort_block, distort_blocks
from biqa_cli.distortions.eight_bits import from_bytes
from biqa_cli.distortions.named_blocks import block_slices
from biqa_cli.errors import UsageError

NAMES = [d.name for d in DISTORTIONS]


@lru_cache
def natural(name: str) -> NDArray[np.float32]:
    """Return the 192×160 pixels in the middle of an example photo."""
    with Image.open(EXAMPLES / f"{name}.jpg") as photo:
        x, y = photo.width // 2 - 96, photo.height // 2 - 80
        return from_bytes(np.asarray(photo.crop((x, y, x + 192, y + 160)).convert("RGB")))


def psnr(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(-10 * np.log10(np.mean((a.astype(np.float64) - b) ** 2)))


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("shape", [(49, 64), (67, 51), (3, 2), (1, 40), (90, 1), (1, 1)])
def test_every_shape_gives_an_image_of_that_shape_or_a_clear_error(
    kind: str, shape: tuple[int, int]
) -> None:
    image = np.random.default_rng(0).random((3, *shape), dtype=np.float32)
    before = image.copy()
    for level in LEVELS:
        if min(shape) < find_distortion(kind).smallest_side:
            with pytest.raises(UsageError, match="needs an image of at least 49×49 pixels, got"):
                distort(image, kind=kind, level=level, seed=0)
            continue
        degraded = distort(image, kind=kind, level=level, seed=0)
        assert degraded.shape == image.shape and degraded.dtype == np.float32
        assert degraded.flags.c_contiguous and not np.shares_memory(degraded, image)
        assert degraded.min() >= 0 and degraded.max() <= 1
        np.testing.assert_array_equal(np.rint(degraded * 255) / np.float32(255), degraded)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("kind", NAMES)
def test_a_flat_image_raises_no_warning_and_stays_in_range(kind: str, value: float) -> None:
    flat = np.full((3, 50, 50), value, np.float32)
    degraded = distort(flat, kind=kind, level=4, seed=0, quantise=False)
    assert degraded.min() >= 0 and degraded.max() <= 1


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize(
    "photo", ["raccoon", *(pytest.param(n, marks=pytest.mark.slow) for n in ("coffee", "cat"))]
)
def test_psnr_falls_with_strength_on_photos(kind: str, photo: str) -> None:
    image = natural(photo)
    distortion = find_distortion(kind)
    # Values that are as far from the identity are as strong; others are in the order of levels.
    strengths = (
        LEVELS
        if distortion.identity is None
        else [round(abs(value - distortion.identity), 6) for value in distortion.levels]
    )
    seeds = range(3) if distortion.random else (0,)
    measured = [
        np.mean([psnr(distort(image, kind=kind, level=n, seed=s), image) for s in seeds])
        for n in LEVELS
    ]
    for a, strength in enumerate(strengths):
        for b, other in enumerate(strengths):
            if strength < other:
                # Counts are rounded: two levels may draw the same number of squares or errors.
                slack = 1e-9 if kind in {"color-block", "jpeg-errors"} else 0
                assert measured[a] + slack > measured[b], (strengths, measured)


def test_levels_of_one_seed_share_their_noise() -> None:
    grey = np.full((3, 40, 40), 0.5, np.float32)
    mild, strong = (
        distort(grey, kind="white-noise-rgb", level=n, seed=5, quantise=False) - 0.5 for n in (1, 3)
    )
    np.testing.assert_allclose(strong, mild * np.sqrt(0.005 / 0.002), atol=1e-6)


def test_without_quantising_values_lie_between_those_of_bytes() -> None:
    exact = distort(natural("cat"), kind="gaussian-blur", level=2, seed=0, quantise=False)
    coarse = distort(natural("cat"), kind="gaussian-blur", level=2, seed=0)
    assert 0 < abs(exact - coarse).max() <= 0.5001 / 255


@pytest.mark.parametrize("kind", NAMES)
def test_a_block_is_that_of_the_whole_degraded_image_and_the_rest_is_untouched(kind: str) -> None:
    image = natural("coffee")
    block = distort_block(image, kind=kind, level=4, seed=1, block="top-right")
    whole = distort(image, kind=kind, level=4, seed=1)
    np.testing.assert_array_equal(block[:, :80, 96:], whole[:, :80, 96:])
    np.testing.assert_array_equal(block[:, 80:], image[:, 80:])
    np.testing.assert_array_equal(block[:, :, :96], image[:, :, :96])
    assert not np.array_equal(block, image)


def test_each_of_two_blocks_is_made_from_the_original() -> None:
    image = natural("raccoon")
    both = distort_blocks(
        image, parts={"left": ("mean-shift", 4), "right": ("lens-blur", 4)}, seed=0
    )
    alone = distort_block(image, kind="lens-blur", level=4, seed=0, block="right")
    np.testing.assert_array_equal(both[:, :, 96:], alone[:, :, 96:])


@given(st.integers(2, 40), st.integers(2, 40))
def test_halves_and_quarters_cover_the_image_once(height: int, width: int) -> None:
    for blocks in (
        ("left", "right"),
        ("top", "bottom"),
        ("top-left", "top-right", "bottom-left", "bottom-right"),
    ):
        touched = np.zeros((height, width), int)
        for block in blocks:
            touched[block_slices(height, width, block=block)] += 1
        assert (touched == 1).all()


def test_an_unknown_block_is_not_the_whole_image() -> None:
    with pytest.raises(UsageError, match="no block 'middle': there are left, right"):
        block_slices(50, 50, block="middle")


def test_what_cannot_be_halved_is_refused() -> None:
    thin = np.zeros((3, 50, 1), np.float32)
    with pytest.raises(UsageError, match="an image of 1×50 pixels has no top-left block"):
        distort_block(thin, kind="jpeg", level=1, seed=0, block="top-left")
    distort_block(thin, kind="jpeg", level=1, seed=0, block="top")


@pytest.mark.parametrize(
    ("image", "text"),
    [
        (np.zeros((50, 50, 3), np.float32), r"expected an image (3, H, W) of float32, got float32"),
        (np.zeros((3, 50, 50), np.uint8), r"got uint8 (3, 50, 50)"),
        (np.full((3, 50, 50), 200, np.float32), "in [0, 1], got 200 to 200: divide bytes by 255"),
        (np.full((3, 50, 50), np.nan, np.float32), "in [0, 1], got nan"),
        (np.zeros((3, 0, 50), np.float32), "at least 1×1 pixels, got 50×0"),
    ],
)
def test_what_is_no_image_is_refused(image: NDArray[np.float32], text: str) -> None:
    with pytest.raises(UsageError) as error:
        distort(image, kind="jpeg", level=1, seed=0)
    assert text in str(error.value)


@pytest.mark.parametrize("level", [0, 5])
def test_there_is_no_fifth_level(level: int) -> None:
    with pytest.raises(UsageError, match="levels are 1 to 4"):
        distort(natural("cat"), kind="jpeg", level=level, seed=0)


@settings(max_examples=25)
@given(st.sampled_from(NAMES), st.integers(49, 80), st.integers(49, 80), st.integers(0, 2**63 - 1))
def test_the_same_seed_gives_the_same_bytes(kind: str, h: int, w: int, seed: int) -> None:
    image = np.random.default_rng(1).random((3, h, w), dtype=np.float32)
    first, second = (distort(image, kind=kind, level=3, seed=seed) for _ in range(2))
    assert first.tobytes() == second.tobytes()
