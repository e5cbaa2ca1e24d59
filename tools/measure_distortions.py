"""Measure what each distortion does to a small picture: the golden file of its test.

Run:  python tools/measure_distortions.py tests/distortions/golden.csv

Write it anew only if pixels change on purpose; CHANGELOG.md then says why.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.distortions.catalog import DISTORTIONS, LEVELS
from biqa_cli.distortions.distort import distort
from biqa_cli.distortions.eight_bits import from_bytes

COLUMNS = (
    *("kind", "level", "value", "mean_red", "mean_green", "mean_blue"),
    *("rms_red", "rms_green", "rms_blue"),
)
SEED = 3


def picture() -> NDArray[np.float32]:
    """Return 64×96 pixels of smooth, strong colours with some texture."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((96, 64), Image.Resampling.BICUBIC), np.float64)
    noisy = smooth + rng.normal(0, 8, smooth.shape)
    return from_bytes(noisy.round().clip(0, 255).astype(np.uint8))


def measured() -> Iterator[dict[str, str | float]]:
    """Yield a row for each kind and level, in bytes: means, and the root mean square of changes."""
    image = picture()
    for kind in DISTORTIONS:
        for level in LEVELS:
            degraded = 255 * distort(image, kind=kind.name, level=level, seed=SEED)
            means = degraded.mean(axis=(1, 2), dtype=np.float64)
            changes = np.sqrt(((degraded - 255.0 * image) ** 2).mean(axis=(1, 2), dtype=np.float64))
            numbers = (float(number) for number in (*means, *changes))
            value = float(kind.levels[level - 1])
            yield dict(zip(COLUMNS, (kind.name, float(level), value, *numbers), strict=True))


if __name__ == "__main__":
    with Path(sys.argv[1]).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in measured():
            name, *numbers = row.values()
            writer.writerow(
                (
                    name,
                    *(f"{number:g}" for number in numbers[:2]),
                    *(f"{number:.3f}" for number in numbers[2:]),
                )
            )
