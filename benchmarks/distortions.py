"""Measure how long each distortion takes, and whether its levels are in order.

Run:  OMP_NUM_THREADS=1 python benchmarks/distortions.py
      OMP_NUM_THREADS=1 python benchmarks/distortions.py --order FOLDER_OF_PHOTOS
"""

import argparse
import time
from itertools import permutations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.distortions.catalog import DISTORTIONS, LEVELS, Distortion
from biqa_cli.distortions.distort import distort
from biqa_cli.distortions.eight_bits import from_bytes
from biqa_cli.images.discovery import find_images
from biqa_cli.images.reading import read_photo

EXAMPLES = Path(__file__).parent.parent / "examples" / "photos"
SIDES = (224, 512)
REPEATS = 9


def photo(side: int) -> NDArray[np.float32]:
    """Return a square photo."""
    with Image.open(EXAMPLES / "raccoon.jpg") as image:
        return from_bytes(np.asarray(image.resize((side, side))))


def milliseconds(image: NDArray[np.float32], kind: str) -> float:
    """Return the CPU time of one call, the least of some: other work on a machine only adds."""
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        distort(image, kind=kind, level=LEVELS[-1], seed=0)
        seconds.append(time.process_time() - start)
    return 1000 * min(seconds)


def speed() -> None:
    """Print the milliseconds at the strongest level as a table in Markdown."""
    photos = [photo(side) for side in SIDES]
    print("| kind |", " | ".join(f"{side}×{side}" for side in SIDES), "|")
    print("| --- |", " | ".join("---:" for _ in SIDES), "|")
    means = np.zeros(len(SIDES))
    for distortion in DISTORTIONS:
        times = [milliseconds(image, distortion.name) for image in photos]
        means += np.array(times) / len(DISTORTIONS)
        print(f"| {distortion.name} |", " | ".join(f"{ms:.1f}" for ms in times), "|")
    print("| mean of all |", " | ".join(f"{ms:.1f}" for ms in means), "|")


def strengths(distortion: Distortion) -> list[float]:
    """Return how far each level is from the value that changes nothing, or else the levels."""
    if distortion.identity is None:
        return [float(level) for level in LEVELS]
    return [round(abs(value - distortion.identity), 6) for value in distortion.levels]


def squared_errors(image: NDArray[np.float32], kind: str) -> list[float]:
    """Return the mean squared error of each level."""
    return [
        float(np.mean((distort(image, kind=kind, level=level, seed=0) - image) ** 2))
        for level in LEVELS
    ]


def order(folder: Path) -> None:
    """Print in how many photos a stronger level always has the larger error."""
    counts = dict.fromkeys((d.name for d in DISTORTIONS), 0)
    paths = list(find_images([str(folder)]))
    for path in paths:
        image = from_bytes(np.asarray(read_photo(path).image))
        for distortion in DISTORTIONS:
            pairs = zip(strengths(distortion), squared_errors(image, distortion.name), strict=True)
            counts[distortion.name] += all(
                error < worse
                for (mild, error), (strong, worse) in permutations(pairs, 2)
                if mild < strong
            )
    for name, count in counts.items():
        print(f"{name:22}{count} of {len(paths)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--order", type=Path, metavar="FOLDER")
    folder = parser.parse_args().order
    if folder is None:
        speed()
    else:
        order(folder)
