"""CLIVE, LIVE In the Wild: names, scores and spreads in three MATLAB files."""

from collections.abc import Iterator

from biqa_cli.datasets.base import RatedImage
from biqa_cli.datasets.layout import Layout
from biqa_cli.datasets.matlab import mat_vector, numbers

TRAINING_IMAGES = frozenset(f"t{number}.bmp" for number in range(1, 8))
"""What the observers were trained with, in Images/trainingImages: no part of the study."""


def read(layout: Layout) -> Iterator[RatedImage]:
    """Yield the images of the study.

    Raises:
        UsageError: If a file is missing or does not fit the others.
    """
    names = mat_vector(layout.label_file("Data/AllImages_release.mat"), "AllImages_release")
    files = {
        name: layout.label_file(f"Data/{name}.mat")
        for name in ("AllMOS_release", "AllStdDev_release")
    }
    mos, std = (numbers(path, name, like=len(names)) for name, path in files.items())
    for name, label, spread in zip(names, mos, std, strict=True):
        if str(name).casefold() not in TRAINING_IMAGES:
            yield RatedImage(path=f"Images/{name}", mos=float(label), std=float(spread))
