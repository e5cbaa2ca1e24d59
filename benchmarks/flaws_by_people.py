"""Measure whether a model finds flaws as bad as people do, flaw by flaw.

KADID-10k has what people say of its kinds of flaw at five levels, as means over 81 photos. The
same flaws are given to other photos: the mean score of a kind at a level should go with the mean
opinion of it. For TID2013 the strength is searched, photo by photo, that has the PSNR of its
levels.

Run:  python benchmarks/flaws_by_people.py KODAK --kadid MEANS.csv --tid2013 MOS.txt -o FILE.json
Needs: 24 photos without a flaw (Kodak's); a table `type,name,level,n,mean,sd` of KADID-10k; and,
       if wanted, TID2013's mos_with_names.txt, or any text with a name and a score a line.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from flaw_scoring import Photo, finish, loaded, options, paths, pixels, scores

from biqa_cli.datasets.tid2013 import DISTORTIONS as TID_KINDS
from biqa_cli.distortions.catalog import SHDIQA_DISTORTIONS, find_distortion
from biqa_cli.distortions.distort import distort
from biqa_cli.distortions.kadid import KADID_CELLS, Cell
from biqa_cli.metrics.correlation import plcc, srcc
from biqa_cli.models.loading import LoadedModel

COUNT = 24
WIDTH, HEIGHT = 512, 384
# Decibels of PSNR of the levels of TID2013.
PSNR = (33.0, 30.0, 27.0, 24.0, 21.0)
# A kind that cannot be brought this close to the PSNR of a level has no cell there.
TOLERANCE = 0.75
STEPS = 14

PAPERS = {d.name for d in SHDIQA_DISTORTIONS}


@dataclass(frozen=True, slots=True)
class Search:
    """One of our kinds as one of TID2013's, and where its strength is searched."""

    number: int
    """In TID2013."""
    kind: str
    mildest: float
    strongest: float
    whole: bool = False
    """Whether only whole numbers are values."""


# Without kinds that are other operations here, or whose levels go up and down in turn.
SEARCHES = (
    Search(1, "white-noise-rgb", 1e-4, 0.1),
    Search(2, "white-noise-ycbcr", 1e-5, 0.05),
    Search(3, "coarse-noise", 0.003, 0.4),
    Search(5, "fine-noise", 0.003, 0.4),
    Search(6, "impulse-noise", 1e-4, 0.3),
    Search(7, "banding", 64, 2),
    Search(8, "gaussian-blur", 0.3, 12),
    Search(9, "denoised", 1e-6, 0.3),
    Search(10, "jpeg", 95, 1, whole=True),
    Search(11, "jpeg2000", 2, 1000),
    Search(14, "non-eccentricity", 2, 3000),
    Search(16, "mean-shift", 0.005, 0.3),
    Search(19, "multiplicative-noise", 1e-4, 1),
    Search(22, "dithered-colours", 256, 2, whole=True),
    Search(23, "chromatic-aberration", 1e-4, 0.2),
)


def centre(photo: Photo) -> Photo:
    """Return the 512×384 pixels in the middle of a photo, upright or not as it is."""
    height, width = photo.shape[1:]
    rows, columns = (HEIGHT, WIDTH) if width >= height else (WIDTH, HEIGHT)
    top, left = (height - rows) // 2, (width - columns) // 2
    return np.ascontiguousarray(photo[:, top : top + rows, left : left + columns])


def means(
    keys: Sequence[Cell],
    degraded: Iterator[tuple[Cell, Photo]],
    model: LoadedModel,
    *,
    least: float,
) -> dict[Cell, float]:
    """Return the mean score of each cell, if at least so many photos are in it."""
    taken: list[Cell] = []

    def photos() -> Iterator[Photo]:
        for cell, photo in degraded:
            taken.append(cell)
            yield photo

    found = defaultdict(list)
    for place, score in enumerate(scores(photos(), model)):
        found[taken[place]].append(score)
    return {key: round(fmean(found[key]), 2) for key in keys if len(found[key]) >= least}


def kadid_cells(photos: Sequence[Photo]) -> Iterator[tuple[Cell, Photo]]:
    """Yield every photo in every cell."""
    for number, photo in enumerate(photos):
        for kind, level in KADID_CELLS:
            yield (kind, level), distort(photo, kind=kind, level=level, seed=number)


def tid_cells(photos: Sequence[Photo]) -> Iterator[tuple[Cell, Photo]]:
    """Yield every photo in every kind at the PSNR of each level, where it can be brought there."""
    for number, photo in enumerate(photos):
        for search in SEARCHES:
            for level, target in enumerate(PSNR, start=1):
                found = at_psnr(photo, search, target=target, seed=number)
                if found is not None:
                    yield (search.kind, level), found


