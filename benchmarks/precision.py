"""Measure what bfloat16 costs and saves on this CPU, beside float32 in the same run.

Run:  python benchmarks/precision.py RATINGS.csv[,ROOT] --output benchmarks/precision.json
Needs the extra [openvino], and a CPU with AVX-512 BF16 or AMX.
"""

import argparse
import importlib.metadata
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from biqa_cli.api import load_model
from biqa_cli.datasets.loading import CSV_PREFIX, load_dataset
from biqa_cli.images.reading import read_photo
from biqa_cli.metrics.correlation import srcc
from biqa_cli.models.catalog import DEFAULT_MODEL
from biqa_cli.models.judging import predict_views
from biqa_cli.models.views import view_of

PRECISIONS = ("float32", "bfloat16")


def main(arguments: argparse.Namespace) -> None:
    """Score every photo in both precisions, one after the other, then print and write."""
    table, _, root = arguments.ratings.partition(",")
    dataset = load_dataset(f"{CSV_PREFIX}{table}", Path(root) if root else None)
    models = {p: load_model(arguments.model, precision=p, threads=1) for p in PRECISIONS}
    contract, scale = (models["float32"].spec.input, models["float32"].spec.scale)
    scores: dict[str, list[float]] = {p: [] for p in PRECISIONS}
    spent = dict.fromkeys(PRECISIONS, 0.0)
    for index in range(len(dataset.images)):
        view = view_of(read_photo(str(dataset.file(index))).image, contract)[None]
        for precision, model in models.items():
            start = time.process_time()
            native = float(predict_views(view, model).scores[0])
            # The first view warms the engines up.
            spent[precision] += (time.process_time() - start) * bool(index)
            scores[precision].append(scale.to_percent(native))
    labels = np.array([image.mos for image in dataset.images])
    exact, found = (np.array(scores[p]) for p in PRECISIONS)
    off = np.abs(found - exact)
    milliseconds = {p: round(1000 * spent[p] / (len(labels) - 1), 1) for p in PRECISIONS}
    result: dict[str, Any] = {
        "model": arguments.model,
        "weights_sha256": models["float32"].weights_sha256,
        "openvino": importlib.metadata.version("openvino"),
        "photos": len(labels),
        "CPU ms a view": milliseconds,
        "times as fast": round(milliseconds["float32"] / milliseconds["bfloat16"], 2),
        "SRCC with the ratings": {
            p: round(float(srcc(labels, np.array(scores[p]))), 4) for p in PRECISIONS
        },
        "points of 100 that a score differs by": {
            "mean": round(float(off.mean()), 2),
            "99 % of photos, at most": round(float(np.quantile(off, 0.99)), 2),
            "largest": round(float(off.max()), 2),
        },
    }
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("ratings", help="a CSV of paths and mos, and the folder of the photos")
    parser.add_argument("-m", "--model", default=DEFAULT_MODEL)
    parser.add_argument("-o", "--output", type=Path, help="JSON")
    main(parser.parse_args())
