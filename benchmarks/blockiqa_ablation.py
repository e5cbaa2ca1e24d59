"""Train BlockIQA's head with 1 to 4 blocks a side and three similarities, three seeds each.

Tables 2 to 4 of the paper ask which is best. Here the backbone is the default's and frozen, so that
its outputs are computed once for each number of blocks; the heads are compared on `val`.
A run that was interrupted goes on with what is missing.

Run:  python benchmarks/blockiqa_ablation.py BIQ2021 --work DIR --output benchmarks/ablation.json
Needs: the repository of BIQ2021, 12 GB on disk; two cores need about an hour and a half.
"""

import argparse
import json
import subprocess
import sys
from itertools import product
from pathlib import Path
from statistics import fmean, stdev

BLOCKS, SIMILARITIES, SEEDS = (1, 2, 3, 4), ("gaussian", "gaussian_fixed", "cosine"), (0, 1, 2)
# Plain heads: without what keeps longer trainings from learning photos by heart.
SETTINGS = ("noise=0", "ema=0", "precision=bfloat16", "batch=64")


def train(root: Path, work: Path, blocks: int, similarity: str, seed: int, *, epochs: int) -> float:
    """Train one head, unless it is there, and return its SRCC on the validation photos."""
    out = work / f"{blocks}-{similarity}-{seed}"
    summary = out / "summary.json"
    options = [*SETTINGS, f"blocks={blocks}", f"similarity={similarity}"]
    command = [
        *(sys.executable, "-m", "biqa_cli", "train", "blockiqa", "--config", "blockiqa-cpu"),
        *("--dataset", "biq2021", "--root", str(root), "--out", str(out)),
        *("--photos", str(work / "photos"), "--freeze-backbone", "--epochs", str(epochs)),
        *("--seed", str(seed), "-d", "cpu", "--resume"),
        *(word for option in options for word in ("--set", option)),
    ]
    if not summary.is_file():
        subprocess.run(command, check=True)
    return float(json.loads(summary.read_text())["val"]["srcc"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--blocks", type=int, nargs="+", default=list(BLOCKS))
    given = parser.parse_args()
    rows = []
    for blocks, similarity in product(given.blocks, SIMILARITIES):
        found = [
            train(given.root, given.work, blocks, similarity, seed, epochs=given.epochs)
            for seed in SEEDS
        ]
        rows.append(
            {
                "blocks": blocks,
                "similarity": similarity,
                "srcc": [round(value, 4) for value in found],
                "mean": round(fmean(found), 4),
                "deviation": round(stdev(found), 4),
            }
        )
        print(rows[-1], flush=True)
        document = {"epochs": given.epochs, "settings": SETTINGS, "rows": rows}
        given.output.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
