"""Measure whether a model names the flaws that photos have, and none that they do not have.

Each of the twelve flaws is made in one or two ways at levels 3 and 4. The area under the ROC curve
of a flaw compares the strengths that the model tells of photos with this flaw and of all others:
those without a flaw, and those with other ones.

Run:  python benchmarks/why.py PHOTOS -m MODEL -o FILE.json
Needs: 24 photos without a flaw (Kodak's).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
from flaw_scoring import Photo, finish, loaded, options, paths, pixels
from flaws_by_people import centre
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import rankdata
from tqdm import tqdm

from biqa_cli.distortions.distort import distort
from biqa_cli.distortions.eight_bits import to_bytes
from biqa_cli.distortions.flaws import FLAW_OF, FLAWS
from biqa_cli.models.judging import predict_views
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.views import view_of
from biqa_cli.outcomes import NAMED

COUNT = 24
LEVELS = (3, 4)
KINDS = (
    *("gaussian-blur", "lens-blur", "camera-shake", "motion-blur", "white-noise-rgb", "high-iso"),
    *(
        "underexposure",
        "darken",
        "overexposure",
        "brighten",
        "low-contrast",
        "haze",
        "jpeg",
        "webp",
    ),
    *("upscaling", "pixelate", "oversharpening", "unsharp-masking", "garish", "saturate"),
    *("colour-cast", "jitter", "jpeg-errors"),
)


def states(photos: Sequence[Photo]) -> Iterator[tuple[str, Photo]]:
    """Yield each photo without a flaw, whose name is empty, and with each."""
    for number, photo in enumerate(photos):
        yield "", photo
        for kind in KINDS:
            for level in LEVELS:
                yield FLAW_OF[kind], distort(photo, kind=kind, level=level, seed=number)


def strengths(photo: Photo, model: LoadedModel) -> NDArray[np.float64]:
    """Return how strong a model finds each of `FLAWS` in a photo."""
    view = view_of(Image.fromarray(to_bytes(photo)), model.spec.input)
    found = predict_views(view[None], model).flaws
    if found is None:
        msg = f"{model.spec.name} names no flaws"
        raise SystemExit(msg)
    strongest: NDArray[np.float64] = found[0]
    return strongest


def auc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Return the share of pairs in which the positive one is larger; ties count a half."""
    ranks = rankdata(np.concatenate([positive, negative]))[: len(positive)]
    least = len(positive) * (len(positive) + 1) / 2
    return float((ranks.sum() - least) / (len(positive) * len(negative)))


def main() -> None:
    """Measure, write and print."""
    parser = options(__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=COUNT, help="the first so many photos")
    given = parser.parse_args()
    model, result = loaded(given)
    photos = [centre(pixels(path)) for path in paths(given.photos, given.count)]
    made = [
        (name, strengths(photo, model))
        for name, photo in tqdm(states(photos), unit="photo", mininterval=10)
    ]
    names = np.array([name for name, _ in made])
    found = np.array([values for _, values in made])
    rows = {}
    for number, flaw in enumerate(FLAWS):
        has, told = names == flaw, found[:, number]
        rows[flaw] = {
            "AUC": round(auc(told[has], told[~has]), 4),
            "named": round(float((told[has] >= NAMED).mean()), 3),
        }
    clean = found[names == ""]
    result |= {
        "photos": len(photos),
        "macro AUC": round(fmean(row["AUC"] for row in rows.values()), 4),
        "photos without a flaw that have one named": round(
            float((clean >= NAMED).any(axis=1).mean()), 3
        ),
        "rows": rows,
    }
    table = [[name, *row.values()] for name, row in rows.items()]
    finish(result, given.output, [["flaw", "AUC", "named"], *table])
    print(f"macro AUC {result['macro AUC']}")


if __name__ == "__main__":
    main()
