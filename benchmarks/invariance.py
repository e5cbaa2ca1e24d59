"""Measure by how much a score changes when a photo does not get better or worse.

Turned, mirrored, in a thin black frame, reduced to 0.1 megapixels, in grey: people would say
almost the same of each, though in grey or small not quite.

Run:  python benchmarks/invariance.py PHOTOS -o FILE.json
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean

import numpy as np
from flaw_scoring import Photo, finish, loaded, options, paths, pixels, scores, to_megapixels

COUNT = 24
SMALL_MEGAPIXELS = 0.1
# The width of the frame, as a share of the shorter side.
FRAME = 0.01
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def framed(photo: Photo) -> Photo:
    """Return a photo inside a thin black frame."""
    width = max(1, round(FRAME * min(photo.shape[1:])))
    return np.pad(photo, ((0, 0), (width, width), (width, width)))


def grey(photo: Photo) -> Photo:
    """Return the luma of a photo as three channels."""
    return np.tensordot(_LUMA, photo, axes=1)[None].repeat(3, axis=0)


CHANGES: dict[str, Callable[[Photo], Photo]] = {
    "a quarter turn left": lambda photo: np.rot90(photo, 1, axes=(1, 2)),
    "a quarter turn right": lambda photo: np.rot90(photo, 3, axes=(1, 2)),
    "upside down": lambda photo: np.rot90(photo, 2, axes=(1, 2)),
    "mirrored": lambda photo: photo[:, :, ::-1],
    "thin black frame": framed,
    "0.1 megapixels": lambda photo: to_megapixels(photo, SMALL_MEGAPIXELS),
    "in grey": grey,
}


def main() -> None:
    """Measure, write and print."""
    parser = options(__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=COUNT, help="the first so many photos")
    given = parser.parse_args()
    model, result = loaded(given)
    found: dict[str, list[float]] = defaultdict(list)
    names = ("the photo", *CHANGES)

    def states() -> Iterator[Photo]:
        for path in paths(given.photos, given.count):
            photo = pixels(path)
            yield photo
            for change in CHANGES.values():
                yield np.ascontiguousarray(change(photo))

    for place, score in enumerate(scores(states(), model)):
        found[names[place % len(names)]].append(score)
    before = np.array(found.pop("the photo"))
    changes = {name: np.array(values) - before for name, values in found.items()}
    rows = {
        name: {
            "mean change": round(float(abs(change).mean()), 2),
            "largest change": round(float(abs(change).max()), 2),
            "mean difference": round(float(change.mean()), 2),
        }
        for name, change in changes.items()
    }
    result |= {
        "photos": len(before),
        "score of the photos": round(fmean(before.tolist()), 1),
        "rows": rows,
    }
    header = ["", "mean change", "largest change", "mean difference"]
    finish(result, given.output, [header, *([name, *row.values()] for name, row in rows.items())])


if __name__ == "__main__":
    main()
