"""What a run leaves when it ends or its time is up: stored weights, curves, a summary."""

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from biqa_cli import __version__
from biqa_cli.datasets.base import Dataset
from biqa_cli.models.torch_engine import load_tensors
from biqa_cli.models.trained import TrainedNetwork
from biqa_cli.training.checkpoints import Progress, write_small, write_whole
from biqa_cli.training.families.base import Phase
from biqa_cli.training.log import draw_curves
from biqa_cli.training.loop import BEST, Job, judge
from biqa_cli.training.network import model_name
from biqa_cli.training.parts import TrainingParts
from biqa_cli.weights.checkpoint import read_checkpoint

SUMMARY, CURVES = "summary.json", "curves.png"


def store_weights(out: Path, trained: TrainedNetwork) -> Path:
    """Write `<family>-<data set>.safetensors` from the best epoch and return it."""
    name = trained.dataset.removeprefix("csv:").removesuffix(".csv").lower()
    safe = "".join(c if c.isalnum() else "-" for c in name)
    weights = out / f"{trained.family}-{safe}.safetensors"
    write_small(weights, out / BEST, trained)
    return weights


def agreement_of(job: Job, phase: Phase, weights: Path) -> dict[str, float]:
    """Return how stored weights agree with the validation labels: it shows what storing costs."""
    network = phase.network
    assert isinstance(network, nn.Module), "the last phase scores"  # noqa: S101  our invariant
    load_tensors(network, read_checkpoint(weights, sha256=None))
    found = judge(job, phase, network.to(job.device))
    return {"srcc": found.srcc, "plcc": found.plcc, "krcc": found.krcc}


def write_summary(
    job: Job,
    progress: Progress,
    parts: TrainingParts,
    dataset: Dataset,
    *,
    weights: Path | None,
    stored: Mapping[str, float] | None,
    facts: Mapping[str, Any],
) -> None:
    """Write `summary.json`, and `curves.png` where Matplotlib is installed.

    Args:
        job: Of the run.
        progress: Where the training stands.
        parts: Which photos trained.
        dataset: Whose photos.
        weights: The stored checkpoint.
        stored: What it reaches; None before the end.
        facts: Further entries.
    """
    trained, split = job.trained, parts.split
    if progress.rows:
        draw_curves(job.out / CURVES, progress.rows)
    summary = {
        "finished": progress.finished,
        "family": trained.family,
        "model": model_name(trained),
        "weights": None if weights is None else weights.name,
        "dataset": trained.dataset,
        "split": {
            "protocol": split.protocol,
            "seed": split.seed,
            "sha256": split.sha256,
            "leaky": split.leaky,
            "photos": {name: len(indices) for name, indices in split.parts.items()},
        },
        "left_out": {
            dataset.images[index].path: error for index, error in job.photos.store.broken.items()
        },
        "val": progress.best_row or None,
        "val_of_stored_weights": stored,
        "epochs": len(progress.rows),
        "seconds": round(progress.seconds, 1),
        "seed": job.recipe.seed,
        "device": job.device,
        **facts,
        "versions": {
            "biqa": __version__,
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
        },
    }
    write_whole(job.out / SUMMARY, json.dumps(summary, indent=2) + "\n")
