"""The runs of a study, one after the other: training and evaluation, in this process."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from biqa_cli.datasets.base import Dataset
from biqa_cli.errors import BiqaError, UsageError
from biqa_cli.evaluation.drawing import require_matplotlib
from biqa_cli.evaluation.parts import choose_parts
from biqa_cli.evaluation.plots import plot
from biqa_cli.evaluation.predictions import Prediction
from biqa_cli.evaluation.report import METRICS, Record
from biqa_cli.evaluation.run import evaluate_tools, records_of
from biqa_cli.evaluation.tools import model_tool
from biqa_cli.models.loading import LoadedModel, load_model
from biqa_cli.models.spec import ScoreScale
from biqa_cli.scoring import score_files
from biqa_cli.studies.files import to_toml
from biqa_cli.studies.ledger import Result, claim, finished_runs, keep
from biqa_cli.studies.plan import ARROW, Plan, Run
from biqa_cli.studies.random_crops import reads_crops, score_random_crops
from biqa_cli.training.outputs import BEST, LAST, PHOTOS, SPLIT
from biqa_cli.training.request import Outcome, TrainingRequest, Watcher
from biqa_cli.training.run import train
from biqa_cli.whole_files import write_whole

STUDY = "study.toml"


@dataclass(frozen=True, slots=True)
class Means:
    """What the runs of a study may use."""

    device: str = "cpu"
    workers: int = 2
    minutes: float = math.inf
    """When to stop, after the next step."""
    resume: bool = False
    photos: Path | None = None
    """Folder of decoded photos and cached features; None is `photos` in the study's."""
    offline: bool = False
    """Whether neither models nor starting weights may be downloaded."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a study came to its end, or was stopped before."""

    left: int
    """Runs that have not finished: the time was up, they failed, or other processes are at them."""
    failed: tuple[str, ...] = ()
    """Why, a sentence for each run that failed."""


def run_study(plan: Plan, out: Path, means: Means, watcher: Watcher) -> Ended:
    """Run what has not finished of a study; all that is left lies in `out`.

    Several processes may run one study in the same folder: each takes runs that no other is at.

    Raises:
        UsageError: If the folder holds a study and this is not to go on with it.
        DependencyError: If the study draws each run and Matplotlib is not installed.
    """
    if plan.study.plots:
        require_matplotlib()
    if finished_runs(out) and not means.resume:
        msg = f"{out} holds runs of a study: go on with --resume, or name another -o"
        raise UsageError(msg)
    deadline = time.monotonic() + 60 * means.minutes
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make the folder {out}: {error.strerror}"
        raise UsageError(msg) from error
    write_whole(out / STUDY, to_toml(plan.study))
    failed = []
    for number, run in enumerate(plan.runs, 1):
        if run.key in finished_runs(out):
            continue
        with claim(out, run) as is_ours:
            # The process that had it may have finished it while this one was at others.
            if not is_ours or run.key in finished_runs(out):
                continue
            watcher.say(f"run {number} of {len(plan.runs)}: {run.describe()}")
            try:
                done = _run(plan, run, out, means, deadline, watcher)
            except BiqaError as error:
                watcher.say(f"failed: {error}")
                failed.append(f"{run.describe()}: {error}")
                continue
            if done is None:
                break
            keep(out, run, *done)
    finished = finished_runs(out)
    return Ended(sum(run.key not in finished for run in plan.runs), tuple(failed))


def _run(
    plan: Plan, run: Run, out: Path, means: Means, deadline: float, watcher: Watcher
) -> tuple[tuple[Result, ...], dict[str, Any]] | None:
    """Return what a run has come to; None where the time was up."""
    began = time.monotonic()
    folder, facts, split = out / "runs" / run.folder, dict[str, Any](), run.protocol
    scores: Mapping[int, float] = {}
    if run.recipe is None:
        model = load_model(run.model, device=means.device, offline=means.offline)
    else:
        outcome = _train(plan, run, out, means, deadline, watcher)
        if not outcome.finished or outcome.weights is None:
            return None
        model = load_model(outcome.weights, device=means.device)
        split = f"{folder / SPLIT}:test"
        scores = outcome.test_scores
        facts["weights"] = str(outcome.weights.relative_to(out))
        facts["scored"] = "cached features" if scores else "photos"
    results = tuple(_tests(plan, run, model, split, scores, folder, means))
    if run.recipe is not None:
        _remove_state(folder)
    return results, facts | {"seconds": round(time.monotonic() - began, 1)}


