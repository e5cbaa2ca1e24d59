"""What a user asks of a training, and what it has done."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from biqa_cli.datasets.base import Dataset
from biqa_cli.recipes.record import Recipe


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
    whole: bool = False
    """Whether photos that do not train are decoded, too: trainings of other splits share them, and
    where features are cached, the test photos are scored from theirs."""
    also: tuple[Dataset, ...] = ()
    """Further data sets, whole, for recipes that learn from such."""
    clean: tuple[Path, ...] = ()
    """Folders of photos without flaws, for recipes with examples."""
    command: str = ""
    """For the summary."""


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
