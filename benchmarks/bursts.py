"""Measure whether the sharp frame of a burst has the highest score, at 8 megapixels and more.

A burst is made of one photo: frames are cut from it up to 8 pixels apart, as a hand moves. Some
stay sharp, some get a little soft (Gaussian, σ = 1.5 pixels) and some move by 5 pixels. A pair of
a sharp and a worse frame of one photo is in order if the sharp one has the higher score.

Run:  python benchmarks/bursts.py PHOTOS -o FILE.json
Needs: a folder with camera photos. Smaller photos are left out, and so are files that cannot be
       read and photos without detail at single pixels, which have nothing to lose.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean

import numpy as np
from flaw_scoring import Photo, finish, loaded, options, scores

from biqa_cli.distortions.blur import camera_shake, gaussian_blur
from biqa_cli.distortions.eight_bits import from_bytes
from biqa_cli.errors import ImageError
from biqa_cli.images.discovery import find_images
from biqa_cli.images.reading import read_photo

MEGAPIXELS = 8.0
REACH = 8
# Frames of each kind; every sharp one is compared with every worse one.
FRAMES = 2
WORSE: dict[str, Callable[[Photo, np.random.Generator], Photo]] = {
    "blur of 1.5 pixels": lambda photo, _: gaussian_blur(photo, sigma=1.5),
    "motion of 5 pixels": lambda photo, rng: camera_shake(photo, length=5, rng=rng),
}
# The deviation of what a blur of 1.5 pixels takes away, in the sharpest tenth of 64×64 tiles,
# that a frame needs to count as sharp; white is 1.
SHARP = 0.01
TILE = 64


def large_photos(folder: Path) -> Iterator[Photo]:
    """Yield the sharp photos of a folder that are large enough, and never two of one content."""
    seen: set[bytes] = set()
    for path in find_images([str(folder)], exclude=("*fuzz*",)):
        try:
            image = read_photo(path).image
        except ImageError:
            continue
        if image.width * image.height < 1e6 * MEGAPIXELS:
            continue
        photo = from_bytes(np.asarray(image))
        digest = photo[:, ::97, ::97].tobytes()
        if digest not in seen and is_sharp(photo):
            seen.add(digest)
            yield photo


def is_sharp(photo: Photo) -> bool:
    """Return whether the sharpest tenth of a photo has detail that a small blur takes away."""
    luma = photo.mean(axis=0, keepdims=True)
    detail = (luma - gaussian_blur(luma, sigma=1.5))[0]
    height, width = (side // TILE * TILE for side in detail.shape)
    tiles = detail[:height, :width].reshape(height // TILE, TILE, width // TILE, TILE)
    return float(np.percentile(tiles.std(axis=(1, 3)), 90)) > SHARP


def frames(photo: Photo, seed: int) -> Iterator[tuple[str, Photo]]:
    """Yield the frames of a burst: sharp ones, and worse ones of each kind."""
    rng = np.random.default_rng(seed)
    height, width = (side - REACH for side in photo.shape[1:])
    for kind in ("sharp", *WORSE):
        worse = photo if kind == "sharp" else WORSE[kind](photo, rng)
        for _ in range(FRAMES):
            top, left = rng.integers(0, REACH, 2, endpoint=True).tolist()
            yield kind, np.ascontiguousarray(worse[:, top : top + height, left : left + width])


def main() -> None:
    """Measure, write and print."""
    parser = options(__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=30, help="the first so many photos")
    given = parser.parse_args()
    model, result = loaded(given)
    keys: list[tuple[int, str]] = []

    def all_frames() -> Iterator[Photo]:
        for number, photo in zip(range(given.count), large_photos(given.photos), strict=False):
            for kind, frame in frames(photo, number):
                keys.append((number, kind))
                yield frame

    found: dict[tuple[int, str], list[float]] = defaultdict(list)
    for place, score in enumerate(scores(all_frames(), model)):
        found[keys[place]].append(score)
    count = len({number for number, _ in keys})
    rows = {}
    for kind in WORSE:
        falls = [
            sharp - worse
            for number in range(count)
            for sharp in found[number, "sharp"]
            for worse in found[number, kind]
        ]
        rows[kind] = {
            "in order": round(fmean(fall > 0 for fall in falls), 3),
            "mean fall": round(fmean(falls), 2),
        }
    moved = fmean(abs(a - b) for a, b in (found[n, "sharp"] for n in range(count)))
    result |= {"photos": count, "rows": rows, "mean change by the shift alone": round(moved, 2)}
    table = [[kind, *row.values()] for kind, row in rows.items()]
    finish(result, given.output, [["", "in order", "mean fall"], *table])
    print(f"{count} photos; the shift alone changes a score by {moved:.2f}")


if __name__ == "__main__":
    main()
