"""What a user asks of a training, what is told meanwhile, and what it has done."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from biqa_cli.computed_arrays import Tell
from biqa_cli.datasets.base import Dataset
from biqa_cli.recipes.record import Recipe

# Lines that tell how far something is.
_LINES = 8


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
    offline: bool = False
    """Whether none of them may be downloaded."""
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
    whole: bool = False
    """Whether photos that do not train are decoded, too: trainings of other splits share them, and
    where features are cached, the test photos are scored from theirs."""
    also: tuple[Dataset, ...] = ()
    """Further data sets, whole, for recipes that learn from such."""
    clean: tuple[Path, ...] = ()
    """Folders of photos without flaws, for recipes with examples."""
    command: str = ""
    """For the summary."""


class Watcher(Protocol):
    """Who is told how a training goes."""

    def step(self, done: int, total: int, loss: float) -> None:
        """Take note that `done` of `total` steps of a phase are done."""
        ...

    def say(self, line: str) -> None:
        """Take note of a line."""
        ...


class TimeIsUpError(Exception):
    """The deadline of a run has passed. What is done is on disk, and the next run continues it."""


def tell_until(deadline: float, watcher: Watcher, text: str) -> Tell:
    """Return what says about eight times how far work is, and stops it at a deadline.

    Args:
        deadline: Of `time.monotonic()`; then TimeIsUpError is raised, unless all is done.
        watcher: Who is told.
        text: Such as "{} of {} photos are decoded".
    """
    said = 0

    def tell(done: int, total: int) -> None:
        nonlocal said
        if done == total or done - said >= total / _LINES:
            said = done
            watcher.say(text.format(done, total))
        if done < total and time.monotonic() >= deadline:
            raise TimeIsUpError

    return tell


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has done."""

    finished: bool
    """False: the time was up, and `resume` continues."""
    weights: Path | None = None
    """The stored checkpoint; None where no epoch has come to its end."""
    test_part: str = ""
    """What `biqa evaluate --split` takes for the photos that were kept; empty where none were."""
    test_scores: Mapping[int, float] = field(default_factory=dict)
    """Native scores of the test photos by their indices, see `TrainingRequest.whole`; empty where
    no features are cached."""
