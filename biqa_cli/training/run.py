"""`biqa train` as one function: data set and recipe in, a folder with weights and curves out."""

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from biqa_cli.datasets.base import Dataset
from biqa_cli.datasets.learnt import Learnt, learnt_from
from biqa_cli.datasets.split_files import save_split
from biqa_cli.datasets.splits import Split
from biqa_cli.datasets.validation_split import training_split
from biqa_cli.errors import UsageError
from biqa_cli.images.view_store import ViewStore, store_name, store_views
from biqa_cli.models.ancestry import learnt_by_starts
from biqa_cli.models.declared import learnt_of, plain_learnt
from biqa_cli.models.memory import keep_freed_memory
from biqa_cli.training.checkpoints import Progress, read_progress, read_weights, write_weights
from biqa_cli.training.description import describe_network, make_phases
from biqa_cli.training.families.base import Phase
from biqa_cli.training.job import Job, RatedPhotos, Watcher, told
from biqa_cli.training.labels import distortion_types, rated_photos
from biqa_cli.training.loop import BEST, LAST, run_phase
from biqa_cli.training.recipe import Recipe
from biqa_cli.training.recipe_files import rounds_of, to_toml
from biqa_cli.training.summary import (
    SUMMARY,
    has_ended,
    judge_stored,
    store_weights,
    write_summary,
)
from biqa_cli.training.validation import scoring_blocks
from biqa_cli.whole_files import write_whole

RECIPE, SPLIT, PHOTOS = "recipe.toml", "split.txt", "photos"
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What a user asks of one run."""

    dataset: Dataset
    """Whole, see `load_dataset(keep_missing=True)`."""
    recipe: Recipe
    out: Path
    """Folder of the outputs."""
    split: str | None = None
    """Protocol or file; None is the default of the data set."""
    starts: tuple[str, ...] = ("imagenet",)
    """Starting weights, see `set_starting_weights`."""
    device: str = "cpu"
    resume: bool = False
    """Whether to continue the training in `out`, if there is one."""
    finish: bool = False
    """Whether the training in `out` ends where it stands: its best epoch is judged and stored."""
    minutes: float = math.inf
    """When to stop, after the next step."""
    workers: int = 2
    """Threads that decode and make batches."""
    photos: Path | None = None
    """Folder of decoded photos; None is `photos` in `out`."""
    command: str = ""
    """For the summary."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has done."""

    finished: bool
    """False: the time was up, and `resume` continues."""
    weights: Path | None = None
    """The stored checkpoint; None where no epoch has come to its end."""
    model: str = ""
    """Name of the catalogue that these weights fit."""
    test_part: str = ""
    """What `biqa evaluate --split` takes for the photos that were kept; empty where none were."""


def train(request: TrainingRequest, watcher: Watcher) -> Outcome:
    """Train a network, or continue; everything that is left lies in `request.out`.

    Each round but the last has a folder of its own in there; the next one starts from its best
    weights.

    Raises:
        UsageError: If recipe, data set and folder do not fit, or the training diverges.
        WeightsError: If the starting weights are missing or of another network.
    """
    deadline = time.monotonic() + 60 * request.minutes
    if request.device == "cpu":
        keep_freed_memory()
    *earlier, last = _rounds(request)
    begun = any(_is_begun(each.out) for each in (*earlier, last))
    if begun and not (request.resume or request.finish):
        msg = f"{request.out} holds a training: continue with --resume, or name another --out"
        raise UsageError(msg)
    for number, each in enumerate((*earlier, last), 1):
        # The end that a user asks for is that of the last round.
        if each is not last and (request.finish or has_ended(each.out)):
            continue
        if earlier:
            watcher.say(f"round {number} of {len(earlier) + 1}")
        outcome = _train_round(each, request, deadline, watcher)
        if not outcome.finished:
            break
    return outcome


def _rounds(request: TrainingRequest) -> list[TrainingRequest]:
    """Return what each round is asked to do."""
    *earlier, last = rounds_of(request.recipe)
    shared = replace(request, photos=request.photos or request.out / PHOTOS)
    rounds, starts = [], request.starts
    for number, recipe in enumerate(earlier, 1):
        out = request.out / f"round-{number}"
        rounds.append(replace(shared, recipe=recipe, out=out, starts=starts, finish=False))
        starts = (str(out / BEST),)
    return [*rounds, replace(shared, recipe=last, starts=starts)]


def _is_begun(out: Path) -> bool:
    return (out / LAST).is_file()


