"""Which photos train and which validate. The test part is never opened."""

import random
from pathlib import Path

from biqa_cli.datasets.base import Dataset
from biqa_cli.datasets.split_files import load_split
from biqa_cli.datasets.splits import Split, split_dataset, split_of_parts
from biqa_cli.errors import UsageError

_LEAST_VAL = 3
"""Photos that a correlation needs."""


def training_split(dataset: Dataset, *, split: str | None, seed: int, val_share: float) -> Split:
    """Return a split of a data set that has the parts `train` and `val`.

    Args:
        dataset: Whole, see `load_dataset(keep_missing=True)`.
        split: A protocol of `split_dataset`, or a file that `biqa evaluate --save-split` wrote.
            None is the protocol that is the default of the data set.
        seed: Of protocols that shuffle, and of what is held out.
        val_share: Of the training photos, held out as `val` where the split has none: whole
            references or scenes where they are known, so that `val` does not flatter.

    Raises:
        UsageError: If the split does not exist or leaves too few photos.
    """
    if split is not None and Path(split).is_file():
        chosen = load_split(Path(split), dataset)
    else:
        chosen = split_dataset(dataset, protocol=split, seed=seed)
    if "val" not in chosen.parts:
        held_out = _held_out(dataset, chosen.parts["train"], seed=seed, share=val_share)
        rest = tuple(index for index in chosen.parts["train"] if index not in held_out)
        parts = {**chosen.parts, "train": rest, "val": tuple(sorted(held_out))}
        chosen = split_of_parts(dataset, parts, protocol=chosen.protocol, seed=seed)
    train, val = chosen.parts["train"], chosen.parts["val"]
    if len(train) < 2 or len(val) < _LEAST_VAL:  # noqa: PLR2004  a batch has two
        msg = (
            f"{dataset.name} is too small to train on: {len(train)} photos would train and"
            f" {len(val)} validate; 2 and {_LEAST_VAL} are the least"
        )
        raise UsageError(msg)
    return chosen


def _held_out(
    dataset: Dataset, train: tuple[int, ...], *, seed: int, share: float
) -> frozenset[int]:
    groups: dict[str, list[int]] = {}
    for index in train:
        image = dataset.images[index]
        groups.setdefault(image.reference or image.scene or image.path, []).append(index)
    names = sorted(groups)
    random.Random(seed).shuffle(names)  # noqa: S311  repeatable, not secret
    wanted = max(_LEAST_VAL, round(share * len(train)))
    held_out: set[int] = set()
    # The last group stays: without it there would be nothing to learn from.
    for name in names[:-1]:
        if len(held_out) >= wanted:
            break
        held_out.update(groups[name])
    return frozenset(held_out)
