"""`biqa train` as one function: data set and recipe in, a folder with weights and curves out."""

import json
import math
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from biqa_cli import __version__
from biqa_cli.datasets.base import Dataset, LabelScale
from biqa_cli.datasets.split_files import save_split
from biqa_cli.errors import UsageError
from biqa_cli.models.catalog import LITE_MEAN, LITE_STD, MODELS
from biqa_cli.models.loading import assemble_network
from biqa_cli.models.options import OPTIONS, OptionValue
from biqa_cli.models.spec import Crops, InputContract, ScoreScale
from biqa_cli.models.torch_engine import load_tensors
from biqa_cli.models.trained import TrainedNetwork
from biqa_cli.training.checkpoints import (
    Progress,
    read_progress,
    read_weights,
    write_module,
    write_small,
    write_whole,
)
from biqa_cli.training.config import Recipe, to_toml
from biqa_cli.training.data import TrainingSet
from biqa_cli.training.families import PHASES, Phase, Setting
from biqa_cli.training.initial import set_starting_weights
from biqa_cli.training.log import draw_curves
from biqa_cli.training.loop import BEST, LAST, Job, Watcher, run_phase
from biqa_cli.training.parts import TrainingParts, training_parts
from biqa_cli.training.photos import PhotoStore, prepare_photos
from biqa_cli.training.trunks import trunk_slots
from biqa_cli.training.validation import predict, scoring_blocks, validate
from biqa_cli.weights.checkpoint import read_checkpoint

RECIPE, SPLIT, SUMMARY, CURVES = "recipe.toml", "split.txt", "summary.json", "curves.png"
PHOTOS = "photos"
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Order:
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
    """Whether to go on with the training in `out`, if there is one."""
    minutes: float = math.inf
    """When to stop, after the next step."""
    workers: int = 2
    """Threads that decode and make batches."""
    photos: Path | None = None
    """Folder of decoded photos; None is `photos` in `out`."""
    prepare_only: bool = False
    command: str = ""
    """For the summary."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has done."""

    finished: bool
    """False: the time was up, and `--resume` goes on."""
    weights: Path | None
    """The stored checkpoint; None where no epoch has come to its end."""
    model: str
    """Name of the catalogue that these weights fit."""


def train(order: Order, watcher: Watcher) -> Outcome:
    """Train a network, or go on with it; everything that is left lies in `order.out`.

    Raises:
        UsageError: If recipe, data set and folder do not fit, or the training diverges.
        WeightsError: If the starting weights are missing or of another network.
    """
    deadline = time.monotonic() + 60 * order.minutes
    recipe, dataset, out = order.recipe, order.dataset, order.out
    progress = _begin(order)
    parts = training_parts(
        dataset, split=order.split, seed=recipe.seed, val_share=recipe.input.val_share
    )
    store = _prepare(order, parts, deadline, watcher)
    if store is None or order.prepare_only:
        return Outcome(store is not None, None, "")
    train_set, val, val_labels, types = _labelled(dataset, parts, store, recipe)
    facts = {"split": parts.split.sha256, "photos": len(train_set.indices), "val": len(val)}
    if progress.facts and progress.facts != facts:
        msg = (
            f"{out} was trained on other photos ({progress.facts}, now {facts}): name another --out"
        )
        raise UsageError(msg)
    progress.facts = facts
    trained = _trained(recipe, dataset, types=len(types))
    notes: list[str] = []
    torch.manual_seed(recipe.seed)
    fresh = order if not progress.rows and not progress.step else None
    phases = _phases(order, trained, notes, load=fresh is not None or progress.more_phases)
    for note in notes if fresh else ():
        watcher.say(note)
    write_whole(out / RECIPE, to_toml(recipe))
    save_split(parts.split, dataset, out / SPLIT)
    job = Job(
        recipe=recipe,
        contract=trained.input,
        trained=trained,
        photos=train_set,
        val=val,
        val_labels=val_labels,
        val_blocks=_val_blocks(recipe, trained.input),
        out=out,
        device=order.device,
        workers=order.workers,
        deadline=deadline,
        watcher=watcher,
    )
    _say_sizes(watcher, parts, store, dataset, train_set)
    finished = progress.finished or _run(job, phases, progress)
    return _wrap_up(order, job, phases, progress, parts, store, notes, finished=finished)


def _begin(order: Order) -> Progress:
    """Return where the training in the folder stands, a fresh one where there is none."""
    state = order.out / LAST
    try:
        order.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make the folder {order.out}: {error.strerror}"
        raise UsageError(msg) from error
    if not state.is_file():
        return Progress()
    if not order.resume:
        msg = f"{order.out} holds a training: go on with it with --resume, or name another --out"
        raise UsageError(msg)
    return read_progress(state)


