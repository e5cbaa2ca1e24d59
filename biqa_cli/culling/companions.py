"""Which files are one photo: a raw file, its JPEG, and the sidecars of programs. Names only."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from biqa_cli.images.suffixes import CAMERA_RAW, SUFFIXES

SIDECARS = frozenset(
    {
        ".xmp",  # Adobe and most others
        ".pp3",  # RawTherapee
        ".arp",  # ART
        ".dop",  # DxO PhotoLab
        ".on1",
        ".nksc",  # NX Studio
        ".aae",  # Apple Photos
        ".thm",  # thumbnails that cameras write
        ".wav",  # voice notes that cameras record
    }
)
# darktable's further versions of IMG_1.CR2: IMG_1_01.CR2.xmp.
_VERSION = re.compile(r"_[0-9]{2}$")


def photos_of(paths: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the photos that files make: of one folder, with one name but for the suffix.

    Returns:
        For each photo its files: first the one to score, a developed one if there is one, since
        that is what its photographer has seen; in the order of the first files.
    """
    together: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for path in paths:
        folder, name = os.path.split(path)
        together[folder, stem_of(name)].append(path)
    return [tuple(sorted(files, key=_is_raw)) for files in together.values()]


def stem_of(name: str) -> str:
    """Return what the files of a photo have in common; of an unknown suffix the whole name."""
    return Path(name).stem if Path(name).suffix.lower() in SUFFIXES else name


def _is_raw(path: str) -> bool:
    return Path(path).suffix.lower() in CAMERA_RAW


def files_by_stem(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the files of each photo in a folder, its sidecars included, by the photo's stem.

    Args:
        names: Of all files in the folder.

    Example:
        >>> files_by_stem(["a.CR2", "a.CR2.xmp", "a_01.CR2.xmp", "a.jpg", "a.xmp", "b.xmp", "c"])
        {'a': ['a.CR2', 'a.jpg', 'a.CR2.xmp', 'a.xmp', 'a_01.CR2.xmp']}
    """
    ordered = sorted(names)
    found: dict[str, list[str]] = {}
    for name in ordered:
        if Path(name).suffix.lower() in SUFFIXES:
            found.setdefault(Path(name).stem, []).append(name)
    for name in ordered:
        if Path(name).suffix.lower() in SIDECARS:
            owner = next((stem for stem in _owners(name) if stem in found), None)
            if owner is not None:
                found[owner].append(name)
    return found


def _owners(sidecar: str) -> Iterator[str]:
    """Yield the stems of the photos that a sidecar may be of, the likeliest first."""
    inner = Path(Path(sidecar).stem)
    if inner.suffix.lower() in SUFFIXES:
        yield inner.stem
        yield _VERSION.sub("", inner.stem)
    yield inner.name


def renamed(name: str, stem: str, new_stem: str) -> str:
    """Return the name of a photo's file where the photo has a new stem.

    Example:
        >>> renamed("IMG_1_01.CR2.xmp", "IMG_1", "IMG_1-2")
        'IMG_1-2_01.CR2.xmp'
    """
    return new_stem + name.removeprefix(stem)
