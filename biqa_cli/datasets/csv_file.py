"""A data set of one's own: a CSV file with a row an image."""

from collections.abc import Iterator
from pathlib import Path

from biqa_cli.datasets.base import LabelScale, RatedImage
from biqa_cli.datasets.tables import csv_rows, records
from biqa_cli.errors import UsageError

LABELS = {"mos": True, "dmos": False}
"""The column of the label → whether higher is better."""


def label_column(source: Path) -> str:
    """Return `mos` or `dmos`, whichever the heading has.

    Raises:
        UsageError: If it has neither or both, or the file cannot be read.
    """
    heading = next((cells for _, cells in csv_rows(source)), [])
    names = [cell.strip().casefold() for cell in heading]
    found = [name for name in LABELS if name in names]
    if "path" not in names or len(found) != 1:
        msg = (
            f"{source} needs a heading with `path` and either `mos` (higher is better) or `dmos`"
            f" (lower is better), it has {', '.join(heading) or 'nothing'};"
            " std, reference and type may follow"
        )
        raise UsageError(msg)
    return found[0]


def read(source: Path, *, label: str) -> Iterator[RatedImage | str]:
    """Yield the images, and a sentence for each row that is bad."""
    for row in records(csv_rows(source), ("path", label), source=source):
        path, mos = row.text("path"), row.number(label)
        std = row.number("std") if row.text("std") else float("nan")
        if not path:
            yield row.bad("path", "a path")
        elif mos is None:
            yield row.bad(label, "a number")
        elif std is None or std < 0:
            yield row.bad("std", "a number of 0 or more")
        else:
            yield RatedImage(
                path=path,
                mos=mos,
                std=std,
                reference=row.text("reference") or None,
                distortion=row.text("type") or None,
            )


def scale_of(labels: list[float], *, label: str) -> LabelScale:
    """Return the scale that labels span: a file of one's own does not declare it."""
    return LabelScale(
        min(labels),
        max(labels),
        higher_is_better=LABELS[label],
        meaning=f"{label} of the file",
        declared=False,
    )
