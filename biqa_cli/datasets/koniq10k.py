"""KonIQ-10k: two CSV files, of which each calls something else `MOS`."""

from collections.abc import Iterator

from biqa_cli.datasets.base import RatedImage
from biqa_cli.datasets.layout import Layout
from biqa_cli.datasets.tables import csv_rows, records

SCORES = "koniq10k_scores_and_distributions.csv"
"""MOS is the mean of the votes 1 to 5, MOS_zscore the label that papers use."""
SETS = "koniq10k_distributions_sets.csv"
"""MOS is what the other file calls MOS_zscore; `set` is the official split."""

PARTS = {"training": "train", "validation": "val", "test": "test"}


def read(layout: Layout) -> Iterator[RatedImage | str]:
    """Yield the images of one of the files, and a sentence for each row that is bad.

    SETS is preferred: it has the official split. Its SD is left out, since it is on the scale of
    the votes and not on that of the label.

    Raises:
        UsageError: If both files are missing, or the one here has other columns.
    """
    source = layout.label_file(SETS, SCORES)
    with_parts = source.name.casefold() == SETS
    label = "MOS" if with_parts else "MOS_zscore"
    columns = ("image_name", label, "set") if with_parts else ("image_name", label)
    folder = layout.first_of(("1024x768", "512x384"))
    for row in records(csv_rows(source), columns, source=source):
        name, mos = row.text("image_name"), row.number(label)
        part = PARTS.get(row.text("set").casefold())
        if not name:
            yield row.bad("image_name", "a name")
        elif mos is None:
            yield row.bad(label, "a number")
        elif with_parts and part is None:
            yield row.bad("set", f"one of {', '.join(PARTS)}")
        else:
            yield RatedImage(path=f"{folder}/{name}", mos=mos, official_part=part)
