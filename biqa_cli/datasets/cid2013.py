"""CID2013: a workbook whose names say image set, scene and camera."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from biqa_cli.datasets.base import RatedImage
from biqa_cli.datasets.layout import Layout
from biqa_cli.datasets.spreadsheet import sheet_rows
from biqa_cli.datasets.tables import records

_NUMERALS = ("I", "II", "III", "IV", "V", "VI")
_NAME = re.compile(r"IS_([IV]+)_C0*(\d+)_D\d+", re.IGNORECASE)


class ImageName(NamedTuple):
    """What the name of a photo says."""

    subset: str
    scene: str
    path: str


def parse_name(name: str) -> ImageName | None:
    """Return what a name such as `IS_VI_C08_D13` says, None if it is no such name.

    Each of six image sets shows its scenes with each of its cameras.

    Example:
        >>> parse_name("IS_VI_C08_D13")
        ImageName(subset='IS6', scene='IS6/co8', path='IS6/co8/IS_VI_C08_D13.jpg')
    """
    match = _NAME.fullmatch(name)
    if match is None or match[1].upper() not in _NUMERALS:
        return None
    subset = f"IS{_NUMERALS.index(match[1].upper()) + 1}"
    scene = f"{subset}/co{match[2]}"
    return ImageName(subset, scene, f"{scene}/{name}.jpg")


def read(layout: Layout) -> Iterator[RatedImage | str]:
    """Yield the photos of the sheet CID2013 MOS, and a sentence for each row that is bad.

    The label is the realigned MOS, which puts the six image sets on one scale and thereby leaves
    0 to 100.

    Raises:
        UsageError: If the workbook is missing or has another form.
    """
    source = layout.label_file("CID2013 data - version 12112014.xlsx")
    columns = ("Source_ID", "Realigned MOS")
    for row in records(sheet_rows(source, sheet="CID2013 MOS"), columns, source=source):
        said, mos = parse_name(row.text("Source_ID")), row.number("Realigned MOS")
        if said is None:
            yield row.bad("Source_ID", "a name such as IS_I_C01_D01")
        elif mos is None:
            yield row.bad("Realigned MOS", "a number")
        else:
            yield RatedImage(mos=mos, **said._asdict())
