"""The loop: batches through a phase, epoch by epoch, until it ends or the time is up."""

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from biqa_cli.errors import UsageError
from biqa_cli.training.backbones import BackboneSlot, backbone_slots, freeze, set_training_mode
from biqa_cli.training.checkpoints import Moving, Progress, restore, save_state, write_weights
from biqa_cli.training.data import (
    Arrays,
    Crops,
    epoch_batches,
    normalised,
    steps_per_epoch,
    to_device,
)
from biqa_cli.training.families.base import Batch, Phase, Terms
from biqa_cli.training.features import FeatureStore
from biqa_cli.training.frozen import blockwise_batch, is_kept, kept_features, met
from biqa_cli.training.job import Job, autocast
from biqa_cli.training.log import write_log
from biqa_cli.training.optimisation import (
    make_optimiser,
    make_schedule,
    mixed_with_start,
    rates,
)
from biqa_cli.training.triples import kept_order, order_triples, seen_order
from biqa_cli.training.validation import (
    Validation,
    predict,
    predict_from_features,
    validate,
)

LAST, BEST, LOG = "last.safetensors", "best.safetensors", "log.csv"
_LOSS_STREAM = 3


def run_phase(job: Job, phase: Phase, progress: Progress, *, first_epoch: int) -> bool:
    """Train a phase from where it stands; return whether it came to its end.

    After each epoch, and when the time is up, `last.safetensors` holds everything that the next
    run needs to go on with the very next step.

    Args:
        job: What to train on.
        phase: What to train.
        progress: Changed in place.
        first_epoch: Epochs of the phases before, so that no two epochs draw the same crops.

    Raises:
        UsageError: If a loss or a score is not finite, or the predictions collapse.
    """
    slots = _prefixed(backbone_slots(job.recipe), phase.prefix)
    learner = phase.learner
    trainable = job.recipe.optimiser.trainable
    phase.before()
    freeze(learner, slots, trainable=trainable)
    moving, steps = _moving(job, phase, learner, slots)
    # Frozen layers too are only now what they were: features must not be made before.
    if goes_on := bool(progress.epoch or progress.step):
        restore(job.out / LAST, moving)
    if _is_over(job, phase, progress):
        return True
    features = None
    if is_kept(job, phase):
        features = kept_features(job, phase)
        if features is None:
            return False
    if phase.meet is not None and not goes_on:
        seen = met(job, phase, features)
        if seen is not None:
            phase.meet(seen)
            # The mean of the weights starts where the weights start.
            moving, steps = _moving(job, phase, learner, slots)
    while not _is_over(job, phase, progress):
        set_training_mode(learner, slots, trainable=trainable)
        if not _run_epoch(job, phase, progress, moving, steps, first_epoch, features):
            save_state(job.out / LAST, progress, moving)
            return False
        _end_epoch(job, phase, progress, moving, features)
    return True


def _moving(
    job: Job, phase: Phase, learner: nn.Module, slots: tuple[BackboneSlot, ...]
) -> tuple[Moving, int]:
    recipe = job.recipe
    steps = steps_per_epoch(len(job.photos.indices), recipe.input, batch=recipe.optimiser.batch)
    optimiser = make_optimiser(learner, recipe.optimiser, slots)
    schedule = make_schedule(optimiser, recipe.schedule, epochs=phase.epochs, steps=steps)
    mean = None
    if recipe.optimiser.ema:
        decay = get_ema_multi_avg_fn(recipe.optimiser.ema)  # type: ignore[no-untyped-call]  # torch
        mean = AveragedModel(learner, multi_avg_fn=decay, use_buffers=True)
    keeps_start = recipe.optimiser.start_share and phase.network is not None
    start = copy.deepcopy(phase.network) if keeps_start else None
    return Moving(learner, optimiser, schedule, mean, start), steps


def _run_epoch(
    job: Job,
    phase: Phase,
    progress: Progress,
    moving: Moving,
    steps: int,
    first_epoch: int,
    features: FeatureStore | None,
) -> bool:
    """Do the steps of an epoch that are left; return False if the time is up first."""
    recipe = job.recipe
    batches = epoch_batches(
        job.photos,
        recipe.input,
        batch=recipe.optimiser.batch,
        seed=recipe.seed,
        epoch=first_epoch + progress.epoch,
        start=progress.step,
        workers=job.workers,
        extras=phase.extras,
        triples=None
        if features is not None
        else order_triples(job, phase, epoch=first_epoch + progress.epoch),
        features=None if features is None else features.of,
        spread=None if features is None else features.spread,
        cut=None if features is None else features.cut,
    )
    mark, out_of_time = time.monotonic(), False
    for crops in batches:
        terms = _step(job, phase, moving, _batch(job, crops, progress, first_epoch, features))
        if not math.isfinite(terms["loss"]):
            msg = (
                f"the loss became {terms['loss']} in epoch {progress.epoch + 1}, step "
                f"{progress.step + 1}: begin anew with a smaller rate (--set rate=…) or "
                "clipped gradients (--set clip=1)"
            )
            raise UsageError(msg)
        for name, value in terms.items():
            progress.sums[name] = progress.sums.get(name, 0.0) + value
        progress.step += 1
        now = time.monotonic()
        progress.seconds += now - mark
        progress.epoch_seconds += now - mark
        mark = now
        done = progress.epoch * steps + progress.step
        job.watcher.step(done, phase.epochs * steps, terms["loss"])
        # A run with no time at all still does a step, or validates: so it ends one day.
        if out_of_time := now >= job.deadline:
            break
    return not out_of_time


