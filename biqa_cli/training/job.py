"""What all phases of a training share."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from biqa_cli.computed_arrays import computed_array
from biqa_cli.datasets.base import Dataset
from biqa_cli.datasets.splits import Split
from biqa_cli.distortions.examples import Clean
from biqa_cli.images.view_store import Pixels
from biqa_cli.models.spec import InputContract
from biqa_cli.models.trained import TrainedNetwork
from biqa_cli.recipes.record import Recipe
from biqa_cli.training.photos import RatedPhotos
from biqa_cli.training.request import Watcher, tell_until

_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Job:
    """What all phases of a training share."""

    recipe: Recipe
    trained: TrainedNetwork
    """What the finished file says of itself."""
    dataset: Dataset
    split: Split
    photos: RatedPhotos
    out: Path
    device: str
    workers: int
    deadline: float
    """Of `time.monotonic()`; infinite without a limit."""
    watcher: Watcher
    clean: tuple[tuple[Clean, ...], ...] = ()
    """Photos without flaws by folder, which become examples."""
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
    return computed_array(
        job.photos.store.home / f"{name}.npy",
        count,
        read=lambda rows: [view(row) for row in rows],
        compute=compute,
        at_once=_AT_ONCE,
        workers=job.workers,
        tell=tell_until(job.deadline, job.watcher, said),
    )
