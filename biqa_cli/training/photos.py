"""The photos of a training, decoded and labelled: those of its data set, and those beside them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biqa_cli.datasets.base import Dataset
from biqa_cli.datasets.split_files import save_split
from biqa_cli.datasets.splits import Split
from biqa_cli.datasets.validation_split import training_split
from biqa_cli.distortions.examples import Clean
from biqa_cli.errors import ImageError, UsageError
from biqa_cli.images.discovery import find_images
from biqa_cli.images.reading import read_photo
from biqa_cli.images.view_store import ViewStore, store_name, store_views
from biqa_cli.recipes.labels import scaled_labels
from biqa_cli.training.outputs import PHOTOS, SPLIT
from biqa_cli.training.request import TrainingRequest, Watcher, tell_until

_LEAST = 3
_LIMIT_HINT = "raise it with --max-megapixels"


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


def decoded(request: TrainingRequest, split: Split, deadline: float, watcher: Watcher) -> ViewStore:
    """Make the folder of the outputs, decode the photos of a split and return them.

    Raises:
        UsageError: If there can be no such folder.
        TimeIsUpError: If the time was up before all were decoded.
    """
    try:
        request.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make the folder {request.out}: {error.strerror}"
        raise UsageError(msg) from error
    dataset, view = request.dataset, request.recipe.input
    trains = sorted((*split.parts["train"], *split.parts["val"]))
    indices = range(len(dataset.images)) if request.whole else trains
    names = [str(dataset.file(index)) for index in indices]
    size = view.size
    store = store_views(
        {index: dataset.file(index) for index in indices},
        (request.photos or request.out / PHOTOS) / store_name(dataset.name, names, size),
        size=size,
        workers=request.workers,
        tell=tell_until(deadline, watcher, "{} of {} photos are decoded"),
    )
    # Other commands have an option for the limit of pixels, this one has not.
    return replace(
        store,
        broken={i: e.replace(_LIMIT_HINT, "reduce the photo") for i, e in store.broken.items()},
    )


def rated_photos(dataset: Dataset, split: Split, store: ViewStore, *, labels: str) -> RatedPhotos:
    """Return the photos that can be read, with labels "native", "unit" or "percent".

    Raises:
        UsageError: If too few are left, or their labels are all the same.
    """
    train, val = (
        tuple(index for index in split.parts[part] if index in store.rows)
        for part in ("train", "val")
    )
    known = [scaled_labels(dataset, chosen, labels=labels) for chosen in (train, val)]
    for name, values in zip(("training", "validation"), known, strict=True):
        if len(values) < _LEAST or np.ptp(values) == 0:
            msg = (
                f"{len(values)} {name} photos cannot be ordered: they are fewer than {_LEAST}, or "
                f"their labels are all the same ({len(store.broken)} photos are broken)"
            )
            raise UsageError(msg)
    types = distortion_types(dataset, split)
    numbers = [types.index(dataset.images[i].distortion or "") if types else -1 for i in train]
    return RatedPhotos(
        store=store,
        indices=train,
        labels=known[0],
        types=np.array(numbers, dtype=np.int64),
        val=val,
        val_labels=known[1],
    )


def distortion_types(dataset: Dataset, split: Split) -> tuple[str, ...]:
    """Return the names of the distortions by number; empty where a photo has none."""
    kinds = [
        dataset.images[index].distortion for index in (*split.parts["train"], *split.parts["val"])
    ]
    return tuple(sorted({kind for kind in kinds if kind})) if all(kinds) else ()


def other_photos(
    request: TrainingRequest, deadline: float, watcher: Watcher
) -> list[tuple[Dataset, RatedPhotos]]:
    """Return other data sets and their training photos; their test parts are never opened.

    Labels rise where those of the first data set do.
    """
    found = []
    for dataset in request.also:
        split = training_split(dataset, split=None, seed=request.recipe.seed, val_share=0)
        store = decoded(replace(request, dataset=dataset), split, deadline, watcher)
        photos = rated_photos(dataset, split, store, labels="unit")
        if dataset.scale.higher_is_better != request.dataset.scale.higher_is_better:
            photos = replace(photos, labels=1 - photos.labels)
        save_split(split, dataset, request.out / f"{dataset.name.replace(':', '-')}-{SPLIT}")
        watcher.say(f"{len(photos.indices)} photos of {dataset.name} train, too")
        found.append((dataset, photos))
    return found


def clean_photos(folders: Sequence[Path]) -> tuple[tuple[Clean, ...], ...]:
    """Return the photos of each folder, in the order of their names.

    Raises:
        UsageError: If a folder has none, or one of them cannot be read.
    """
    found = []
    for folder in folders:
        photos = []
        names = list(find_images([str(folder)]))
        if not names:
            msg = f"{folder} has no photos: name a folder of photos without flaws"
            raise UsageError(msg)
        for name in names:
            try:
                photo = read_photo(name, at_least=(1, 1))
            except ImageError as error:
                msg = f"{name}: {error}: take it out of the photos without flaws"
                raise UsageError(msg) from error
            photos.append(Clean(Path(name), photo.width * photo.height))
        found.append(tuple(photos))
    return tuple(found)
