"""Make examples/photos: photos in the public domain or under CC0, and degraded versions.

Run:  python tools/make_example_photos.py examples/photos
Needs: pip install scikit-image pooch   (scipy downloads one of the photos)
"""

import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import scipy.datasets
import skimage.data
from PIL import Image, ImageFilter

_QUALITY = 92

SOURCES = {
    "cat": (skimage.data.chelsea, "Stefan van der Walt, CC0 (scikit-image `chelsea`)"),
    "coffee": (skimage.data.coffee, "Rachel Michetti, CC0 (scikit-image `coffee`)"),
    "rocket": (skimage.data.rocket, "SpaceX, public domain (scikit-image `rocket`)"),
    "clock": (skimage.data.clock, "Stefan van der Walt, public domain (scikit-image `clock`)"),
    "grass": (skimage.data.grass, "CC0 Textures, CC0 (scikit-image `grass`)"),
    "raccoon": (scipy.datasets.face, "Judy Weggelaar, CC0 (SciPy `datasets.face`)"),
}


def blurred(photo: Image.Image) -> Image.Image:
    """Out of focus."""
    return photo.filter(ImageFilter.GaussianBlur(5))


def noisy(photo: Image.Image) -> Image.Image:
    """High ISO."""
    noise = np.random.default_rng(0).normal(0, 40, (photo.height, photo.width, 3))
    return Image.fromarray((np.asarray(photo) + noise).clip(0, 255).astype(np.uint8))


def overcompressed(photo: Image.Image) -> Image.Image:
    """Saved as JPEG at quality 5."""
    buffer = BytesIO()
    photo.save(buffer, "JPEG", quality=5)
    return Image.open(buffer)


def underexposed(photo: Image.Image) -> Image.Image:
    """Three stops too dark."""
    return photo.point(lambda value: round(255 * (value / 255) ** 1.4 * 0.25))


DEGRADED = {
    "coffee-blurred": ("coffee", blurred),
    "cat-noisy": ("cat", noisy),
    "raccoon-overcompressed": ("raccoon", overcompressed),
    "rocket-underexposed": ("rocket", underexposed),
}


def main(folder: Path) -> None:
    """Write the photos and the text file that tells where they come from."""
    folder.mkdir(parents=True, exist_ok=True)
    photos = {name: Image.fromarray(load()).convert("RGB") for name, (load, _) in SOURCES.items()}
    for name, photo in photos.items():
        photo.save(folder / f"{name}.jpg", quality=_QUALITY)
    for name, (source, degrade) in DEGRADED.items():
        degrade(photos[source]).save(folder / f"{name}.jpg", quality=_QUALITY)
    lines = ["Photos in the public domain or under CC0. Made by tools/make_example_photos.py.", ""]
    lines += [f"{name}.jpg: {origin}" for name, (_, origin) in SOURCES.items()]
    lines += [
        f"{name}.jpg: {source}.jpg, degraded ({degrade.__doc__})"
        for name, (source, degrade) in DEGRADED.items()
    ]
    (folder / "ORIGIN.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
