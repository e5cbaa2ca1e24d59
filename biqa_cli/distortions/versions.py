"""Two degraded versions of a photo: which are made, and how."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biqa_cli.distortions.catalog import IN_TURN, LEVELS, SHDIQA_DISTORTIONS, find_distortion
from biqa_cli.distortions.distort import distort
from biqa_cli.distortions.eight_bits import from_bytes, to_bytes


@dataclass(frozen=True, slots=True)
class Versions:
    """A photo, and two levels of one kind to degrade it with."""

    index: int
    """Of the photo in its data set."""
    kind: str
    levels: tuple[int, int]
    """The milder first."""

    @property
    def facts(self) -> tuple[object, ...]:
        """All that the versions depend on besides the photo, as plain data."""
        values = find_distortion(self.kind).levels
        return (self.index, self.kind, *((level, values[level - 1]) for level in self.levels))

    def view(self, photo: NDArray[np.uint8], level: int) -> NDArray[np.uint8]:
        """Return a view (h, w, 3) of the photo at one of the levels; both share their noise."""
        return to_bytes(distort(from_bytes(photo), kind=self.kind, level=level, seed=self.index))


def draw_versions(
    indices: Sequence[int], *, count: int, rng: np.random.Generator
) -> tuple[Versions, ...]:
    """Return which photos are degraded, and how; all of them where there are fewer than `count`.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> [one.index for one in draw_versions(range(3), count=5, rng=rng)]
        [2, 0, 1]
    """
    names = [d.name for d in SHDIQA_DISTORTIONS if d.name not in IN_TURN]
    return tuple(
        Versions(
            index=indices[place],
            kind=names[rng.integers(len(names))],
            levels=_two_levels(rng),
        )
        for place in rng.permutation(len(indices))[:count]
    )


def _two_levels(rng: np.random.Generator) -> tuple[int, int]:
    milder, stronger = sorted(rng.choice(LEVELS, 2, replace=False).tolist())
    return milder, stronger
