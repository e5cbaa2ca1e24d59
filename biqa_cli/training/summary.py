"""What a run leaves when it ends or its time is up: stored weights, curves, a summary."""

import json
import platform
from collections.abc import Sequence
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
from biqa_cli.training.checkpoints import write_small
from biqa_cli.training.families.base import Phase
from biqa_cli.training.features import photo_features
from biqa_cli.training.job import Job
from biqa_cli.training.log import draw_curves
from biqa_cli.training.outputs import BEST, CURVES, SPLIT, SUMMARY
from biqa_cli.training.photos import distortion_types
from biqa_cli.training.request import Outcome, TrainingRequest
from biqa_cli.training.seen import Seen
from biqa_cli.training.state import Progress
from biqa_cli.training.validation import (
    Validation,
    predict,
    predict_features,
    scoring_blocks,
    validate,
)
from biqa_cli.weights.checkpoint import read_checkpoint
from biqa_cli.whole_files import write_whole


def conclude(
    job: Job, phase: Phase, progress: Progress, request: TrainingRequest, *, finished: bool
) -> Outcome:
    """Store and judge the best weights, write curves and summary, and return what was done.

    Args:
        job: Of the round.
        phase: The last one.
        progress: Where the training stands.
        request: What was asked.
        finished: Whether no more can be trained, or the user asks for no more.
    """
    weights = _store_weights(job) if progress.best_row else None
    # Before the stored weights replace those that the features come from.
    is_scored = request.whole and job.recipe.is_cached and finished and not request.finish
    features = photo_features(job, phase) if is_scored else None
    stored = _judge_stored(job, phase, weights, features) if weights and finished else None
    if progress.rows:
        draw_curves(job.out / CURVES, progress.rows)
    summary = {"finished": finished, "command": request.command}
    summary |= _summary(job, progress, weights, stored)
    write_whole(job.out / SUMMARY, json.dumps(summary, indent=2, default=asdict) + "\n")
    tested = job.split.parts.get("test", ())
    scores = _scores_of(tested, job, phase, features) if features and stored else {}
    return Outcome(finished, weights, f"{job.out / SPLIT}:test" if tested else "", scores)


def has_ended(out: Path) -> bool:
    """Return whether the training in a folder came to its end, as its summary says."""
    summary = out / SUMMARY
    return summary.is_file() and bool(json.loads(summary.read_text("utf-8"))["finished"])


@dataclass(frozen=True, slots=True)
class _Stored:
    """What stored weights are worth, on the validation photos, scored as `biqa score` will."""

    agreement: Validation
    """It shows what storing costs."""
    calibration: Calibration | str
    """Or why there is none."""


def _judge_stored(job: Job, phase: Phase, weights: Path, features: Seen | None) -> _Stored:
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
    return _Stored(validate(predicted, job.photos.val_labels, phase.val_loss), calibration)


def _scores_of(indices: Sequence[int], job: Job, phase: Phase, features: Seen) -> dict[int, float]:
    """Return the native score of each image whose features are cached, by its index.

    The head is the stored one. `biqa score` also has a backbone in int8, which features have not
    seen.
    """
    known = [index for index in indices if index in features.rows]
    if not known or phase.network is None:
        return {}
    scores = predict_features(phase.network, features, known, job.device)
    return dict(zip(known, scores.tolist(), strict=True))


def _summary(
    job: Job, progress: Progress, weights: Path | None, stored: _Stored | None
) -> dict[str, Any]:
    trained, split = job.trained, job.split
    return {
        "types": distortion_types(job.dataset, split),
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


def _store_weights(job: Job) -> Path:
    """Write `<family>-<data set>.safetensors` from the best epoch and return it."""
    name = job.trained.dataset.removeprefix("csv:").removesuffix(".csv").lower()
    safe = "".join(c if c.isalnum() else "-" for c in name)
    weights = job.out / f"{job.trained.family}-{safe}.safetensors"
    write_small(weights, job.out / BEST, job.trained)
    return weights
