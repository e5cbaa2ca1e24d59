"""LIVE: labels in two MATLAB files, in the order of the numbered files of five folders."""

from collections.abc import Iterator
from pathlib import PurePath

from biqa_cli.datasets.base import RatedImage
from biqa_cli.datasets.layout import Layout
from biqa_cli.datasets.matlab import mat_vector, numbers
from biqa_cli.errors import UsageError

FOLDERS = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}
"""Files in each folder, img1.bmp to the last, 203 undistorted ones among them."""


def image_names() -> list[str]:
    """Return the names of all 982 files in the order of the labels.

    Example:
        >>> image_names()[226:228]
        ['jp2k/img227.bmp', 'jpeg/img1.bmp']
    """
    return [
        f"{folder}/img{number}.bmp"
        for folder, count in FOLDERS.items()
        for number in range(1, count + 1)
    ]


def read(layout: Layout) -> Iterator[RatedImage]:
    """Yield the distorted images; the undistorted copies that were rated too are left out.

    The label is the realigned DMOS (Sheikh et al., 2006), which puts the sessions on one scale;
    the older dmos.mat is not read.

    Raises:
        UsageError: If a file is missing or does not fit the others.
    """
    labels = layout.label_file("dmos_realigned.mat")
    references = layout.label_file("refnames_all.mat")
    names = image_names()
    dmos = numbers(labels, "dmos_new", like=len(names))
    std = numbers(labels, "dmos_std", like=len(names))
    undistorted = numbers(labels, "orgs", like=len(names))
    of = mat_vector(references, "refnames_all")
    if len(of) != len(names):
        msg = f"{references}: refnames_all has {len(of)} names, expected {len(names)}"
        raise UsageError(msg)
    for name, label, spread, is_reference, reference in zip(
        names, dmos, std, undistorted, of, strict=True
    ):
        if not is_reference:
            yield RatedImage(
                path=name,
                mos=float(label),
                std=float(spread),
                reference=PurePath(str(reference)).stem.casefold(),
                distortion=name.split("/", maxsplit=1)[0],
            )
