"""TID2013: a line `score name` an image, the name says reference, distortion and level."""

import re
from collections.abc import Iterator

from biqa_cli.datasets.base import DistortedName, RatedImage
from biqa_cli.datasets.layout import Layout
from biqa_cli.datasets.tables import finite, text_lines
from biqa_cli.errors import UsageError

DISTORTIONS = (
    "additive Gaussian noise",
    "noise in colour components",
    "spatially correlated noise",
    "masked noise",
    "high frequency noise",
    "impulse noise",
    "quantization noise",
    "Gaussian blur",
    "image denoising",
    "JPEG compression",
    "JPEG2000 compression",
    "JPEG transmission errors",
    "JPEG2000 transmission errors",
    "non eccentricity pattern noise",
    "local block-wise distortions",
    "mean shift",
    "contrast change",
    "change of colour saturation",
    "multiplicative Gaussian noise",
    "comfort noise",
    "lossy compression of noisy images",
    "image colour quantization with dither",
    "chromatic aberrations",
    "sparse sampling and reconstruction",
)
"""In the order of the numbers in the names, from 01."""

_NAME = re.compile(r"i(\d\d)_(\d\d)_([1-5])\.bmp", re.IGNORECASE)


def parse_name(name: str) -> DistortedName | None:
    """Return what a name such as `I01_08_5.bmp` says, None if it is no such name.

    Example:
        >>> parse_name("I01_08_5.BMP")
        DistortedName(reference='i01', distortion='Gaussian blur', level=5)
    """
    match = _NAME.fullmatch(name)
    if match is None or not 1 <= int(match[2]) <= len(DISTORTIONS):
        return None
    return DistortedName(f"i{match[1]}", DISTORTIONS[int(match[2]) - 1], int(match[3]))


def read(layout: Layout) -> Iterator[RatedImage | str]:
    """Yield the images of mos_with_names.txt, and a sentence for each line that is bad.

    `std` is a line of mos_std.txt, which the authors call the standard deviation of the MOS: at
    0.3 and below, it is that of the mean and not of the votes.

    Raises:
        UsageError: If a file is missing, or the two differ in their number of lines.
    """
    source = layout.label_file("mos_with_names.txt")
    lines = text_lines(source)
    spreads = text_lines(layout.label_file("mos_std.txt"))
    if len(lines) != len(spreads):
        msg = f"{source} has {len(lines)} lines and mos_std.txt {len(spreads)}: they must fit"
        raise UsageError(msg)
    for number, (line, spread) in enumerate(zip(lines, spreads, strict=True), start=1):
        score, _, name = line.strip().partition(" ")
        name, mos, std = name.strip(), finite(score), finite(spread)
        said = parse_name(name)
        if said is None or mos is None:
            yield f"{source.name} line {number}: {line!r} is not a score and a name"
        elif std is None:
            yield f"mos_std.txt line {number}: {spread!r} is not a number"
        else:
            yield RatedImage(path=f"distorted_images/{name}", mos=mos, std=std, **said._asdict())
