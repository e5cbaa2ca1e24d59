"""The loop: epochs of batches through a phase, until it ends or the time is up."""

import math
import time
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from biqa_cli.errors import UsageError
from biqa_cli.training.batch import Batch
from biqa_cli.training.checkpoints import write_weights
from biqa_cli.training.families.base import Phase
from biqa_cli.training.freezing import freeze, set_training_mode, slots_of
from biqa_cli.training.job import Job, autocast
from biqa_cli.training.log import write_log
from biqa_cli.training.optimisation import Moving, make_moving
from biqa_cli.training.outputs import BEST, LAST, LOG
from biqa_cli.training.request import TimeIsUpError
from biqa_cli.training.sources import Source, open_source, samples_of
from biqa_cli.training.state import Progress, restore, save_state
from biqa_cli.training.validation import Validation, validate

_NOT_SHOWN = ("phase", "epoch", "rate", "seconds", "val_loss", "krcc")


def run_phase(job: Job, phase: Phase, progress: Progress, *, before: int) -> None:
    """Train a phase from where it stands to its end.

    After each epoch, and when the time is up, `last.safetensors` holds everything that the next
    run needs to continue with the very next step. `before` are the epochs of earlier phases.

    Raises:
        TimeIsUpError: If the time is up before the end.
        UsageError: If a loss or a score is not finite, or the predictions collapse.
    """
    recipe, learner = job.recipe, phase.learner
    slots = slots_of(recipe, prefix=phase.prefix)
    phase.begin()
    freeze(learner, slots, trainable=recipe.optimiser.trainable)
    steps = len(samples_of(job, 0))
    moving = make_moving(learner, recipe, slots, epochs=phase.epochs, steps=steps)
    resumes = bool(progress.epoch or progress.step)
    if resumes:
        restore(job.out / LAST, moving)
    if _is_over(job, phase, progress):
        return
    # Only now are the frozen layers what they were: cached features depend on them.
    source = open_source(job, phase)
    starts_anew = phase.setting.has_new_head and not resumes
    if starts_anew and (features := source.head_features()) is not None:
        phase.init_head(features)

    while not _is_over(job, phase, progress):
        set_training_mode(learner, slots, trainable=recipe.optimiser.trainable)
        mark = time.monotonic()
        for batch in source.batches(epoch=progress.epoch, before=before, start=progress.step):
            terms = _step(job, phase, moving, batch)
            mark = _take_note(job, phase, progress, terms, mark, steps)
            # A run with no time at all still does a step, or validates: so it ends one day.
            if mark >= job.deadline:
                save_state(job.out / LAST, progress, moving)
                raise TimeIsUpError
        _end_epoch(job, phase, progress, moving, source)


def _step(job: Job, phase: Phase, moving: Moving, batch: Batch) -> dict[str, float]:
    """Do a step of the optimiser; return the terms of the loss."""
    moving.optimiser.zero_grad(set_to_none=True)
    with autocast(job.recipe, job.device):
        terms = phase.loss(batch)
    terms["loss"].backward()  # type: ignore[no-untyped-call]
    if job.recipe.optimiser.clip:
        nn.utils.clip_grad_norm_(moving.parameters, job.recipe.optimiser.clip)
    moving.optimiser.step()
    if not isinstance(moving.schedule, ReduceLROnPlateau):
        moving.schedule.step()
    if moving.averaged is not None:
        moving.averaged.update_parameters(moving.learner)
    # One transfer for all numbers: each would wait for the device.
    values = torch.stack([term.detach().float() for term in terms.values()]).tolist()
    return dict(zip(terms, values, strict=True))


def _take_note(
    job: Job, phase: Phase, progress: Progress, terms: dict[str, float], mark: float, steps: int
) -> float:
    """Add a step to the progress; return the time now."""
    if not math.isfinite(terms["loss"]):
        msg = (
            f"the loss became {terms['loss']} in epoch {progress.epoch + 1}, step "
            f"{progress.step + 1}: train again with a smaller rate (--set optimiser.rate=…) or "
            "clipped gradients (--set optimiser.clip=1)"
        )
        raise UsageError(msg)
    for name, value in terms.items():
        progress.sums[name] = progress.sums.get(name, 0.0) + value
    progress.step += 1
    now = time.monotonic()
    progress.seconds += now - mark
    progress.epoch_seconds += now - mark
    done = progress.epoch * steps + progress.step
    job.watcher.step(done, phase.epochs * steps, terms["loss"])
    return now


def _end_epoch(job: Job, phase: Phase, progress: Progress, moving: Moving, source: Source) -> None:
    """Validate, keep the best weights, write the log and the state."""
    began = time.monotonic()
    row: dict[str, Any] = {
        "phase": phase.name,
        "epoch": progress.epoch + 1,
        "rate": max(float(group["lr"]) for group in moving.optimiser.param_groups),
        **{name: total / progress.step for name, total in progress.sums.items()},
    }
    network = _scorer(phase, moving)
    if network is not None:
        found = validate(source.scores(network), job.photos.val_labels, phase.val_loss)
        row |= {"val_loss": found.loss, "srcc": found.srcc, "plcc": found.plcc, "krcc": found.krcc}
        if isinstance(moving.schedule, ReduceLROnPlateau):
            moving.schedule.step(found.loss)
        _keep_best(job, progress, network, found, row)
    spent = time.monotonic() - began
    progress.seconds += spent
    row["seconds"] = round(progress.epoch_seconds + spent, 2)
    progress.rows.append(row)
    progress.epoch += 1
    progress.step, progress.sums, progress.epoch_seconds = 0, {}, 0.0
    # The state last: an epoch whose log is not written has not ended.
    write_log(job.out / LOG, progress.rows)
    save_state(job.out / LAST, progress, moving)
    numbers = [f"{key} {value:.4f}" for key, value in row.items() if key not in _NOT_SHOWN]
    name = f"{phase.name} " if phase.name else ""
    job.watcher.say(f"{name}epoch {row['epoch']} of {phase.epochs}: {', '.join(numbers)}")


def _scorer(phase: Phase, moving: Moving) -> nn.Module | None:
    """Return the network to score with: that of the averaged weights where there is one."""
    if phase.network is None or moving.averaged is None:
        return phase.network
    return moving.averaged.get_submodule(f"module.{phase.prefix}".rstrip("."))


def _keep_best(
    job: Job, progress: Progress, network: nn.Module, found: Validation, row: dict[str, Any]
) -> None:
    select = job.recipe.schedule.select
    # A later epoch is better than any before it, where the last is kept.
    value = progress.epoch if select == "last" else getattr(found, select)
    if progress.best is not None and value <= progress.best:
        progress.waited += 1
        return
    write_weights(job.out / BEST, network, job.trained, row=row)
    progress.best, progress.best_row, progress.waited = value, dict(row), 0


def _is_over(job: Job, phase: Phase, progress: Progress) -> bool:
    """Return whether a phase has had its epochs, or waited long enough for a better one."""
    schedule = job.recipe.schedule
    return progress.epoch >= phase.epochs or (
        phase.network is not None
        and 0 < schedule.patience <= progress.waited
        and progress.epoch >= schedule.least_epochs
    )