def _prepare(
    order: Order, parts: TrainingParts, deadline: float, watcher: Watcher
) -> PhotoStore | None:
    def go_on(done: int, total: int) -> bool:
        if done == total or done % 1000 < 60:  # noqa: PLR2004  about every thousand photos
            watcher.say(f"{done} of {total} photos are decoded")
        return time.monotonic() < deadline

    return prepare_photos(
        order.dataset,
        sorted((*parts.train, *parts.val)),
        order.photos or order.out / PHOTOS,
        size=(order.recipe.input.height, order.recipe.input.width),
        workers=order.workers,
        go_on=go_on,
    )


def _labelled(
    dataset: Dataset, parts: TrainingParts, store: PhotoStore, recipe: Recipe
) -> tuple[TrainingSet, tuple[int, ...], NDArray[np.float32], list[str]]:
    """Return training set, validation photos with labels, and the names of the types."""
    train = tuple(index for index in parts.train if index in store.rows)
    val = tuple(index for index in parts.val if index in store.rows)
    scale = dataset.scale

    def labels(indices: Sequence[int]) -> NDArray[np.float32]:
        native = np.array([dataset.images[index].mos for index in indices])
        if recipe.input.labels == "native":
            return native.astype(np.float32)
        share = (native - scale.lowest) / (scale.highest - scale.lowest)
        return (100 * share if recipe.input.labels == "percent" else share).astype(np.float32)

    kinds = [dataset.images[index].distortion for index in (*train, *val)]
    names = sorted({kind for kind in kinds if kind is not None}) if None not in kinds else []
    place = {name: number for number, name in enumerate(names)}
    types = np.array([place.get(dataset.images[i].distortion or "", -1) for i in train], np.int64)
    val_labels = labels(val)
    if len(val) < 3 or np.ptp(val_labels) == 0:  # noqa: PLR2004  what a correlation needs
        msg = f"the {len(val)} validation photos cannot be ordered: too few, or all labels alike"
        raise UsageError(msg)
    if len(train) < 2:  # noqa: PLR2004  a batch has two
        msg = f"only {len(train)} training photos can be read: see the first broken ones above"
        raise UsageError(msg)
    return TrainingSet(store, train, labels(train), types), val, val_labels, names


def _trained(recipe: Recipe, dataset: Dataset, *, types: int) -> TrainedNetwork:
    view = recipe.input
    options: dict[str, OptionValue] = dict(recipe.network)
    if "input_size" in OPTIONS[recipe.family]:
        options["input_size"] = view.crop or view.height
    if "types" in OPTIONS[recipe.family]:
        options["types"] = types
    mean, std = _normalisation(recipe)
    # NLNet cuts the view itself, into patches side by side.
    crops = Crops(view.crop, view.stride) if view.crop and recipe.family != "nlnet" else None
    return TrainedNetwork(
        family=recipe.family,
        trunks=recipe.trunks,
        options=options,
        input=InputContract(view.height, view.width, mean, std, crops=crops),
        scale=_score_scale(dataset, view.labels),
        dataset=dataset.name,
    )


