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
from biqa_cli.training.data import TrainingSet
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
class Job:
    """What all phases of a training share."""

    recipe: Recipe
    contract: InputContract
    trained: TrainedNetwork
    photos: TrainingSet
    val: tuple[int, ...]
    val_labels: NDArray[np.float32]
    val_blocks: tuple[Block, ...]
    out: Path
    device: str
    workers: int
    deadline: float
    """Of `time.monotonic()`; infinite without a limit."""
    watcher: Watcher


def autocast(recipe: Recipe, device: str) -> AbstractContextManager[Any]:
    """Return the context of mixed precision that a recipe asks for on a device."""
    precision = recipe.optimiser.precision
    if precision == "bfloat16" or (precision == "auto" and device == "cuda"):
        return torch.autocast(device, dtype=torch.bfloat16)
    return nullcontext()
