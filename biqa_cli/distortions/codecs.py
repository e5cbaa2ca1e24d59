"""What codecs do to a photo: at low rates, one after another, or with wrong bytes in the file."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from biqa_cli.distortions.compression import jpeg, jpeg_bytes
from biqa_cli.distortions.eight_bits import from_bytes, rounded, to_bytes
from biqa_cli.distortions.noise import white_noise_rgb
from biqa_cli.errors import UsageError

_JPEG_GRID = 8
_SECOND_QUALITY = 75
_NOISY_QUALITY = 30
_DAMAGED_QUALITY = 75
# Errors are counted for images of this size, as the patches of other kinds.
_COUNTED_PIXELS = 512 * 384
_SCAN = b"\xff\xda"
_MARKER = 0xFF
# 10 is the fastest; with one thread the file is the same on every machine.
_AVIF_SPEED, _AVIF_THREADS = 9, 1


def webp(image: NDArray[np.float32], *, quality: int) -> NDArray[np.float32]:
    """Return the image after a round trip through lossy WebP."""
    return _round_trip(image, "WEBP", quality=quality, method=2)


def avif(image: NDArray[np.float32], *, quality: int) -> NDArray[np.float32]:
    """Return the image after a round trip through AVIF with halved colour (4:2:0).

    Raises:
        UsageError: If this Pillow was built without AVIF.
    """
    _check_codec("avif", "AVIF")
    return _round_trip(
        image,
        "AVIF",
        quality=quality,
        subsampling="4:2:0",
        speed=_AVIF_SPEED,
        max_threads=_AVIF_THREADS,
    )


def jpeg2000(image: NDArray[np.float32], *, ratio: float) -> NDArray[np.float32]:
    """Return the image after a round trip through JPEG 2000, `ratio` times smaller than raw.

    Raises:
        UsageError: If this Pillow was built without JPEG 2000.
    """
    _check_codec("jpg_2000", "JPEG 2000")
    return _round_trip(
        image,
        "JPEG2000",
        quality_mode="rates",
        quality_layers=[ratio],
        irreversible=True,
        mct=1,
    )


def double_jpeg(
    image: NDArray[np.float32], *, quality: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the image as a JPEG of `quality`, cropped and saved again with quality 75.

    The crop is drawn: the blocks of both files lie 1 to 7 pixels apart in both directions.
    """
    down, right = rng.integers(1, _JPEG_GRID, 2).tolist()
    larger = np.pad(image, ((0, 0), (down, 0), (right, 0)), mode="edge")
    once = jpeg(larger, quality=quality)[:, down:, right:]
    return jpeg(once, quality=_SECOND_QUALITY)


def noisy_jpeg(
    image: NDArray[np.float32], *, variance: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the image with white noise, saved as JPEG of quality 30."""
    noisy = rounded(np.clip(white_noise_rgb(image, variance=variance, rng=rng), 0, 1))
    return jpeg(noisy, quality=_NOISY_QUALITY)


def jpeg_errors(
    image: NDArray[np.float32], *, count: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the image decoded from a JPEG of quality 75 in which some bytes are wrong.

    Each row of blocks starts with a restart marker, so an error ends with its row.

    Args:
        image: An image (3, H, W) in [0, 1].
        count: Wrong bytes for each 512×384 pixels of the image; at least one.
        rng: Draws where they are and what they are.
    """
    encoded = jpeg_bytes(image, quality=_DAMAGED_QUALITY, restart_marker_rows=1)
    data = np.frombuffer(encoded, np.uint8).copy()
    start = encoded.index(_SCAN) + len(_SCAN)
    start += int.from_bytes(encoded[start : start + 2], "big")
    scan = data[start:]
    # Markers and the zeros that escape 0xFF stay, so the file keeps its structure.
    markers = scan == _MARKER
    markers[1:] |= markers[:-1]
    free = np.flatnonzero(~markers)
    errors = max(1, round(count * image.shape[1] * image.shape[2] / _COUNTED_PIXELS))
    for _ in range(errors if len(free) else 0):
        scan[free[int(rng.random() * len(free))]] = rng.integers(0, _MARKER)
    with Image.open(BytesIO(data.tobytes())) as decoded:
        return from_bytes(np.asarray(decoded))


def _round_trip(image: NDArray[np.float32], codec: str, **options: object) -> NDArray[np.float32]:
    buffer = BytesIO()
    Image.fromarray(to_bytes(image)).save(buffer, codec, **options)
    with Image.open(buffer) as decoded:
        return from_bytes(np.asarray(decoded.convert("RGB")))


def _check_codec(feature: str, name: str) -> None:
    if not features.check(feature):
        msg = f"this Pillow cannot write {name}: install a wheel of Pillow from PyPI"
        raise UsageError(msg)