def _train_round(
    request: TrainingRequest, whole: TrainingRequest, deadline: float, watcher: Watcher
) -> Outcome:
    """Train one round; `whole` is what all rounds together are asked to do."""
    recipe, dataset, out = request.recipe, request.dataset, request.out
    progress = _begin(request)
    split = training_split(
        dataset, split=request.split, seed=recipe.seed, val_share=recipe.input.val_share
    )
    types = distortion_types(dataset, split)
    trained = describe_network(recipe, dataset, types=len(types))
    torch.manual_seed(recipe.seed)
    begins = not (progress.rows or progress.step)
    # Before the photos, so that wrong weights are told at once.
    starts = request.starts if begins or progress.more_phases else ()
    phases, notes = make_phases(recipe, trained, starts)
    if begins:
        progress.starts = notes
        for note in notes:
            watcher.say(note)
    store = _prepare(request, split, deadline, watcher)
    if store is None:
        return Outcome(finished=False)
    photos = rated_photos(dataset, split, store, labels=recipe.input.labels)
    _say_photos(dataset, split, photos, watcher)
    _check_same(progress, split, photos, dataset, out)
    learnt = _learnt(progress, photos, dataset, workers=request.workers) | learnt_by_starts(starts)
    progress.learnt = plain_learnt(learnt)
    trained = replace(trained, learnt=learnt)
    write_whole(whole.out / RECIPE, to_toml(whole.recipe))
    save_split(split, dataset, out / SPLIT)
    job = Job(
        recipe=recipe,
        trained=trained,
        photos=photos,
        val_blocks=scoring_blocks(trained.input, recipe.input, at_most=recipe.input.val_crops),
        out=out,
        device=request.device,
        workers=request.workers,
        deadline=deadline,
        watcher=watcher,
    )
    for phase in phases:
        # One layout for what learns and what has learnt, so that it says the same to the last bit.
        phase.learner.to(job.device).to(memory_format=torch.channels_last)
    finished = request.finish or _run(job, phases, progress)
    weights = store_weights(out, trained) if progress.best_row else None
    stored = None
    if weights is not None and finished:
        # Minutes, where a photo is many crops: without a word it would seem to hang.
        watcher.say(f"the stored weights score {len(job.photos.val)} validation photos")
        stored = judge_stored(job, phases[-1], weights)
        if isinstance(stored.calibration, str):
            watcher.say(f"not calibrated: {stored.calibration}")
    facts = {"command": request.command, "starts": progress.starts, "types": types}
    write_summary(
        job,
        progress,
        split,
        dataset,
        finished=finished,
        weights=weights,
        stored=stored,
        facts=facts,
    )
    kept = f"{out / SPLIT}:test" if split.parts.get("test") else ""
    return Outcome(finished, weights, trained.model, kept)


def _begin(request: TrainingRequest) -> Progress:
    """Return where the training in the folder stands, a fresh one where there is none."""
    begun = _is_begun(request.out)
    progress = read_progress(request.out / LAST) if begun else Progress()
    if request.finish and not progress.best_row:
        msg = f"no epoch of a training in {request.out} has ended: continue with --resume"
        raise UsageError(msg)
    return progress


def _prepare(
    request: TrainingRequest, split: Split, deadline: float, watcher: Watcher
) -> ViewStore | None:
    """Make the folder of the outputs and decode the photos; None if the time is up first."""
    try:
        request.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make the folder {request.out}: {error.strerror}"
        raise UsageError(msg) from error
    dataset, view = request.dataset, request.recipe.input
    indices = sorted((*split.parts["train"], *split.parts["val"]))
    names = [dataset.images[index].path for index in indices]
    size = (view.height, view.width)
    return store_views(
        {index: dataset.file(index) for index in indices},
        (request.photos or request.out / PHOTOS) / store_name(dataset.name, names, size),
        size=size,
        workers=request.workers,
        go_on=told(watcher, deadline, "{} of {} photos are decoded"),
    )


def _check_same(
    progress: Progress, split: Split, photos: RatedPhotos, dataset: Dataset, out: Path
) -> None:
    """Raise UsageError if a training would continue with other photos than it began with."""
    facts = {
        "split": split.sha256,
        "labels": [dataset.scale.lowest, dataset.scale.highest],
        "train": len(photos.indices),
        "val": len(photos.val),
    }
    if progress.photos and progress.photos != facts:
        msg = f"{out} was trained on other photos ({progress.photos}, now {facts})"
        raise UsageError(msg)
    progress.photos = facts


def _learnt(progress: Progress, photos: RatedPhotos, dataset: Dataset, *, workers: int) -> Learnt:
    """Return what a training has learnt from: epochs are chosen by the photos that validate.

    The photos were decoded when it began, and so they are told by what was in their files then.
    """
    if progress.learnt:
        return learnt_of({"learnt": progress.learnt}) or Learnt()
    return learnt_from(dataset, (*photos.indices, *photos.val), workers=workers)


def _run(job: Job, phases: tuple[Phase, ...], progress: Progress) -> bool:
    """Run the phases from where the training stands; return whether all came to their end."""
    for number, phase in enumerate(phases):
        kept = job.out / f"{phase.name}.safetensors"
        if number < progress.phase:
            read_weights(kept, phase.learner)
            continue
        if number > progress.phase:
            progress.phase, progress.epoch, progress.step = number, 0, 0
        progress.more_phases = number + 1 < len(phases)
        before = sum(earlier.epochs for earlier in phases[:number])
        if not run_phase(job, phase, progress, before=before):
            return False
        if progress.more_phases:
            write_weights(kept, phase.learner)
    return True


def _say_photos(dataset: Dataset, split: Split, photos: RatedPhotos, watcher: Watcher) -> None:
    broken = photos.store.broken
    for index, error in list(broken.items())[:_SHOWN]:
        watcher.say(f"left out: {dataset.images[index].path}: {error}")
    if len(broken) > _SHOWN:
        watcher.say(f"left out: {len(broken)} photos in all, see {SUMMARY}")
    trained, tested = len(photos.indices), len(split.parts.get("test", ()))
    watcher.say(
        f"{trained} photos train, {len(photos.val)} validate, {tested} are kept for the test"
    )
    if split.leaky:
        watcher.say(f"LEAKY: {split.reason}")
