"""From the name of a data set and its root to the images that are there."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from biqa_cli.datasets import (
    agiqa3k,
    bid,
    biq2021,
    cid2013,
    clive,
    csiq,
    csv_file,
    kadid10k,
    koniq10k,
    live,
    spaq,
    tid2013,
)
from biqa_cli.datasets.base import Dataset, Kind, LabelScale, RatedImage
from biqa_cli.datasets.catalog import find_dataset
from biqa_cli.datasets.layout import Layout
from biqa_cli.errors import UsageError

READERS: dict[str, Callable[[Layout], Iterable[RatedImage | str]]] = {
    "live": live.read,
    "csiq": csiq.read,
    "tid2013": tid2013.read,
    "kadid10k": kadid10k.read,
    "clive": clive.read,
    "koniq10k": koniq10k.read,
    "agiqa3k": agiqa3k.read,
    "bid": bid.read,
    "spaq": spaq.read,
    "cid2013": cid2013.read,
    "biq2021": biq2021.read,
}

CSV_PREFIX = "csv:"
NOT_FOUND = ": not found"
"""How the problem of an image that is not there ends."""


def load_dataset(name: str, root: Path | None = None, *, keep_missing: bool = False) -> Dataset:
    """Return the images of a data set that are on disk; no image is opened.

    Labels are the authors' own, on their scale and in their direction. What is missing or cannot
    be understood is left out and told in `problems`.

    Args:
        name: A name of the catalogue, or `csv:FILE` for a table of one's own with the columns
            `path`, `mos` (or `dmos`) and, if known, `std`, `reference` and `type`.
        root: The folder that the data set was unpacked to; for a CSV file the folder that its
            paths are relative to, its own if None.
        keep_missing: Whether images that are listed but not there stay among the images, under
            their listed names: splits are then those of the whole set. They are told in
            `problems` all the same.

    Raises:
        UsageError: If there is no such data set, the root is not one of it, or no image is there.
    """
    return _load(name, root, "keep" if keep_missing else "leave out")


def load_labels(name: str, root: Path | None = None) -> Dataset:
    """Return all that the label files of a data set list, whether or not an image is there.

    Enough where no image is opened, as for the predictions of another tool. Arguments as in
    `load_dataset`; what is missing is told in `problems`.

    Raises:
        UsageError: If there is no such data set, or no label could be read.
    """
    return _load(name, root, "do without")


_Missing = Literal["leave out", "keep", "do without"]
"""What becomes of images that are not there; the first two need at least one that is."""


def _load(name: str, root: Path | None, missing: _Missing) -> Dataset:
    if name.casefold().startswith(CSV_PREFIX):
        return _load_csv(Path(name[len(CSV_PREFIX) :]), root, missing)
    info = find_dataset(name)
    if root is None:
        msg = f"{info.name} needs --root: the folder that {info.title} was unpacked to"
        raise UsageError(msg)
    layout = Layout(root, info.title, hint=info.hint)
    return _collect(
        READERS[info.name](layout),
        layout,
        name=info.name,
        kind=info.kind,
        scale=info.scale,
        if_missing=missing,
    )


def _load_csv(source: Path, root: Path | None, missing: _Missing) -> Dataset:
    label = csv_file.label_column(source)
    rows = list(csv_file.read(source, label=label))
    images = [row for row in rows if isinstance(row, RatedImage)]
    if not images:
        msg = f"{source} has no row with a path and a number: {(rows or ['it is empty'])[0]}"
        raise UsageError(msg)
    return _collect(
        rows,
        Layout(source.parent if root is None else root, str(source)),
        name=f"{CSV_PREFIX}{source.name}",
        kind="synthetic" if any(image.reference for image in images) else "authentic",
        scale=csv_file.scale_of([image.mos for image in images], label=label),
        if_missing=missing,
    )


def _collect(
    rows: Iterable[RatedImage | str],
    layout: Layout,
    *,
    name: str,
    kind: Kind,
    scale: LabelScale,
    if_missing: _Missing,
) -> Dataset:
    images: dict[str, RatedImage] = {}
    problems: list[str] = []
    missing: list[str] = []
    for row in rows:
        if isinstance(row, str):
            problems.append(row)
            continue
        if not scale.holds(row.mos):
            problems.append(f"{row.path}: the label {row.mos:g} is not on {scale.describe()}")
            continue
        found = layout.find(row.path)
        path = found or row.path
        if path in images:
            problems.append(f"{path}: listed more than once, the first label is kept")
        else:
            images[path] = replace(row, path=path)
            if found is None:
                missing.append(path)
    if len(missing) == len(images) and (if_missing != "do without" or not images):
        first = layout.root / missing[0] if missing else "no row could be read"
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        msg = (
            f"none of the images of {layout.title} is in {layout.root}: expected {first}{more}; "
            "images lie below --root, also those with an absolute path"
        )
        raise UsageError(msg)
    problems += [f"{path}{NOT_FOUND}" for path in missing]
    if if_missing == "leave out":
        for path in missing:
            del images[path]
    return Dataset(
        name=name,
        root=layout.root,
        kind=kind,
        scale=scale,
        images=tuple(images.values()),
        problems=tuple(problems),
    )
