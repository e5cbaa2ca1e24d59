"""From what a user asks to a job: photos, network and phases, checked against what has begun."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import torch

from biqa_cli.datasets.base import Dataset
from biqa_cli.datasets.learnt import Learnt, learnt_from, photo_hash
from biqa_cli.datasets.validation_split import training_split
from biqa_cli.errors import UsageError
from biqa_cli.models.ancestry import learnt_by_starts
from biqa_cli.models.declared import learnt_of, plain_learnt
from biqa_cli.recipes.network import describe_network
from biqa_cli.training.checkpoints import read_row
from biqa_cli.training.families import make_phases
from biqa_cli.training.families.base import Phase
from biqa_cli.training.job import Job
from biqa_cli.training.outputs import BEST, LAST, SUMMARY
from biqa_cli.training.photos import (
    RatedPhotos,
    clean_photos,
    decoded,
    distortion_types,
    other_photos,
    rated_photos,
)
from biqa_cli.training.request import TrainingRequest, Watcher
from biqa_cli.training.state import Progress, read_progress

_SHOWN = 5


def prepare(
    request: TrainingRequest, deadline: float, watcher: Watcher
) -> tuple[Job, tuple[Phase, ...], Progress]:
    """Return what a round trains on, what trains it, and where it stands.

    Raises:
        TimeIsUpError: If the time is up before all photos are decoded.
        UsageError: If recipe, photos and folder do not fit.
        WeightsError: If the starting weights are missing or of another network.
    """
    recipe, dataset = request.recipe, request.dataset
    _require_photos(request)
    progress = _begin(request)
    split = training_split(
        dataset, split=request.split, seed=recipe.seed, val_share=recipe.input.val_share
    )
    types = distortion_types(dataset, split)
    trained = describe_network(recipe, dataset, types=len(types))
    torch.manual_seed(recipe.seed)
    begins = not (progress.rows or progress.step)
    # Before the photos, so that wrong weights are told at once.
    if begins:
        progress.init = list(request.starts)
    starts = tuple(progress.init) if begins or progress.more_phases else ()
    phases, notes = make_phases(recipe, trained, starts, offline=request.offline)
    if begins:
        progress.starts = notes
        for note in notes:
            watcher.say(note)
    # Before the photos, too: a folder without photos is told at once.
    clean = clean_photos(request.clean)
    store = decoded(request, split, deadline, watcher)
    also = other_photos(request, deadline, watcher)
    job = Job(
        recipe=recipe,
        trained=trained,
        dataset=dataset,
        split=split,
        photos=rated_photos(dataset, split, store, labels=recipe.input.labels),
        out=request.out,
        device=request.device,
        workers=request.workers,
        deadline=deadline,
        watcher=watcher,
        clean=clean,
        also=tuple(photos for _, photos in also),
    )
    _say_photos(job)
    _check_same(job, progress)
    learnt = _learnt(job, progress, also) | learnt_by_starts(starts)
    progress.learnt = plain_learnt(learnt)
    for phase in phases:
        # One layout for what learns and what has learnt, so that it says the same to the last bit.
        phase.learner.to(job.device).to(memory_format=torch.channels_last)
    return replace(job, trained=replace(trained, learnt=learnt)), phases, progress


def _require_photos(request: TrainingRequest) -> None:
    """Raise UsageError if there are photos that a recipe has no use for, or none that it wants."""
    recipe = request.recipe
    if bool(request.also) != bool(recipe.also.weight):
        raise UsageError(
            "--also and also.weight go together: give both, or set also.weight=0 and leave it out"
        )
    if request.clean and not recipe.examples.weight:
        raise UsageError("--clean is for recipes with examples: set examples.weight, or leave it")


def _begin(request: TrainingRequest) -> Progress:
    """Return where the training in the folder stands, a fresh one where there is none."""
    state = request.out / LAST
    progress = read_progress(state) if state.is_file() else Progress()
    if request.finish and not progress.best_row:
        msg = f"no epoch of a training in {request.out} has ended: continue with --resume"
        raise UsageError(msg)
    if progress.best_row:
        # An epoch may have been killed between its weights and the state that knows them.
        progress.best_row = read_row(request.out / BEST) or progress.best_row
    return progress


def _check_same(job: Job, progress: Progress) -> None:
    """Raise UsageError if a training would continue with other photos than it began with."""
    photos, scale = job.photos, job.dataset.scale
    ratings = photos.labels.tobytes() + photos.val_labels.tobytes() + photos.types.tobytes()
    facts = {
        "split": job.split.sha256,
        "ratings": hashlib.sha256(ratings).hexdigest(),
        "labels": [scale.lowest, scale.highest],
        "train": len(photos.indices),
        "val": len(photos.val),
        "also": [hashlib.sha256(one.labels.tobytes()).hexdigest() for one in job.also],
        "clean": hashlib.sha256(repr(job.clean).encode()).hexdigest(),
    }
    if progress.photos and progress.photos != facts:
        other = ", ".join(name for name in facts if progress.photos.get(name) != facts[name])
        msg = (
            f"the training in {job.out} began with other photos or ratings (another {other}): "
            "restore them, or train anew in another --out"
        )
        raise UsageError(msg)
    progress.photos = facts


def _learnt(job: Job, progress: Progress, also: Sequence[tuple[Dataset, RatedPhotos]]) -> Learnt:
    """Return what a training has learnt from: epochs are chosen by the photos that validate.

    The photos were decoded when it began, and so they are told by what was in their files then.
    """
    if progress.learnt:
        return learnt_of({"learnt": progress.learnt}) or Learnt()
    photos = (*job.photos.indices, *job.photos.val)
    found = learnt_from(job.dataset, photos, workers=job.workers)
    for dataset, others in also:
        found |= learnt_from(dataset, others.indices, workers=job.workers)
    clean = (photo_hash(one.file) for one in chain.from_iterable(job.clean))
    return found | Learnt(frozenset(filter(None, clean)))


def _say_photos(job: Job) -> None:
    broken, watcher = job.photos.store.broken, job.watcher
    for index, error in list(broken.items())[:_SHOWN]:
        watcher.say(f"left out: {job.dataset.images[index].path}: {error}")
    if len(broken) > _SHOWN:
        watcher.say(f"left out: {len(broken)} photos in all, see {SUMMARY}")
    trained, val, tested = len(job.photos.indices), job.photos.val, job.split.parts.get("test", ())
    watcher.say(f"{trained} photos train, {len(val)} validate, {len(tested)} are kept for the test")
    if job.split.leaky:
        watcher.say(f"LEAKY: {job.split.reason}")
