"""What all phases of a training share."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from biqa_cli.blocks.grid import Block
from biqa_cli.computed_arrays import GoOn, computed_array
from biqa_cli.datasets.base import Dataset
from biqa_cli.datasets.splits import Split
from biqa_cli.distortions.examples import Clean
from biqa_cli.images.view_store import Pixels, ViewStore
from biqa_cli.models.spec import InputContract
from biqa_cli.models.trained import TrainedNetwork
from biqa_cli.recipes.record import Recipe

# Lines that tell how far something is, and views of one step of it.
_LINES, _AT_ONCE = 8, 16


class Watcher(Protocol):
    """Who is told how a training goes."""

    def step(self, done: int, total: int, loss: float) -> None:
        """Take note that `done` of `total` steps of a phase are done."""
        ...

    def say(self, line: str) -> None:
        """Take note of a line."""
        ...


@dataclass(frozen=True, slots=True)
class RatedPhotos:
    """The photos of a training, and their labels on the recipe's scale."""

    store: ViewStore
    indices: tuple[int, ...]
    """Of the photos that train, in their data set; none is broken."""
    labels: NDArray[np.float32]
    types: NDArray[np.int64]
    """Of distortion, counted from 0; -1 where a photo has none."""
    val: tuple[int, ...]
    """Indices of the photos that validate."""
    val_labels: NDArray[np.float32]

    def index_of(self, sample: int) -> int:
        """Return the index of the photo of a sample; a photo may have several."""
        return self.indices[sample % len(self.indices)]


@dataclass(frozen=True, slots=True)
class Job:
    """What all phases of a training share."""

    recipe: Recipe
    trained: TrainedNetwork
    """What the finished file says of itself."""
    dataset: Dataset
    split: Split
    photos: RatedPhotos
    val_blocks: tuple[Block, ...]
    """The crops that validation scores."""
    out: Path
    device: str
    workers: int
    deadline: float
    """Of `time.monotonic()`; infinite without a limit."""
    watcher: Watcher
    clean: tuple[Clean, ...] = ()
    """Photos without flaws, which become examples."""
    also: tuple[RatedPhotos, ...] = ()
    """Of other data sets, labelled on scales of their own that rise where the recipe's does."""

    @property
    def contract(self) -> InputContract:
        """What the network reads."""
        return self.trained.input


def autocast(recipe: Recipe, device: str) -> AbstractContextManager[Any]:
    """Return the context of mixed precision that a recipe asks for on a device."""
    if is_mixed(recipe, device):
        return torch.autocast(device, dtype=torch.bfloat16)
    return nullcontext()


def is_mixed(recipe: Recipe, device: str) -> bool:
    """Return whether a recipe is computed in bfloat16 mixed precision on a device."""
    precision = recipe.optimiser.precision
    return precision == "bfloat16" or (precision == "auto" and device == "cuda")


class TimeIsUpError(Exception):
    """The deadline of a run has passed. What is done is on disk, and the next run continues it."""


def go_on_until(deadline: float, watcher: Watcher, text: str) -> GoOn:
    """Return what stops work at a deadline and says about eight times how far it is.

    Args:
        deadline: Of `time.monotonic()`.
        watcher: Who is told.
        text: Such as "{} of {} photos are decoded".
    """
    said = 0

    def go_on(done: int, total: int) -> bool:
        nonlocal said
        if done == total or done - said >= total / _LINES:
            said = done
            watcher.say(text.format(done, total))
        return time.monotonic() < deadline

    return go_on


def kept_on_disk(
    job: Job,
    name: str,
    view: Callable[[int], Pixels],
    count: int,
    *,
    compute: Callable[[list[Pixels]], NDArray[Any]],
    said: str,
) -> NDArray[Any]:
    """Return an array (count, …) that lies beside the decoded photos, mapped into memory.

    Args:
        job: Of the photos.
        name: Of the file; it must change with all that the array depends on.
        view: Makes the view of a row; called in threads.
        count: How many rows.
        compute: Returns rows for some views.
        said: Such as "{} of {} examples are made".

    Raises:
        TimeIsUpError: If the time is up; what is done is kept for the next run.
        UsageError: If the folder cannot be written.
    """
    values = computed_array(
        job.photos.store.home / f"{name}.npy",
        count,
        read=lambda rows: [view(row) for row in rows],
        compute=compute,
        at_once=_AT_ONCE,
        workers=job.workers,
        go_on=go_on_until(job.deadline, job.watcher, said),
    )
    if values is None:
        raise TimeIsUpError
    return values