def _batch(
    job: Job, crops: Crops, progress: Progress, first_epoch: int, features: FeatureStore | None
) -> Batch:
    arrays: Arrays = {"pixels": crops.pixels, "labels": crops.labels, "types": crops.types}
    tensors = to_device(arrays, job.device)
    epoch, step = first_epoch + progress.epoch, progress.step
    seed = np.random.SeedSequence((job.recipe.seed, _LOSS_STREAM, epoch, step))
    pixels = tensors["pixels"]
    return Batch(
        images=normalised(pixels, job.contract) if features is None else pixels.float(),
        is_pooled=features is not None,
        labels=tensors["labels"],
        types=tensors["types"],
        extras=to_device(crops.extras, job.device)
        if features is None
        else blockwise_batch(job, features, epoch=epoch, step=step),
        epoch=progress.epoch,
        generator=torch.Generator().manual_seed(int(seed.generate_state(1)[0])),
        order=seen_order(job, crops.triples)
        if features is None
        else kept_order(job, features, epoch=epoch, step=step),
    )


def _step(job: Job, phase: Phase, moving: Moving, batch: Batch) -> dict[str, float]:
    optimiser = moving.optimiser
    optimiser.zero_grad(set_to_none=True)
    with autocast(job.recipe, job.device):
        terms: Terms = phase.loss(batch)
    terms["loss"].backward()  # type: ignore[no-untyped-call]
    if job.recipe.optimiser.clip:
        learns = [p for group in optimiser.param_groups for p in group["params"]]
        nn.utils.clip_grad_norm_(learns, job.recipe.optimiser.clip)
    optimiser.step()
    if not isinstance(moving.schedule, ReduceLROnPlateau):
        moving.schedule.step()
    if isinstance(moving.mean, AveragedModel):
        moving.mean.update_parameters(moving.learner)
    # One transfer for all numbers: each would wait for the device.
    values = torch.stack([term.detach().float() for term in terms.values()]).tolist()
    return dict(zip(terms, values, strict=True))


def _end_epoch(
    job: Job, phase: Phase, progress: Progress, moving: Moving, features: FeatureStore | None
) -> None:
    """Validate, keep the best, write the log and the state."""
    began = time.monotonic()
    network = _scorer(phase, moving, start_share=job.recipe.optimiser.start_share)
    found = None if network is None else judge(job, phase, network, features)
    spent = time.monotonic() - began
    progress.seconds += spent
    row: dict[str, Any] = {
        "phase": phase.name,
        "epoch": progress.epoch + 1,
        "rate": max(rates(moving.optimiser)),
        **{name: total / progress.step for name, total in progress.sums.items()},
    }
    if network is not None and found is not None:
        agreement = asdict(found)
        row |= {"val_loss": agreement.pop("loss"), **agreement}
        if isinstance(moving.schedule, ReduceLROnPlateau):
            moving.schedule.step(found.loss)
        _keep_best(job, progress, network, found, row)
    row["seconds"] = round(progress.epoch_seconds + spent, 2)
    progress.rows.append(row)
    progress.epoch += 1
    progress.step, progress.sums, progress.epoch_seconds = 0, {}, 0.0
    save_state(job.out / LAST, progress, moving)
    write_log(job.out / LOG, progress.rows)
    job.watcher.say(_line(phase, row))


def judge(job: Job, phase: Phase, network: nn.Module, features: FeatureStore | None) -> Validation:
    """Return how a network agrees with the validation labels."""
    if features is not None:
        found = predict_from_features(network, features, job.val, device=job.device)
        return validate(found, job.val_labels, phase.val_loss)
    predicted = predict(
        network,
        job.photos.store,
        job.val,
        contract=job.contract,
        blocks=job.val_blocks,
        device=job.device,
        workers=job.workers,
    )
    return validate(predicted, job.val_labels, phase.val_loss)


def _scorer(phase: Phase, moving: Moving, *, start_share: float) -> nn.Module | None:
    """Return the network to score with: of the mean weights, mixed with the first, if so asked."""
    network = phase.network
    if network is None:
        return None
    if moving.mean is not None:
        network = moving.mean.get_submodule(f"module.{phase.prefix}".rstrip("."))
    if moving.start is not None:
        network = mixed_with_start(moving.start, network, start_share=start_share)
    return network


def _keep_best(
    job: Job, progress: Progress, network: nn.Module, found: Validation, row: dict[str, Any]
) -> None:
    select = job.recipe.schedule.select
    value = found.plcc if select == "plcc" else found.srcc
    if select != "last" and progress.best is not None and value <= progress.best:
        progress.waited += 1
        return
    write_weights(job.out / BEST, network, job.trained)
    progress.best, progress.best_row, progress.waited = value, dict(row), 0


def _is_over(job: Job, phase: Phase, progress: Progress) -> bool:
    """Return whether a phase has had its epochs, or waited long enough for a better one."""
    schedule = job.recipe.schedule
    return progress.epoch >= phase.epochs or (
        phase.network is not None
        and 0 < schedule.patience <= progress.waited
        and progress.epoch >= schedule.least_epochs
    )


def _prefixed(slots: tuple[BackboneSlot, ...], prefix: str) -> tuple[BackboneSlot, ...]:
    return tuple(BackboneSlot(prefix + slot.prefix, slot.backbone) for slot in slots)


def _line(phase: Phase, row: dict[str, Any]) -> str:
    name = f"{phase.name} " if phase.name else ""
    numbers = [f"{k} {v:.4f}" for k, v in _shown(row)]
    return f"{name}epoch {row['epoch']} of {phase.epochs}: {', '.join(numbers)}"


def _shown(row: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for key, value in row.items():
        if key not in ("phase", "epoch", "rate", "seconds", "val_loss", "krcc"):
            yield key, value
