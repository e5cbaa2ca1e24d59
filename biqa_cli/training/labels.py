"""Labels of the photos that can be read, on the scale that a recipe asks for."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from biqa_cli.datasets.base import Dataset
from biqa_cli.datasets.splits import Split
from biqa_cli.errors import UsageError
from biqa_cli.images.view_store import ViewStore
from biqa_cli.training.job import RatedPhotos

_LEAST = 3


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


def scaled_labels(dataset: Dataset, indices: Sequence[int], *, labels: str) -> NDArray[np.float32]:
    """Return labels (n,): as they are, or the ends of their scale laid on 0 and 1, or 0 and 100.

    Nothing is flipped: labels of which lower is better stay so.
    """
    native = np.array([dataset.images[index].mos for index in indices], dtype=np.float64)
    if labels == "native":
        return native.astype(np.float32)
    scale = dataset.scale
    share = (native - scale.lowest) / (scale.highest - scale.lowest)
    return (100 * share if labels == "percent" else share).astype(np.float32)
