"""BIQ2021: two CSV files, the official split, and the scenes that are on both sides of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePath

from biqa_cli.datasets.base import RatedImage
from biqa_cli.datasets.layout import Layout
from biqa_cli.datasets.tables import csv_rows, records

_SCENES = Path(__file__).with_name("biq2021_scenes.txt")
_FILES = {"train": "Train (Images and MOS).csv", "test": "Test (Images and MOS).csv"}


@dataclass(frozen=True, slots=True)
class Scenes:
    """What biq2021_scenes.txt says, photos by the stem of their name."""

    scene_of: dict[str, str]
    """Photo → the first photo of its scene, for scenes of several photos."""
    val: frozenset[str]
    """Official training photos that the clean split holds out for validation."""


@lru_cache(maxsize=1)
def load_scenes() -> Scenes:
    """Return the scenes that came with the package."""
    scene_of: dict[str, str] = {}
    val: set[str] = set()
    for line in _SCENES.read_text(encoding="utf-8").splitlines():
        kind, *tokens = line.split()
        if kind == "#":
            continue
        photos = ["ss0{} ({})".format(*token.split(":")) for token in tokens]
        if kind == "val":
            val.update(photos)
        else:
            scene_of |= dict.fromkeys(photos, photos[0])
    return Scenes(scene_of, frozenset(val))


def read(layout: Layout) -> Iterator[RatedImage | str]:
    """Yield the photos, first those of the official training part, and sentences for bad rows.

    The clean split is the official one less its leaks: training photos that show a scene of a
    test photo are `dropped`, and `val` takes whole scenes from the rest.

    Raises:
        UsageError: If a file is missing or has other columns.
    """
    sources = {part: layout.label_file(name) for part, name in _FILES.items()}
    scenes = load_scenes()
    rated: list[RatedImage] = []
    for part, source in sources.items():
        for row in records(csv_rows(source), ("Image Name", "MOS"), source=source):
            name, mos = row.text("Image Name"), row.number("MOS")
            stem, suffix = name[:-4].casefold(), name[-4:].casefold()
            if suffix != ".jpg":
                yield row.bad("Image Name", "a name that ends in .jpg")
            elif mos is None:
                yield row.bad("MOS", "a number")
            else:
                rated.append(
                    RatedImage(
                        path=f"Images/{name}",
                        mos=mos,
                        subset=stem.partition(" ")[0],
                        scene=scenes.scene_of.get(stem, stem),
                        official_part=part,
                    )
                )
    test_scenes = {image.scene for image in rated if image.official_part == "test"}
    for image in rated:
        if image.official_part == "test":
            clean_part = "test"
        elif image.scene in test_scenes:
            clean_part = "dropped"
        else:
            stem = PurePath(image.path).stem.casefold()
            clean_part = "val" if stem in scenes.val else "train"
        yield replace(image, clean_part=clean_part)
