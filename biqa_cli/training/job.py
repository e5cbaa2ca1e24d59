"""What all phases of a training share. Records only, and the precision that they compute in."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from biqa_cli.blocks.grid import Block
from biqa_cli.models.spec import InputContract
from biqa_cli.models.trained import TrainedNetwork
from biqa_cli.training.photos import PhotoStore
from biqa_cli.training.recipe import Recipe


class Watcher(Protocol):
    """Who is told how a training goes."""

    def step(self, done: int, total: int, loss: float) -> None:
        """Take note that `done` of `total` steps of a phase are done."""
        ...

    def say(self, line: str) -> None:
        """Take note of a line."""
        ...


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The photos that train, and their labels on the recipe's scale."""

    store: PhotoStore
    indices: tuple[int, ...]
    """Of the photos in their data set; none is broken."""
    labels: NDArray[np.float32]
    types: NDArray[np.int64]
    """Of distortion, counted from 0; -1 where a photo has none."""

    def index_of(self, sample: int) -> int:
        """Return the index of the photo of a sample; a photo may have several."""
        return self.indices[sample % len(self.indices)]


@dataclass(frozen=True, slots=True)
class Job:
    """What all phases of a training share."""

    recipe: Recipe
    trained: TrainedNetwork
    """What the finished file says of itself."""
    photos: TrainingSet
    val: tuple[int, ...]
    """Indices of the validation photos."""
    val_labels: NDArray[np.float32]
    val_blocks: tuple[Block, ...]
    """The crops that validation scores."""
    out: Path
    device: str
    workers: int
    deadline: float
    """Of `time.monotonic()`; infinite without a limit."""
    watcher: Watcher

    @property
    def contract(self) -> InputContract:
        """What the network reads."""
        return self.trained.input


def autocast(recipe: Recipe, device: str) -> AbstractContextManager[Any]:
    """Return the context of mixed precision that a recipe asks for on a device."""
    precision = recipe.optimiser.precision
    if precision == "bfloat16" or (precision == "auto" and device == "cuda"):
        return torch.autocast(device, dtype=torch.bfloat16)
    return nullcontext()
