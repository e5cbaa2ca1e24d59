"""What a network sees of the photos of a training: their views, or cached features."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from biqa_cli.images.view_store import Pixels
from biqa_cli.training.augmentation import Arrays

See = Callable[[str, str, Callable[[int], Pixels], int], NDArray[Any]]
"""Returns what is seen (n, …) of views that are made once and kept on disk.

Called with their kind, all that they depend on besides the recipe's input as text, what makes one
by its number, and n.
"""


@dataclass(frozen=True, slots=True)
class Further:
    """Photos of one kind that train besides the rated ones; see `biqa_cli.training.further`."""

    values: NDArray[Any]
    """What is seen of them, (n, …), mapped into memory."""
    known: Arrays
    """What is known of each, (n, …), under its name."""
    rows: NDArray[np.int64] | None = None
    """(n,), where in `values` each is, if they are not one after the other."""

    def of(self, chosen: NDArray[np.int64]) -> NDArray[Any]:
        """Return what is seen of some."""
        seen: NDArray[Any] = self.values[chosen if self.rows is None else self.rows[chosen]]
        return seen


@dataclass(frozen=True, slots=True)
class Seen:
    """Views of the photos of a training, or their cached features; further ones if a recipe asks.

    What is known of further photos has the names that batches have for it.
    """

    values: NDArray[Any]
    """(1 or 2, n, …), mapped into memory: photos, then the features of their mirror images where a
    recipe has such."""
    rows: dict[int, int]
    """Index of an image in its data set → its row."""
    spread: NDArray[np.float32] | None = None
    """Standard deviation of each feature over photos, where a recipe has noise."""
    degraded: Further | None = None
    """Two versions of each photo, (d, 2, …), the milder first; "indices" (d,) of the photos and
    "levels" (d, 2). Features alone."""
    also: tuple[Further, ...] = ()
    """The training photos of other data sets."""
    examples: Further | None = None
    blockwise: Further | None = None
    """Photos with each block degraded in its own way: "types" and "levels" (d, K). Features
    alone."""

    def of(self, index: int, *, mirrored: bool = False) -> NDArray[Any]:
        """Return what is seen of an image of the data set."""
        found: NDArray[Any] = self.values[int(mirrored), self.rows[index]]
        return found

    def some(self, indices: Sequence[int], count: int) -> torch.Tensor:
        """Return what is seen of about `count` of the images, spread evenly over them."""
        chosen = indices[:: max(1, len(indices) // count)]
        return torch.from_numpy(np.stack([self.of(index) for index in chosen])).float()
