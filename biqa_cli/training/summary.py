"""What a run leaves when it ends or its time is up: stored weights, curves, a summary."""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from biqa_cli import __version__
from biqa_cli.models.calibration import fit_calibration
from biqa_cli.models.spec import Calibration
from biqa_cli.models.torch_engine import load_tensors
from biqa_cli.training.checkpoints import Progress, write_small
from biqa_cli.training.families.base import Phase
from biqa_cli.training.job import Job
from biqa_cli.training.log import draw_curves
from biqa_cli.training.loop import BEST
from biqa_cli.training.seen import Seen
from biqa_cli.training.validation import (
    Validation,
    predict,
    predict_features,
    scoring_blocks,
    validate,
)
from biqa_cli.weights.checkpoint import read_checkpoint
from biqa_cli.whole_files import write_whole

SUMMARY, CURVES = "summary.json", "curves.png"


def store_weights(job: Job) -> Path:
    """Write `<family>-<data set>.safetensors` from the best epoch and return it."""
    name = job.trained.dataset.removeprefix("csv:").removesuffix(".csv").lower()
    safe = "".join(c if c.isalnum() else "-" for c in name)
    weights = job.out / f"{job.trained.family}-{safe}.safetensors"
    write_small(weights, job.out / BEST, job.trained)
    return weights


def has_ended(out: Path) -> bool:
    """Return whether the training in a folder came to its end, as its summary says."""
    summary = out / SUMMARY
    return summary.is_file() and bool(json.loads(summary.read_text("utf-8"))["finished"])


@dataclass(frozen=True, slots=True)
class Stored:
    """What stored weights are worth, on the validation photos, scored as `biqa score` will."""

    agreement: Validation
    """It shows what storing costs."""
    calibration: Calibration | str
    """Or why there is none."""


def judge_stored(job: Job, phase: Phase, weights: Path, features: Seen | None = None) -> Stored:
    """Score the validation photos with stored weights, and write the calibration into the file.

    With cached features the photos are not opened: a study judges dozens of heads on the same
    photos. The backbone is then that of the features, in float32.
    """
    network = phase.network
    assert isinstance(network, nn.Module), "the last phase scores"  # noqa: S101  our invariant
    load_tensors(network, read_checkpoint(weights, sha256=None))
    scale = job.trained.scale
    if features is None:
        # Minutes, where a photo is many crops: without a word it would seem to hang.
        job.watcher.say(f"the stored weights score {len(job.photos.val)} validation photos")
        blocks = scoring_blocks(job.contract, job.recipe.input, at_most=0)
        predicted = predict(network.to(job.device), job, blocks)
    else:
        predicted = predict_features(network, features, job.photos.val, job.device)
    labels, said = (
        100 * np.array([scale.to_share(value) for value in values.tolist()])
        for values in (job.photos.val_labels, predicted)
    )
    calibration = fit_calibration(labels, said)
    if isinstance(calibration, Calibration):
        known = replace(job.trained, scale=replace(scale, calibration=calibration))
        write_small(weights, job.out / BEST, known)
    else:
        job.watcher.say(f"not calibrated: {calibration}")
    return Stored(validate(predicted, job.photos.val_labels, phase.val_loss), calibration)


def write_summary(
    job: Job,
    progress: Progress,
    weights: Path | None,
    stored: Stored | None,
    *,
    facts: Mapping[str, Any],
) -> None:
    """Write `summary.json` with further facts, and `curves.png` where Matplotlib is installed."""
    trained, split = job.trained, job.split
    if progress.rows:
        draw_curves(job.out / CURVES, progress.rows)
    summary = {
        **facts,
        "family": trained.family,
        "model": trained.model,
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
            job.dataset.images[index].path: error
            for index, error in job.photos.store.broken.items()
        },
        "val": progress.best_row or None,
        "val_of_stored_weights": stored and stored.agreement,
        "calibration": stored and stored.calibration,
        "epochs": len(progress.rows),
        "seconds": round(progress.seconds, 1),
        "seed": job.recipe.seed,
        "device": job.device,
        "starts": progress.starts,
        "versions": {
            "biqa": __version__,
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
        },
    }
    write_whole(job.out / SUMMARY, json.dumps(summary, indent=2, default=asdict) + "\n")
