"""AGIQA-3K: a CSV file with a row for each generated image; its name has generator and prompt."""

import re
from collections.abc import Iterator

from biqa_cli.datasets.base import RatedImage
from biqa_cli.datasets.layout import Layout
from biqa_cli.datasets.tables import csv_rows, records

LABELS = "data.csv"
_FOLDERS = ("AGIQA-3K", "ACGIQA-3K", "images")
_NAME = re.compile(r"(?P<generator>[^_]+)_\w+_(?P<prompt>\d{3})\.jpg", re.IGNORECASE)


def read(layout: Layout) -> Iterator[RatedImage | str]:
    """Yield the images, and a sentence for each row that is bad.

    The label is the opinion of the quality (`mos_quality`), not of the fit to the prompt. Images of
    one prompt are a scene: they show the same things.

    Raises:
        UsageError: If the table is missing or has other columns.
    """
    source = layout.label_file(LABELS)
    folder = layout.first_of(_FOLDERS) if layout.find(layout.first_of(_FOLDERS)) else ""
    for row in records(csv_rows(source), ("name", "mos_quality", "std_quality"), source=source):
        name, mos, std = row.text("name"), row.number("mos_quality"), row.number("std_quality")
        parts = _NAME.fullmatch(name)
        if parts is None:
            yield row.bad("name", "a name such as glide_normal_001.jpg")
        elif mos is None:
            yield row.bad("mos_quality", "a number")
        elif std is None:
            yield row.bad("std_quality", "a number")
        else:
            yield RatedImage(
                path=f"{folder}/{name}" if folder else name,
                mos=mos,
                std=std,
                subset=parts["generator"],
                scene=f"prompt {parts['prompt']}",
            )
