"""Measure how fast each trained model scores on this machine's CPU, all in one run.

Run:  python benchmarks/checkpoints.py --output benchmarks/checkpoints.json
A model runs in ONNX Runtime if its graph is there (`biqa export NAME` makes it), else in PyTorch.
"""

import argparse
import json
import os
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from scoring import make_photos

from biqa_cli.api import LoadedModel, load_model, score_images
from biqa_cli.models.catalog import DEFAULT_MODEL
from biqa_cli.weights.manifest import load_manifest

ROUNDS, PHOTOS, SIDE = 3, 48, 512


def seconds(paths: list[str], model: LoadedModel) -> float:
    """Return how long one pass over the photos takes, decoding included."""
    start = time.perf_counter()
    for result in score_images(paths, model=model):
        if result.score is None:
            raise SystemExit(f"{result.path}: {result.error}")
    return time.perf_counter() - start


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    checkpoints = load_manifest().checkpoints
    models = {c.name: load_model(c.name, device="cpu") for c in checkpoints}
    taken: dict[str, list[float]] = {name: [] for name in models}
    with TemporaryDirectory() as folder:
        paths = make_photos(Path(folder) / "photos", PHOTOS, SIDE, SIDE)
        # Round by round, so that a noisy minute meets all models alike.
        for _ in range(ROUNDS):
            for name, model in models.items():
                taken[name].append(seconds(paths, model))
    rows = [
        {
            "model": c.name,
            "engine": models[c.name].engine.name,
            "srcc": c.srcc,
            "megabytes": round(c.bytes / 1e6, 1),
            "photos_per_second": round(PHOTOS / median(taken[c.name]), 2),
            "of_default": round(median(taken[DEFAULT_MODEL]) / median(taken[c.name]), 3),
        }
        for c in checkpoints
    ]
    for row in rows:
        print(row)
    facts = {"cores": len(os.sched_getaffinity(0)), "photos": f"{SIDE}x{SIDE} JPEG", "rows": rows}
    given.output.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
