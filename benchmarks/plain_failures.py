"""Measure whether plainly spoilt photos score below good ones, other photos included.

Each photo fails in twelve ways that nobody would call a matter of taste. A row is the share of
all pairs of a good and a spoilt photo, of the same picture or of two, in which the good one has
the higher score: 1 is perfect, 0.5 is chance.

Run:  python benchmarks/plain_failures.py --large CLIC2025 --small KODAK -o FILE.json
Needs: 24 photos of a few megapixels, as those of clic2025, which are measured at full size, and
       24 that are reduced to 0.15 megapixels, as Kodak's.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from flaw_scoring import Photo, finish, loaded, options, paths, pixels, scores, to_megapixels

from biqa_cli.distortions.blur import camera_shake, gaussian_blur
from biqa_cli.distortions.colour import garish
from biqa_cli.distortions.compression import few_colours, jpeg, upscaling
from biqa_cli.distortions.light import colour_cast, overexposure, underexposure
from biqa_cli.distortions.noise import white_noise_rgb
from biqa_cli.distortions.processing import oversharpening
from biqa_cli.distortions.tone import low_contrast
from biqa_cli.models.loading import LoadedModel

COUNT = 24
KEYS = ("in order", "mean score")
SMALL_MEGAPIXELS = 0.15

Failure = Callable[[Photo, np.random.Generator], Photo]

FAILURES: dict[str, Failure] = {
    "dark": lambda photo, _: underexposure(photo, stops=6),
    "blown out": lambda photo, _: overexposure(photo, stops=3),
    "flat": lambda photo, _: low_contrast(photo, factor=0.2),
    "JPEG 5": lambda photo, _: jpeg(photo, quality=5),
    "motion": lambda photo, rng: camera_shake(photo, length=_share(photo, 0.02), rng=rng),
    "enlarged": lambda photo, rng: upscaling(photo, factor=8, rng=rng),
    "garish": lambda photo, _: garish(photo, factor=4),
    "colour cast": lambda photo, rng: colour_cast(photo, stops=2.5, rng=rng),
    "oversharpened": lambda photo, _: oversharpening(photo, amount=8),
    "six colours": lambda photo, _: few_colours(photo, count=6),
    "noisy": lambda photo, rng: white_noise_rgb(photo, variance=0.04, rng=rng),
    "blurred": lambda photo, _: gaussian_blur(photo, sigma=_share(photo, 0.006)),
}


def _share(photo: Photo, share: float) -> float:
    """Return so many pixels as a share of the longer side is."""
    return share * max(photo.shape[1:])


def in_order(good: Sequence[float], spoilt: Sequence[float]) -> float:
    """Return the share of all pairs in which the good one scores higher; ties count a half."""
    above = np.subtract.outer(np.array(good), np.array(spoilt))
    return float(((above > 0) + 0.5 * (above == 0)).mean())


def states(photo: Photo, seed: int) -> Iterator[tuple[str, Photo]]:
    """Yield a photo and its twelve failures."""
    yield "good", photo
    for name, failure in FAILURES.items():
        yield name, failure(photo, np.random.default_rng(seed))


def measured(photos: Iterator[Photo], model: LoadedModel) -> dict[str, Any]:
    """Return the shares in order and the mean scores, by failure and of all."""
    names: list[str] = []

    def spoilt() -> Iterator[Photo]:
        for number, photo in enumerate(photos):
            for name, state in states(photo, number):
                names.append(name)
                yield state

    found: dict[str, list[float]] = defaultdict(list)
    for place, score in enumerate(scores(spoilt(), model)):
        found[names[place]].append(score)
    good = found.pop("good")
    rows = {
        name: {
            "in order": round(in_order(good, values), 3),
            "mean score": round(fmean(values), 1),
        }
        for name, values in found.items()
    }
    return {"photos": len(good), "score of the photos": round(fmean(good), 1), "rows": rows}


def summary(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the mean and the worst of all rows of all parts."""
    rows = [(row["in order"], name) for part in parts for name, row in part["rows"].items()]
    spoilt = [row["mean score"] for part in parts for row in part["rows"].values()]
    worst, name = min(rows)
    return {
        "mean in order": round(fmean(share for share, _ in rows), 3),
        "worst in order": worst,
        "worst row": name,
        "mean score of spoilt photos": round(fmean(spoilt), 1),
    }


def main() -> None:
    """Measure, write and print."""
    parser = options(__doc__)
    parser.add_argument("--large", type=Path, required=True)
    parser.add_argument("--small", type=Path, required=True)
    parser.add_argument("--count", type=int, default=COUNT, help="the first so many of each")
    given = parser.parse_args()
    model, result = loaded(given)
    large = (pixels(path) for path in paths(given.large, given.count))
    small = (
        to_megapixels(pixels(path), SMALL_MEGAPIXELS) for path in paths(given.small, given.count)
    )
    result["large"], result["small"] = measured(large, model), measured(small, model)
    result["all"] = summary([result["large"], result["small"]])
    rows: list[list[object]] = [
        [name, *(result[part]["rows"][name][key] for part in ("large", "small") for key in KEYS)]
        for name in FAILURES
    ]
    header = ["", *(f"{part}: {key}" for part in ("large", "small") for key in KEYS)]
    finish(result, given.output, [header, *rows])
    print(", ".join(f"{key} {value}" for key, value in result["all"].items()))


if __name__ == "__main__":
    main()