def _train(
    plan: Plan, run: Run, out: Path, means: Means, deadline: float, watcher: Watcher
) -> Outcome:
    assert run.recipe is not None, "the caller asks"  # noqa: S101  our invariant
    request = TrainingRequest(
        dataset=plan.datasets[run.dataset],
        recipe=run.recipe,
        out=out / "runs" / run.folder,
        split=run.protocol,
        starts=run.starts,
        offline=means.offline,
        device=means.device,
        resume=True,
        minutes=max(0.0, deadline - time.monotonic()) / 60,
        workers=means.workers,
        photos=means.photos or out / PHOTOS,
        whole=True,
        command=f"biqa study, {run.describe()}",
    )
    return train(request, watcher)


def _tests(
    plan: Plan,
    run: Run,
    model: LoadedModel,
    split: str | None,
    scores: Mapping[int, float],
    folder: Path,
    means: Means,
) -> Iterator[Result]:
    """Yield how a model agrees with people on each test of a run.

    `scores` are native ones that are known already; without, the photos are scored.
    """
    per = () if plan.study.per is None else (plan.study.per,)
    for name in run.tests or (run.dataset,):
        data = plan.datasets[name]
        parts = choose_parts(data, split="all" if run.tests else split, seeds=(run.seed,))
        tool = model_tool(model, data, workers=means.workers)
        if run.recipe is not None:
            read = partial(_scored, data, model, means.workers)
            said = partial(_known, data, scores) if scores else read
            tool = replace(tool, predict=partial(_as_said, said, model.spec.scale))
        (evaluated,) = evaluate_tools([tool], data, parts, per=per, resamples=0)
        if plan.study.plots:
            plot(evaluated.evaluations[0], folder / "plots")
        (record,) = records_of([evaluated], data)
        result = result_of(record, run)
        if plan.study.test_crops and reads_crops(model):
            cut = partial(_cropped, plan, run, data, model, means.workers)
            tool = replace(tool, predict=partial(_as_said, cut, model.spec.scale))
            again = evaluate_tools([tool], data, parts, per=per, resamples=0)
            result["crops"] = result_of(records_of(again, data)[0], run)
        yield result


_Native = tuple[str, float | None, str]
"""Path, native score and error of an image."""


def _known(data: Dataset, scores: Mapping[int, float], paths: Sequence[str]) -> Iterator[_Native]:
    """Yield what the training has made of the test photos."""
    by_path = {data.images[index].path: score for index, score in scores.items()}
    for path in paths:
        native = by_path.get(path)
        yield path, native, "" if native is not None else "it could not be decoded"


def _scored(
    data: Dataset, model: LoadedModel, workers: int, paths: Sequence[str]
) -> Iterator[_Native]:
    """Yield what a model makes of photos, by the code of `biqa score`."""
    results = score_files((str(data.root / path) for path in paths), model, workers=workers)
    for path, result in zip(paths, results, strict=True):
        yield path, result.native_score, result.error


def _cropped(
    plan: Plan, run: Run, data: Dataset, model: LoadedModel, workers: int, paths: Sequence[str]
) -> Iterator[_Native]:
    """Yield what a model makes of random crops of photos."""
    place = {image.path: index for index, image in enumerate(data.images)}
    return score_random_crops(
        data,
        [place[path] for path in paths],
        model,
        crops=plan.study.test_crops,
        seed=run.seed,
        workers=workers,
    )


def _as_said(
    read: Callable[[Sequence[str]], Iterator[_Native]], scale: ScoreScale, paths: Sequence[str]
) -> Iterator[Prediction]:
    """Yield native scores laid on 0 to 100 and no more, as the papers have it.

    `biqa score` also calibrates them, or cuts them off at the ends of the scale.
    """
    for path, native, error in read(paths):
        yield Prediction(path, None if native is None else 100 * scale.to_share(native), error)


def result_of(record: Record, run: Run) -> Result:
    """Return what a study keeps of an evaluation."""
    test, details = record["dataset"], record["details"]
    return {
        "dataset": f"{run.dataset}{ARROW}{test}" if run.tests else test,
        "n": record["n"],
        "failed": record["failed"],
        **{name: record[name] for name in (*METRICS, "r2")},
        **{f"quantile_{q}": loss for q, loss in (details["quantile_loss"] or {}).items()},
        "groups": record["groups"],
        "leaks": record["leaks"],
        "split": run.protocol or "",
        "split_sha256": record["split_sha256"],
    }


def _remove_state(folder: Path) -> None:
    """Delete what only an interrupted training needs: far more than all the rest."""
    for path in (folder, *folder.glob("round-*")):
        for name in (BEST, LAST, "teacher.safetensors"):
            with suppress(OSError):
                (path / name).unlink()
