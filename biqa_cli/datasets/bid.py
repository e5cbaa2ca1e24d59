"""BID: a workbook that numbers the photos."""

import math
from collections.abc import Iterator

from biqa_cli.datasets.base import RatedImage
from biqa_cli.datasets.layout import Layout
from biqa_cli.datasets.spreadsheet import sheet_rows
from biqa_cli.datasets.tables import records


def read(layout: Layout) -> Iterator[RatedImage | str]:
    """Yield the images of the first sheet, and a sentence for each row that is bad.

    Raises:
        UsageError: If the workbook is missing or has another form.
    """
    source = layout.label_file("DatabaseGrades.xlsx")
    folder = layout.find("ImageDatabase")
    columns = ("Image Number", "Average Subjective Grade")
    for row in records(sheet_rows(source), columns, source=source):
        number, mos = row.whole(columns[0]), row.number(columns[1])
        if number is None:
            yield row.bad(columns[0], "a whole number")
        elif mos is None:
            yield row.bad(columns[1], "a number")
        else:
            name = f"DatabaseImage{number:04d}.JPG"
            std = row.number("std")
            yield RatedImage(
                path=f"{folder}/{name}" if folder else name,
                mos=mos,
                std=math.nan if std is None else std,
            )
