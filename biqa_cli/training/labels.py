"""Labels of the photos that can be read, on the scale that a recipe asks for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biqa_cli.datasets.base import Dataset, LabelScale
from biqa_cli.datasets.splits import Split
from biqa_cli.errors import UsageError
from biqa_cli.models.spec import ScoreScale
from biqa_cli.training.job import TrainingSet
from biqa_cli.training.photos import PhotoStore

_LEAST_TRAIN, _LEAST_VAL = 2, 3


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a network learns from and is judged by."""

    train: TrainingSet
    val: tuple[int, ...]
    """Indices of the validation photos in the data set."""
    val_labels: NDArray[np.float32]


def labelled(dataset: Dataset, split: Split, store: PhotoStore, *, labels: str) -> Labelled:
    """Return the photos that can be read, with labels "native", "unit" or "percent".

    Raises:
        UsageError: If too few are left, or the validation labels are all the same.
    """
    train = tuple(index for index in split.parts["train"] if index in store.rows)
    val = tuple(index for index in split.parts["val"] if index in store.rows)
    val_labels = scaled_labels(dataset, val, labels=labels)
    if len(val) < _LEAST_VAL or np.ptp(val_labels) == 0:
        msg = f"{len(val)} validation photos cannot be ordered: too few, or all labels alike"
        raise UsageError(msg)
    if len(train) < _LEAST_TRAIN:
        msg = f"only {len(train)} training photos can be read, {len(store.broken)} are broken"
        raise UsageError(msg)
    types = distortion_types(dataset, split)
    numbers = [types.index(dataset.images[i].distortion or "") if types else -1 for i in train]
    return Labelled(
        train=TrainingSet(
            store=store,
            indices=train,
            labels=scaled_labels(dataset, train, labels=labels),
            types=np.array(numbers, dtype=np.int64),
        ),
        val=val,
        val_labels=val_labels,
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


def score_scale(dataset: Dataset, *, labels: str) -> ScoreScale:
    """Return the scale of what a network learns to say."""
    scale: LabelScale = dataset.scale
    meaning = f"{scale.meaning} of {dataset.name}"
    if labels == "native":
        return ScoreScale(scale.lowest, scale.highest, scale.higher_is_better, meaning)
    highest = 100.0 if labels == "percent" else 1.0
    return ScoreScale(0.0, highest, scale.higher_is_better, f"{meaning}, from 0 to {highest:g}")
