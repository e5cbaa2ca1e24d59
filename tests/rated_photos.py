"""A data set of greys that the brightness model of `fakes` can rate."""

import csv
from pathlib import Path

from fakes import grey_png

from biqa_cli.datasets.base import Dataset
from biqa_cli.datasets.loading import load_dataset


def rated_greys(folder: Path, labels: dict[int, float], *, header: str = "path,mos") -> Path:
    """Write a grey photo for each value and a CSV with their labels; return the CSV."""
    file = folder / "labels.csv"
    with file.open("w", newline="") as stream:
        stream.write(f"{header}\n")
        writer = csv.writer(stream)
        for value, label in labels.items():
            grey_png(folder / f"{value}.png", value)
            writer.writerow((f"{value}.png", label))
    return file


def loaded(file: Path) -> Dataset:
    """Return the data set of a CSV, images that are missing included."""
    return load_dataset(f"csv:{file}", keep_missing=True)
