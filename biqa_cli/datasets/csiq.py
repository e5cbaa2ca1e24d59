"""CSIQ: a workbook with a row an image, and a folder for each of six distortions."""

from collections.abc import Iterator

from biqa_cli.datasets.base import DistortedName, RatedImage
from biqa_cli.datasets.layout import Layout
from biqa_cli.datasets.spreadsheet import sheet_rows
from biqa_cli.datasets.tables import records

DISTORTIONS = {
    "noise": "AWGN",
    "awgn": "AWGN",
    "blur": "BLUR",
    "contrast": "contrast",
    "fnoise": "fnoise",
    "jpeg": "JPEG",
    "jpeg 2000": "jpeg2000",
    "jpeg2000": "jpeg2000",
}
"""The workbook's name of a distortion → the one in the names of folders and files."""


def parse_name(name: str) -> DistortedName | None:
    """Return what a name such as `1600.AWGN.1.png` says, None if it is no such name.

    Example:
        >>> parse_name("snow_leaves.jpeg2000.4.png")
        DistortedName(reference='snow_leaves', distortion='jpeg2000', level=4)
    """
    reference, distortion, level, *rest = [*name.rsplit(".", maxsplit=3), "", "", ""]
    known = {kind.casefold() for kind in DISTORTIONS.values()}
    if distortion.casefold() not in known or not level.isdecimal() or rest[0].lower() != "png":
        return None
    return DistortedName(reference.casefold(), distortion.casefold(), int(level))


def read(layout: Layout) -> Iterator[RatedImage | str]:
    """Yield the images of the sheet all_by_image, and a sentence for each row that is bad.

    Raises:
        UsageError: If the workbook is missing or has another form.
    """
    source = layout.label_file("csiq.DMOS.xlsx")
    columns = ("image", "dst_type", "dst_lev", "dmos_std", "dmos")
    for row in records(sheet_rows(source, sheet="all_by_image"), columns, source=source):
        reference = row.text("image").removesuffix(".0")
        kind = DISTORTIONS.get(row.text("dst_type").casefold())
        level, dmos, std = row.whole("dst_lev"), row.number("dmos"), row.number("dmos_std")
        if not reference:
            yield row.bad("image", "a name")
        elif kind is None:
            yield row.bad("dst_type", f"one of {', '.join(DISTORTIONS)}")
        elif level is None:
            yield row.bad("dst_lev", "a level")
        elif dmos is None:
            yield row.bad("dmos", "a number")
        elif std is None:
            yield row.bad("dmos_std", "a number")
        else:
            yield RatedImage(
                path=f"dst_imgs/{kind.casefold()}/{reference}.{kind}.{level}.png",
                mos=dmos,
                std=std,
                reference=reference.casefold(),
                distortion=kind.casefold(),
                level=level,
            )
