"""`biqa train` as one function: data set and recipe in, a folder with weights and curves out."""

import time
from dataclasses import replace

from biqa_cli.datasets.split_files import save_split
from biqa_cli.errors import UsageError
from biqa_cli.models.memory import keep_freed_memory
from biqa_cli.recipes.files import rounds_of, to_toml
from biqa_cli.training.checkpoints import read_weights, write_weights
from biqa_cli.training.families.base import Phase
from biqa_cli.training.job import Job
from biqa_cli.training.loop import run_phase
from biqa_cli.training.outputs import BEST, LAST, PHOTOS, RECIPE, SPLIT
from biqa_cli.training.preparation import prepare
from biqa_cli.training.request import Outcome, TimeIsUpError, TrainingRequest, Watcher
from biqa_cli.training.state import Progress
from biqa_cli.training.summary import conclude, has_ended
from biqa_cli.whole_files import write_whole


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
    job, phases, progress = prepare(request, deadline, watcher)
    write_whole(whole.out / RECIPE, to_toml(whole.recipe))
    save_split(job.split, job.dataset, job.out / SPLIT)
    epochs, finished = len(progress.rows), True
    if not request.finish:
        try:
            _run(job, phases, progress)
        except TimeIsUpError:
            finished = False
    outcome = conclude(job, phases[-1], progress, request, finished=finished)
    if finished and epochs == len(progress.rows) and not request.finish:
        watcher.say(f"the training in {job.out} had finished: its weights are {outcome.weights}")
    return outcome


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