def _normalisation(
    recipe: Recipe,
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    if recipe.family == "nlnet":
        return (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    if all(trunk.startswith("efficientnet-lite") for trunk in recipe.trunks):
        return LITE_MEAN, LITE_STD
    return _IMAGENET_MEAN, _IMAGENET_STD


def _score_scale(dataset: Dataset, labels: str) -> ScoreScale:
    scale: LabelScale = dataset.scale
    meaning = f"{scale.meaning} of {dataset.name}"
    if labels == "native":
        return ScoreScale(scale.lowest, scale.highest, scale.higher_is_better, meaning)
    highest = 100.0 if labels == "percent" else 1.0
    return ScoreScale(0.0, highest, scale.higher_is_better, f"{meaning}, from 0 to {highest:g}")


def _phases(
    order: Order, trained: TrainedNetwork, notes: list[str], *, load: bool
) -> tuple[Phase, ...]:
    recipe = order.recipe

    def build() -> nn.Module:
        network = assemble_network(recipe.family, recipe.trunks, options=trained.options)
        if load:
            slots = trunk_slots(recipe)
            notes.extend(set_starting_weights(network, slots, order.starts, family=recipe.family))
        return network

    span = trained.scale.highest - trained.scale.lowest
    setting = Setting(recipe=recipe, contract=trained.input, label_span=span, build=build)
    return PHASES[recipe.family](setting)


def _val_blocks(recipe: Recipe, contract: InputContract) -> Any:  # noqa: ANN401
    view = recipe.input
    return scoring_blocks(contract, crop=view.crop, stride=view.stride, at_most=view.val_crops)


def _run(job: Job, phases: tuple[Phase, ...], progress: Progress) -> bool:
    """Run the phases from where the training stands; return whether all came to their end."""
    for number, phase in enumerate(phases):
        kept = job.out / f"{phase.name}.safetensors"
        if number < progress.phase:
            read_weights(kept, phase.learner)
            phase.learner.to(job.device)
            continue
        if number > progress.phase:
            progress.phase, progress.epoch, progress.step = number, 0, 0
        progress.more_phases = number + 1 < len(phases)
        before = sum(earlier.epochs for earlier in phases[:number])
        if not run_phase(job, phase, progress, first_epoch=before):
            return False
        if progress.more_phases:
            write_module(kept, phase.learner)
    return True


def _say_sizes(
    watcher: Watcher,
    parts: TrainingParts,
    store: PhotoStore,
    dataset: Dataset,
    train_set: TrainingSet,
) -> None:
    for index, error in list(store.broken.items())[:_SHOWN]:
        watcher.say(f"left out: {dataset.images[index].path}: {error}")
    if len(store.broken) > _SHOWN:
        watcher.say(f"left out: {len(store.broken)} photos in all, see {SUMMARY}")
    held = len(parts.val) - sum(index in store.broken for index in parts.val)
    tested = len(parts.split.parts.get("test", ()))
    watcher.say(
        f"{len(train_set.indices)} photos train, {held} validate, {tested} are kept for the test"
    )
    if parts.split.leaky:
        watcher.say(f"LEAKY: {parts.split.reason}")


def _wrap_up(
    order: Order,
    job: Job,
    phases: tuple[Phase, ...],
    progress: Progress,
    parts: TrainingParts,
    store: PhotoStore,
    notes: list[str],
    *,
    finished: bool,
) -> Outcome:
    """Write what a run leaves: the stored checkpoint, the curves, the summary."""
    out, trained = order.out, job.trained
    model = _model_name(trained)
    dataset = "".join(c if c.isalnum() else "-" for c in _short_name(order.dataset.name))
    weights = out / f"{trained.family}-{dataset}.safetensors"
    stored = None
    exists = (out / BEST).is_file()
    if exists:
        write_small(weights, out / BEST, trained)
    if exists and finished:
        stored = _stored_agreement(job, phases[-1], weights)
    if progress.rows:
        draw_curves(out / CURVES, progress.rows)
    summary = {
        "finished": finished,
        "family": trained.family,
        "model": model,
        "weights": weights.name if exists else None,
        "command": order.command,
        "dataset": trained.dataset,
        "split": {
            "protocol": parts.split.protocol,
            "seed": parts.split.seed,
            "sha256": parts.split.sha256,
            "leaky": parts.split.leaky,
            "photos": {name: len(indices) for name, indices in parts.split.parts.items()},
        },
        "left_out": {order.dataset.images[i].path: e for i, e in store.broken.items()},
        "val": progress.best_row or None,
        "val_of_stored_weights": stored,
        "epochs": len(progress.rows),
        "seconds": round(progress.seconds, 1),
        "seed": order.recipe.seed,
        "start": notes or _earlier_start(out),
        "device": order.device,
        "versions": {
            "biqa": __version__,
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
        },
    }
    write_whole(out / SUMMARY, json.dumps(summary, indent=2) + "\n")
    return Outcome(finished, weights if exists else None, model)


def _stored_agreement(job: Job, phase: Phase, weights: Path) -> dict[str, float]:
    """Return how the stored checkpoint agrees with the validation labels: what storing costs."""
    network = cast("nn.Module", phase.network).to(job.device)
    load_tensors(network, read_checkpoint(weights, sha256=None))
    predicted = predict(
        network,
        job.photos.store,
        job.val,
        contract=job.contract,
        blocks=job.val_blocks,
        device=job.device,
        workers=job.workers,
    )
    found = validate(predicted, job.val_labels, phase.val_loss)
    return {"srcc": found.srcc, "plcc": found.plcc, "krcc": found.krcc}


def _earlier_start(out: Path) -> list[str]:
    """Return what the first run said of its starting weights."""
    try:
        found: list[str] = json.loads((out / SUMMARY).read_text(encoding="utf-8"))["start"]
    except (OSError, ValueError, KeyError):
        return []
    return found


def _short_name(dataset: str) -> str:
    name = dataset.removeprefix("csv:")
    return name.removesuffix(".csv").lower()


def _model_name(trained: TrainedNetwork) -> str:
    """Return the model of the catalogue to name with -m for these weights."""
    alike = [s for s in MODELS.values() if s.family == trained.family]
    same = [s for s in alike if s.trunks == trained.trunks]
    return (same or alike)[0].name
