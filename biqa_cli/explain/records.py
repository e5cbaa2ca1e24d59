"""What the explanations of a score are made of. Plain data, nothing heavy."""

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

InnerKind = Literal["gradcam", "feedback", "attention"]

CLEARLY = 5
"""Blocks of an undamaged photo differ by so much: a standard deviation, in points of 100."""


@dataclass(frozen=True, slots=True)
class BlockScore:
    """How good one block of a photo is."""

    x: int
    """The left edge, in pixels of the upright photo."""
    y: int
    """The upper edge."""
    width: int
    height: int
    score: float
    """0 to 100, higher is better: the score of the block by itself."""
    flaw: str = ""
    """The strongest of `FLAWS`; empty where the model names none."""
    strength: float = 0.0
    """How strong it is, 0 to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoreMap:
    """Which parts of a photo are good and which are bad."""

    path: str
    model: str
    score: float
    """Of the whole photo, 0 to 100, as `biqa score` gives it."""
    width: int
    """In pixels, of the upright photo."""
    height: int
    blocks: tuple[BlockScore, ...]
    """Row by row; they overlap, and together they cover the photo."""
    worst: tuple[BlockScore, ...]
    """Up to three of the lowest blocks, lowest first; see `worst_blocks`. In an even photo, the
    first is hardly lower than the others."""
    values: "NDArray[np.float32]"
    """(h, w): the scores at the pixels of `picture`, interpolated between the middles of blocks."""
    picture: "Image.Image"
    """The upright photo, w × h pixels: reduced where it is larger than the map may be."""
    note: str = ""
    """What to know of the pixels: that they are of a raw file's preview, say; often empty."""

    @property
    def median(self) -> float:
        """The median of the scores of the blocks."""
        return statistics.median(block.score for block in self.blocks)

    @property
    def framed(self) -> tuple[BlockScore, ...]:
        """Those of `worst` that are clearly below the median: by more than 5."""
        return tuple(block for block in self.worst if block.score < self.median - CLEARLY)

    @property
    def mean(self) -> float:
        """The mean of the map over the photo, to compare with `score`."""
        return float(self.values.mean(dtype="float64"))


@dataclass(frozen=True, slots=True, eq=False)
class SimilarityMatrix:
    """How alike BlockIQA finds the n × n blocks of a photo (BlockIQA, eqs. 1 to 3, figure 3)."""

    path: str
    model: str
    score: float
    """Of the whole photo, 0 to 100, as `biqa score` gives it."""
    width: int
    height: int
    values: "NDArray[np.float32]"
    """(n², n²), in [0, 1]: symmetric, 1 on the diagonal; blocks are counted row by row."""
    block_scores: "NDArray[np.float32]"
    """(n, n): S_i of eq. 9, in (0, 1)."""
    block_weights: "NDArray[np.float32]"
    """(n, n): m_i of eq. 10, the mean similarity of a block to all blocks."""
    picture: "Image.Image"
    """The upright photo, reduced where it is large."""
    note: str = ""
    """What to know of the pixels: that they are of a raw file's preview, say; often empty."""


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One map of what a network looks at."""

    title: str
    values: "NDArray[np.float32]"
    """(h, w), over the whole photo; nan where the network has no value."""
    value: float | None = None
    """The score that belongs to the map, 0 to 100; None where none does."""


@dataclass(frozen=True, slots=True, eq=False)
class InnerMaps:
    """What a network looks at in a photo."""

    path: str
    model: str
    kind: InnerKind
    score: float
    """Of the whole photo, 0 to 100, as `biqa score` gives it."""
    width: int
    height: int
    columns: int
    """The number of panels in a row."""
    panels: tuple[Panel, ...]
    """Row by row."""
    picture: "Image.Image"
    """The upright photo, reduced where it is large; h × w pixels as the panels."""
    note: str = ""
    """What to know of the pixels: that they are of a raw file's preview, say; often empty."""
