"""KADID-10k: a CSV file with a row an image, the name says reference, distortion and level."""

import re
from collections.abc import Iterator

from biqa_cli.datasets.base import DistortedName, RatedImage
from biqa_cli.datasets.layout import Layout
from biqa_cli.datasets.tables import csv_rows, records

DISTORTIONS = (
    "Gaussian blur",
    "lens blur",
    "motion blur",
    "colour diffusion",
    "colour shift",
    "colour quantization",
    "colour saturation 1",
    "colour saturation 2",
    "JPEG2000 compression",
    "JPEG compression",
    "white noise",
    "white noise in colour component",
    "impulse noise",
    "multiplicative noise",
    "denoise",
    "brighten",
    "darken",
    "mean shift",
    "jitter",
    "non-eccentricity patch",
    "pixelate",
    "quantization",
    "colour block",
    "high sharpen",
    "contrast change",
)
"""In the order of the numbers in the names, from 01."""

_NAME = re.compile(r"i(\d\d)_(\d\d)_0([1-5])\.png", re.IGNORECASE)


def parse_name(name: str) -> DistortedName | None:
    """Return what a name such as `I01_03_05.png` says, None if it is no such name.

    Example:
        >>> parse_name("I01_03_05.png")
        DistortedName(reference='i01', distortion='motion blur', level=5)
    """
    match = _NAME.fullmatch(name)
    if match is None or not 1 <= int(match[2]) <= len(DISTORTIONS):
        return None
    return DistortedName(f"i{match[1]}", DISTORTIONS[int(match[2]) - 1], int(match[3]))


def read(layout: Layout) -> Iterator[RatedImage | str]:
    """Yield the images of dmos.csv, and a sentence for each row that is bad.

    Two columns are not what they are called. `dmos` rises with quality, from 1 to 5. `var` is a
    standard deviation: 30 votes with the mean 4.57 and the deviation 0.496 are 17 fives and 13
    fours, while no 30 votes have that mean and the variance 0.496.

    Raises:
        UsageError: If the file is missing or has other columns.
    """
    source = layout.label_file("dmos.csv")
    for row in records(csv_rows(source), ("dist_img", "ref_img", "dmos", "var"), source=source):
        name = row.text("dist_img")
        said, mos, std = parse_name(name), row.number("dmos"), row.number("var")
        if said is None:
            yield row.bad("dist_img", "a name such as I01_01_01.png")
        elif mos is None:
            yield row.bad("dmos", "a number")
        elif std is None:
            yield row.bad("var", "a number")
        else:
            yield RatedImage(path=f"images/{name}", mos=mos, std=std, **said._asdict())
