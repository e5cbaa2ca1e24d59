"""Measure personal models: what 20 to 200 ratings of a set make of a model, on its other photos.

For each number of ratings, ten draws (`--draws`): so many photos are rated, a correction is fitted
to them, and all photos that were not drawn (and show no reference that was) are held out. The table
has the standard deviation of a draw: the mean of ten has a third of it as its standard error.

A set is a table of ratings or one that biqa knows (`clive=clive,ROOT`). What --output has of other
sets stays there, if it is of the same weights and as many draws.

Run:  python benchmarks/tune.py NAME=RATINGS.csv[,ROOT] ... --output benchmarks/tune.json
"""

import argparse
import json
import math
import time
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np

from biqa_cli.datasets.base import Dataset
from biqa_cli.datasets.loading import CSV_PREFIX, READERS, load_dataset
from biqa_cli.metrics.correlation import srcc
from biqa_cli.metrics.deviation import rmse
from biqa_cli.models.catalog import DEFAULT_MODEL
from biqa_cli.models.loading import LoadedModel, load_model
from biqa_cli.models.spec import ScoreScale
from biqa_cli.store.known_scores import Store
from biqa_cli.store.location import default_store
from biqa_cli.tuning.crossfit import crossfit
from biqa_cli.tuning.descriptions import describe_photos
from biqa_cli.tuning.ridge import Photos

RATINGS = (20, 50, 100, 200)


def load(place: str) -> Dataset:
    """Return the set of `RATINGS.csv[,ROOT]` or of `DATASET,ROOT`."""
    name, _, root = place.partition(",")
    known = name if name in READERS else f"{CSV_PREFIX}{name}"
    return load_dataset(known, Path(root) if root else None)


def kept(output: Path, about: dict[str, Any]) -> dict[str, Any]:
    """Return the sets that a file has already, if they were measured alike."""
    if not output.exists():
        return {}
    before: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    sets: dict[str, Any] = before.pop("sets")
    if before != about:
        msg = f"{output} was measured with {before}, not with {about}: name another --output"
        raise SystemExit(msg)
    return sets


def described(dataset: Dataset, model: LoadedModel, store: Path) -> tuple[Photos, list[int]]:
    """Return what a model knows of the photos of a set, and which could be read."""
    paths = [str(dataset.file(index)) for index in range(len(dataset.images))]
    with Store(store) as known:
        found = list(describe_photos(paths, model, store=known))
    readable = [index for index, one in enumerate(found) if one.features is not None]
    photos = Photos(
        np.array([found[i].share for i in readable]),
        np.array([found[i].left for i in readable]),
        np.array([found[i].features for i in readable]),
    )
    return photos, readable


def measured(
    dataset: Dataset, photos: Photos, readable: list[int], *, draws: int
) -> list[dict[str, Any]]:
    """Return a row for each number of ratings; RMSE and widths are in percent of the scale."""
    ends = dataset.scale
    scale = ScoreScale(ends.lowest, ends.highest, ends.higher_is_better, "")
    images = [dataset.images[index] for index in readable]
    labels = np.array([scale.to_share(image.mos) for image in images])
    groups = np.array([image.reference or image.path for image in images])
    rows = []
    for count in RATINGS:
        found = [_draw(photos, labels, groups, count=count, seed=seed) for seed in range(draws)]
        row: dict[str, Any] = {"ratings": count}
        for name in found[0]:
            values = [draw[name] for draw in found]
            row[name] = round(fmean(values), 4)
            if name in ("srcc", "coverage"):
                row[f"{name}_sd"] = round(stdev(values), 4)
        rows.append(row)
    return rows


def _draw(
    photos: Photos, labels: np.ndarray, groups: np.ndarray, *, count: int, seed: int
) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    # Two thirds of the references are for ratings, so that some are left to hold out.
    names = rng.permutation(np.unique(groups))
    offered = np.flatnonzero(np.isin(groups, names[: math.ceil(2 / 3 * len(names))]))
    rated = rng.permutation(offered)[:count]
    others = np.flatnonzero(~np.isin(groups, groups[rated]))
    began = time.perf_counter()
    found = crossfit(photos.at(rated), labels[rated], groups=groups[rated].tolist())
    seconds = time.perf_counter() - began
    said, before = photos.at(others).corrected(found.correction), photos.at(others).untuned()
    truth = labels[others]
    return {
        "held_out": float(len(others)),
        "srcc": srcc(truth, said),
        "srcc_untuned": srcc(truth, before),
        "rmse": 100 * rmse(truth, said),
        "rmse_untuned": 100 * rmse(truth, before),
        "coverage": float((np.abs(truth - said) <= found.half_width).mean()),
        "half_width": 100 * found.half_width,
        "fell_back": float(bool(found.fallback)),
        "seconds": seconds,
    }


def main() -> None:
    """Measure the sets that are named and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="+", metavar="NAME=RATINGS.csv[,ROOT]|NAME=DATASET,ROOT")
    parser.add_argument("-m", "--model", default=DEFAULT_MODEL)
    parser.add_argument("--store", type=Path, default=default_store())
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    model = load_model(given.model, features=True)
    about = {"model": given.model, "draws": given.draws, "weights_sha256": model.weights_sha256}
    sets = kept(given.output, about)
    for one in given.sets:
        name, _, place = one.partition("=")
        dataset = load(place)
        photos, readable = described(dataset, model, given.store)
        rows = measured(dataset, photos, readable, draws=given.draws)
        sets[name] = {"photos": len(readable), "rows": rows}
        for row in rows:
            print(name, row, flush=True)
    given.output.write_text(json.dumps({**about, "sets": sets}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
