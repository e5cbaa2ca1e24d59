"""What a network sees of the photos of a training: their views, or cached features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from biqa_cli.distortions.versions import Versions
from biqa_cli.training.augmentation import Arrays
from biqa_cli.training.examples import Example


@dataclass(frozen=True, slots=True)
class DegradedPhotos:
    """Degraded photos."""

    drawn: tuple[Versions, ...]
    values: NDArray[Any]
    """(d, 2, …), mapped into memory; the milder level first."""


@dataclass(frozen=True, slots=True)
class AlsoPhotos:
    """Photos of another data set."""

    values: NDArray[Any]
    """(…, …), mapped into memory."""
    rows: NDArray[np.int64]
    """(a,), of the photos that train."""
    labels: NDArray[np.float32]
    """(a,), see `Also`."""


@dataclass(frozen=True, slots=True)
class ExamplePhotos:
    """Photos that nobody has rated as they are."""

    drawn: tuple[Example, ...]
    values: NDArray[Any]
    """(e, …), mapped into memory."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Views of the photos of a training, or their cached features."""

    values: NDArray[Any]
    """(1 or 2, n, …), mapped into memory: photos, then the features of their mirror images where a
    recipe has such."""
    rows: dict[int, int]
    """Index of an image in its data set → its row."""
    spread: NDArray[np.float32] | None = None
    """Standard deviation of each feature over photos, where a recipe has noise."""
    degraded: DegradedPhotos | None = None
    """Where a recipe teaches monotonicity; features alone."""
    also: tuple[AlsoPhotos, ...] = ()
    """The training photos of other data sets, where a recipe has such."""
    examples: ExamplePhotos | None = None
    """Where a recipe has such."""
    blockwise: Arrays | None = None
    """Of photos with each block degraded in its own way, where a phase learns from such:
    "degraded" (d, …), mapped into memory, and what `draw_blocks` drew for each: "types", "levels"
    (d, K)."""

    def of(self, index: int, *, mirrored: bool = False) -> NDArray[Any]:
        """Return what is seen of an image of the data set."""
        found: NDArray[Any] = self.values[int(mirrored), self.rows[index]]
        return found

    def some(self, indices: Sequence[int], count: int) -> torch.Tensor:
        """Return what is seen of about `count` of the images, spread evenly over them."""
        chosen = indices[:: max(1, len(indices) // count)]
        return torch.from_numpy(np.stack([self.of(index) for index in chosen])).float()
