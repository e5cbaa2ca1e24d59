"""A shoot on the disk for the tests of `biqa cull`, and what its files are."""

import hashlib
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from fakes import photo
from image_files import dng, saved
from PIL import ExifTags, Image, ImageEnhance
from sidecars import DARKTABLE, LIGHTROOM

START = datetime(2024, 6, 1, 12)  # noqa: DTZ001  a camera's clock
_OF_NOTHING = hashlib.sha256().hexdigest()


def write_photo(path: Path, image: Image.Image, *, seconds: float | None = None) -> None:
    """Write a JPEG, with the time at which it was taken."""
    exif = Image.Exif()
    if seconds is not None:
        taken = START + timedelta(seconds=seconds)
        exif.get_ifd(ExifTags.IFD.Exif).update(
            {
                ExifTags.Base.DateTimeOriginal: taken.strftime("%Y:%m:%d %H:%M:%S"),
                ExifTags.Base.SubsecTimeOriginal: f"{taken.microsecond:06}",
            }
        )
    path.write_bytes(saved(image, "JPEG", exif=exif, quality=85))


def make_shoot(folder: Path, *, scenes: int = 3, frames: int = 3) -> None:
    """Write bursts: of each scene frames of falling brightness, half a second apart.

    The photo 0-1 has a raw file and sidecars of three programs, 1-0 has one of Lightroom's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for scene in range(scenes):
        image = photo(96, 64, seed=scene)
        for frame in range(frames):
            darker = ImageEnhance.Brightness(image).enhance(1 - 0.15 * frame)
            name = folder / f"{scene}-{frame}.JPG"
            write_photo(name, darker, seconds=20 * scene + frame / 2)
    (folder / "0-1.DNG").write_bytes(dng(np.full((64, 96), 20000, np.uint16)))
    (folder / "0-1.xmp").write_text(LIGHTROOM, encoding="utf-8")
    (folder / "0-1.DNG.xmp").write_text(DARKTABLE, encoding="utf-8")
    (folder / "0-1.DNG.pp3").write_text("[Version]\n")
    (folder / "1-0.xmp").write_text(LIGHTROOM, encoding="utf-8")
    (folder / "notes.txt").write_text("not a photo\n")


def tree(folder: Path) -> dict[str, str]:
    """Return what is below a folder: for each file the hash of its content, for folders nothing."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else ""
        for path in sorted(folder.rglob("*"))
    }


def contents(folder: Path) -> list[str]:
    """Return the hashes of all photos below a folder, each as often as it is there.

    An empty file is none: it reserves a name, for as long as a file is moved or copied there.
    """
    return sorted(
        digest
        for name, digest in tree(folder).items()
        if name.endswith((".JPG", ".DNG", ".pp3")) and digest != _OF_NOTHING
    )
