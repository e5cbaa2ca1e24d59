"""What all phases of a training share."""

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from biqa_cli.blocks.grid import Block
from biqa_cli.computed_arrays import GoOn
from biqa_cli.datasets.base import Dataset
from biqa_cli.datasets.splits import Split
from biqa_cli.images.view_store import ViewStore
from biqa_cli.models.spec import InputContract
from biqa_cli.models.trained import TrainedNetwork
from biqa_cli.recipes.record import Recipe
from biqa_cli.training.examples import Clean

_LINES = 8


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