def at_psnr(photo: Photo, search: Search, *, target: float, seed: int) -> Photo | None:
    """Return a photo degraded to a PSNR, or None if the kind cannot come close to it."""
    kind = find_distortion(search.kind)

    def degraded(value: float) -> Photo:
        # Half of the photos are shifted down.
        signed = -value if kind.name == "mean-shift" and seed % 2 else value
        worse = kind.apply(photo, signed, np.random.default_rng(seed))
        return np.rint(np.clip(worse, 0, 1) * 255) / np.float32(255)

    best = bisected(degraded, photo, search, target=target)
    return best if abs(psnr(best, photo) - target) < TOLERANCE else None


def bisected(
    degraded: Callable[[float], Photo], photo: Photo, search: Search, *, target: float
) -> Photo:
    """Return the closest that is found by halving the logarithm of the range of values."""
    mild, strong = np.log(search.mildest), np.log(search.strongest)
    best, distance = photo, np.inf
    for _ in range(STEPS):
        value = float(np.exp((mild + strong) / 2))
        candidate = degraded(round(value) if search.whole else value)
        reached = psnr(candidate, photo)
        if abs(reached - target) < distance:
            best, distance = candidate, abs(reached - target)
        if distance < TOLERANCE / 10:
            break
        mild, strong = (
            ((mild + strong) / 2, strong) if reached > target else (mild, (mild + strong) / 2)
        )
    return best


def psnr(photo: Photo, reference: Photo) -> float:
    """Return the peak signal-to-noise ratio in decibels."""
    error = np.mean((photo - reference) ** 2, dtype=np.float64)
    return float("inf") if error == 0 else float(-10 * np.log10(error))


def kadid_opinions(path: Path) -> dict[tuple[int, int], float]:
    """Return the mean opinion of each kind and level, 1 to 5, higher is better."""
    with path.open(newline="", encoding="utf-8") as stream:
        return {
            (int(row["type"]), int(row["level"])): float(row["mean"])
            for row in csv.DictReader(stream)
        }


def tid_opinions(path: Path) -> dict[tuple[int, int], float]:
    """Return the mean opinion of each kind and level over the photos, 0 to 9."""
    found: dict[tuple[int, int], list[float]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        name = re.search(r"i\d\d_(\d\d)_(\d)\.bmp", line, re.IGNORECASE)
        score = re.search(r"(?:^|[\s,])(\d+\.\d+)(?:$|[\s,])", line)
        if name and score:
            found[int(name[1]), int(name[2])].append(float(score[1]))
    if not found:
        msg = f"{path} has no line with a name such as i01_08_5.bmp and a score"
        raise SystemExit(msg)
    return {key: fmean(values) for key, values in found.items()}


def agreement(
    found: dict[Cell, float], opinions: dict[Cell, float]
) -> dict[str, float | int | dict[str, dict[str, float]]]:
    """Return the correlations over the cells, and the cells."""
    shared = [cell for cell in found if cell in opinions]
    said, scored = [opinions[cell] for cell in shared], [found[cell] for cell in shared]
    return {
        "cells": len(shared),
        "srcc": round(float(srcc(said, scored)), 4),
        "plcc": round(float(plcc(said, scored)), 4),
        "means": {
            f"{kind} {level}": {
                "people": round(opinions[kind, level], 3),
                "score": found[kind, level],
            }
            for kind, level in shared
        },
    }


def main() -> None:
    """Measure, write and print."""
    parser = options(__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--kadid", type=Path, required=True)
    parser.add_argument("--tid2013", type=Path)
    parser.add_argument("--count", type=int, default=COUNT, help="the first so many photos")
    given = parser.parse_args()
    model, result = loaded(given)
    photos = [centre(pixels(path)) for path in paths(given.photos, given.count)]
    half = len(photos) / 2
    said = kadid_opinions(given.kadid)
    of_kadid = {cell: said[there] for cell, there in KADID_CELLS.items()}
    found = means(list(KADID_CELLS), kadid_cells(photos), model, least=half)
    result["photos"] = len(photos)
    result["score of the photos"] = round(fmean(scores(photos, model)), 2)
    papers = {cell: score for cell, score in found.items() if cell[0] in PAPERS}
    result["kadid"] = agreement(papers, of_kadid)
    result["kadid with more kinds"] = agreement(found, of_kadid)
    if given.tid2013:
        told = tid_opinions(given.tid2013)
        cells = [(search, level) for search in SEARCHES for level in range(1, len(PSNR) + 1)]
        of_tid = {(search.kind, level): told[search.number, level] for search, level in cells}
        made = means(list(of_tid), tid_cells(photos), model, least=half)
        result["tid2013"] = {
            "kinds": {search.kind: TID_KINDS[search.number - 1] for search in SEARCHES},
            **agreement(made, of_tid),
        }
    parts = [name for name in ("kadid", "kadid with more kinds", "tid2013") if name in result]
    rows = [[name, *(result[name][key] for key in ("cells", "srcc", "plcc"))] for name in parts]
    finish(result, given.output, [["flaws of", "cells", "SRCC", "PLCC"], *rows])


if __name__ == "__main__":
    main()
