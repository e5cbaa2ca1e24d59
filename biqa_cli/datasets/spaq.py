"""SPAQ: a workbook with the scores of quality and of five attributes."""

from collections.abc import Iterator

from biqa_cli.datasets.base import RatedImage
from biqa_cli.datasets.layout import Layout
from biqa_cli.datasets.spreadsheet import sheet_rows
from biqa_cli.datasets.tables import records

_WORKBOOK = "MOS and Image attribute scores.xlsx"


def read(layout: Layout) -> Iterator[RatedImage | str]:
    """Yield the images of the first sheet, and a sentence for each row that is bad.

    Raises:
        UsageError: If the workbook is missing or has another form.
    """
    source = layout.label_file(f"Annotations/{_WORKBOOK}", _WORKBOOK)
    for row in records(sheet_rows(source), ("Image name", "MOS"), source=source):
        name, mos = row.text("Image name"), row.number("MOS")
        if not name:
            yield row.bad("Image name", "a name")
        elif mos is None:
            yield row.bad("MOS", "a number")
        else:
            yield RatedImage(path=f"TestImage/{name}", mos=mos)
