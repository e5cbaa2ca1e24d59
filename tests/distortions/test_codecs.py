from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from fakes import EXAMPLES
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.distortions import codecs
from biqa_cli.distortions.codecs import (
    avif,
    double_jpeg,
    jpeg2000,
    jpeg_errors,
    noisy_jpeg,
    webp,
)
from biqa_cli.distortions.compression import jpeg, jpeg_bytes
from biqa_cli.distortions.eight_bits import from_bytes
from biqa_cli.errors import UsageError


def _photo() -> np.ndarray:
    with Image.open(EXAMPLES / "coffee.jpg") as photo:
        return from_bytes(np.asarray(photo.convert("RGB").crop((100, 100, 292, 260))))


IMAGE = _photo()


def _error(degraded: np.ndarray) -> float:
    return float(np.mean((degraded - IMAGE) ** 2))


@pytest.mark.parametrize(("codec", "qualities"), [(webp, (30, 0)), (avif, (35, 2))])
def test_a_lower_quality_keeps_less_of_a_photo(
    codec: Callable[..., NDArray[np.float32]], qualities: tuple[int, int]
) -> None:
    mild, strong = (codec(IMAGE, quality=quality) for quality in qualities)
    assert 1e-5 < _error(mild) < _error(strong) < 0.02
    assert mild.shape == IMAGE.shape and mild.dtype == np.float32


def test_jpeg_2000_is_that_of_pillow_at_its_ratio() -> None:
    stored = BytesIO()
    pixels = np.rint(IMAGE * 255).astype(np.uint8).transpose(1, 2, 0)
    Image.fromarray(pixels).save(
        *(stored, "JPEG2000"), quality_mode="rates", quality_layers=[32], irreversible=True, mct=1
    )
    assert len(stored.getvalue()) <= pixels.size / 32 * 1.05
    with Image.open(stored) as decoded:
        expected = from_bytes(np.asarray(decoded))
    np.testing.assert_array_equal(jpeg2000(IMAGE, ratio=32), expected)


@pytest.mark.parametrize(("function", "name"), [(avif, "AVIF"), (jpeg2000, "JPEG 2000")])
def test_a_codec_that_pillow_lacks_is_named(
    function: Callable[..., NDArray[np.float32]], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codecs.features, "check", lambda _: False)
    value = {"quality": 20} if function is avif else {"ratio": 32}
    with pytest.raises(UsageError, match=f"this Pillow cannot write {name}: install a wheel"):
        function(IMAGE, **value)


def _blockiness(image: np.ndarray, offset: int) -> float:
    """Return the mean step between columns that lie `offset` past a multiple of 8."""
    steps = abs(np.diff(image, axis=2)).mean(axis=(0, 1))
    return float(steps[(np.arange(len(steps)) + 1) % 8 == offset].mean())


def test_the_first_of_two_jpegs_leaves_its_grid_off_that_of_the_second() -> None:
    offsets = set()
    for seed in range(6):
        twice = double_jpeg(IMAGE, quality=5, rng=np.random.default_rng(seed))
        blocks = [_blockiness(twice, offset) for offset in range(8)]
        offsets.add(int(np.argmax(blocks)))
        assert _error(twice) > _error(jpeg(IMAGE, quality=75))
    assert 0 not in offsets and len(offsets) > 1


def test_a_noisy_jpeg_is_worse_than_a_jpeg_of_its_quality_and_than_its_noise_in_a_mild_one() -> (
    None
):
    noisy = noisy_jpeg(IMAGE, variance=0.01, rng=np.random.default_rng(0))
    assert _error(noisy) > 1.5 * _error(jpeg(IMAGE, quality=30))
    assert len(jpeg_bytes(noisy, quality=90)) > len(jpeg_bytes(IMAGE, quality=90))


def test_wrong_bytes_hurt_rows_of_blocks_from_where_they_are_and_no_other_row() -> None:
    intact = jpeg(IMAGE, quality=75)
    for seed in range(8):
        damaged = jpeg_errors(IMAGE, count=1, rng=np.random.default_rng(seed))
        rows = np.flatnonzero((damaged != intact).any(axis=(0, 2)))
        # One row of 16×16 pixels; the colour of half resolution reaches one pixel further.
        assert len(rows) == 0 or np.ptp(rows) < 16 + 2


def test_more_errors_are_the_same_errors_and_some_more() -> None:
    intact = jpeg(IMAGE, quality=75)
    few, many = (
        (jpeg_errors(IMAGE, count=n, rng=np.random.default_rng(1)) != intact).any(axis=(0, 2))
        for n in (10, 60)
    )
    assert many.sum() > few.sum() > 0


def test_without_errors_restart_markers_change_no_pixel() -> None:
    with Image.open(BytesIO(jpeg_bytes(IMAGE, quality=75, restart_marker_rows=1))) as marked:
        np.testing.assert_array_equal(from_bytes(np.asarray(marked)), jpeg(IMAGE, quality=75))
