"""`biqa train` as one function: data set and recipe in, a folder with weights and curves out."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import replace

import torch

from biqa_cli.datasets.base import Dataset
from biqa_cli.datasets.learnt import Learnt, learnt_from, photo_hash
from biqa_cli.datasets.split_files import save_split
from biqa_cli.datasets.validation_split import training_split
from biqa_cli.errors import UsageError
from biqa_cli.models.ancestry import learnt_by_starts
from biqa_cli.models.declared import learnt_of, plain_learnt
from biqa_cli.models.memory import keep_freed_memory
from biqa_cli.recipes.files import rounds_of, to_toml
from biqa_cli.recipes.network import describe_network
from biqa_cli.training.checkpoints import (
    Progress,
    read_progress,
    read_row,
    read_weights,
    write_weights,
)
from biqa_cli.training.families import make_phases
from biqa_cli.training.families.base import Phase
from biqa_cli.training.features import photo_features
from biqa_cli.training.job import Job
from biqa_cli.training.loop import BEST, LAST, run_phase
from biqa_cli.training.photos import (
    PHOTOS,
    SPLIT,
    RatedPhotos,
    clean_photos,
    decoded,
    distortion_types,
    other_photos,
    rated_photos,
)
from biqa_cli.training.request import Outcome, TimeIsUpError, TrainingRequest, Watcher
from biqa_cli.training.seen import Seen
from biqa_cli.training.summary import (
    SUMMARY,
    has_ended,
    judge_stored,
    store_weights,
    write_summary,
)
from biqa_cli.training.validation import predict_features, scoring_blocks
from biqa_cli.whole_files import write_whole

RECIPE = "recipe.toml"
_SHOWN = 5


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
    begun = any((each.out / LAST).is_file() for each in (*earlier, last))
    if begun and not (request.resume or request.finish):
        msg = f"{request.out} holds a training: continue with --resume, or name another --out"
        raise UsageError(msg)
    for number, each in enumerate((*earlier, last), 1):
        # The end that a user asks for is that of the last round.
        if each is not last and (request.finish or has_ended(each.out)):
            continue
        if earlier:
            watcher.say(f"round {number} of {len(earlier) + 1}")
        try:
            outcome = _train_round(each, request, deadline, watcher)
        except TimeIsUpError:
            return Outcome(finished=False)
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


def _train_round(
    request: TrainingRequest, whole: TrainingRequest, deadline: float, watcher: Watcher
) -> Outcome:
    """Train one round; `whole` is what all rounds together are asked to do."""
    recipe, dataset, out = request.recipe, request.dataset, request.out
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
    phases, notes = make_phases(recipe, trained, starts)
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
        val_blocks=scoring_blocks(trained.input, recipe.input, at_most=recipe.input.val_crops),
        out=out,
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
    job = replace(job, trained=replace(trained, learnt=learnt))
    write_whole(whole.out / RECIPE, to_toml(whole.recipe))
    save_split(split, dataset, out / SPLIT)
    for phase in phases:
        # One layout for what learns and what has learnt, so that it says the same to the last bit.
        phase.learner.to(job.device).to(memory_format=torch.channels_last)
    epochs, finished = len(progress.rows), True
    if not request.finish:
        try:
            _run(job, phases, progress)
        except TimeIsUpError:
            finished = False
    weights = store_weights(job) if progress.best_row else None
    # Before the stored weights replace those that the features come from.
    is_scored = request.whole and recipe.is_cached and finished and not request.finish
    features = photo_features(job, phases[-1]) if is_scored else None
    stored = judge_stored(job, phases[-1], weights, features) if weights and finished else None
    if stored and epochs == len(progress.rows) and not request.finish:
        watcher.say(f"the training in {out} had finished: its weights are {weights}")
    facts = {"finished": finished, "command": request.command, "types": types}
    write_summary(job, progress, weights, stored, facts=facts)
    test_part = f"{out / SPLIT}:test" if split.parts.get("test") else ""
    scores = _test_scores(job, phases[-1], features) if features and stored else {}
    return Outcome(finished, weights, test_part, scores)


def _test_scores(job: Job, phase: Phase, features: Seen) -> dict[int, float]:
    """Return the native score of each test photo whose features are cached, by its index.

    The head is the stored one. `biqa score` also has a backbone in int8, which features have not
    seen.
    """
    known = [index for index in job.split.parts.get("test", ()) if index in features.rows]
    if not known or phase.network is None:
        return {}
    scores = predict_features(phase.network, features, known, job.device)
    return dict(zip(known, scores.tolist(), strict=True))


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
    return found | Learnt(frozenset(filter(None, (photo_hash(one.file) for one in job.clean))))


def _run(job: Job, phases: tuple[Phase, ...], progress: Progress) -> None:
    """Run the phases from where the training stands."""
    for number, phase in enumerate(phases):
        kept = job.out / f"{phase.name}.safetensors"
        if number < progress.phase:
            read_weights(kept, phase.learner)
            continue
        if number > progress.phase:
            progress.phase, progress.epoch, progress.step = number, 0, 0
        progress.more_phases = number + 1 < len(phases)
        before = sum(earlier.epochs for earlier in phases[:number])
        run_phase(job, phase, progress, before=before)
        if progress.more_phases:
            write_weights(kept, phase.learner, job.trained)


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
