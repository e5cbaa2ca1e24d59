"""Which blocks a user wants of a photo, and what a model says of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from biqa_cli.blocks.grid import Block
from biqa_cli.distortions.flaws import FLAWS
from biqa_cli.errors import UsageError
from biqa_cli.explain.records import BlockScore
from biqa_cli.models.base import Predictions
from biqa_cli.models.spec import ScoreScale

Watch = Callable[[Sequence[Block]], Iterable[Block]]
"""Passes blocks on as they are scored, for a progress bar."""


@dataclass(frozen=True, slots=True, eq=False)
class LocalScores:
    """What a model says of blocks of a photo that lie in rows and columns."""

    blocks: tuple[Block, ...]
    """Row by row, in pixels; they may overlap, and together they cover the photo."""
    natives: NDArray[np.float64]
    """(N,), on the model's scale."""
    flaws: NDArray[np.float64] | None
    """(N, 12) in 0 to 1: how strong each of `FLAWS` is; None where the model names none."""
    detail: NDArray[np.float64]
    """(N,), in grey levels; see `biqa_cli.explain.detail`."""

    def percent(self, scale: ScoreScale) -> NDArray[np.float64]:
        """Return the scores (N,), 0 to 100, higher is better."""
        percent = [round(scale.to_percent(native), 4) for native in self.natives.tolist()]
        return np.array(percent)

    def judged(self, scale: ScoreScale) -> tuple[BlockScore, ...]:
        """Return the blocks with their scores, 0 to 100, and strongest flaws."""
        scores = self.percent(scale).tolist()
        return tuple(
            BlockScore(block.x, block.y, block.width, block.height, score, *flaw)
            for block, score, flaw in zip(self.blocks, scores, self.strongest_flaws(), strict=True)
        )

    def corrected(self, places: Sequence[int], told: Predictions) -> "LocalScores":
        """Return these scores with what a model says of the blocks at some places."""
        natives, flaws = self.natives.copy(), None if self.flaws is None else self.flaws.copy()
        natives[places] = told.scores
        if flaws is not None:
            flaws[places] = told.flaws
        return replace(self, natives=natives, flaws=flaws)

    def strongest_flaws(self) -> list[tuple[str, float]]:
        """Return the strongest flaw of each block and its strength; "" and 0 without flaws."""
        if self.flaws is None:
            return [("", 0.0)] * len(self.natives)
        strongest = self.flaws.argmax(axis=1).tolist()
        strengths = self.flaws.max(axis=1).round(4).tolist()
        return [
            (FLAWS[index], strength) for index, strength in zip(strongest, strengths, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class BlockChoice:
    """Which blocks a user wants; None is for the default."""

    rows: int | None = None
    """So many blocks along the shorter side, each overlapping the next by half.

    Where that is less than (rows + 1)² pixels, rounding may make them fewer.
    """
    size: int | None = None
    """The side of a block in pixels of the photo, in place of `rows`."""
    stride: int | None = None
    """Pixels from one block to the next; half a block by default."""


DEFAULT_BLOCKS = BlockChoice()


def check_choice(choice: BlockChoice) -> None:
    """Raise UsageError if no photo has such blocks."""
    if choice.rows is not None and choice.size is not None:
        raise UsageError("choose blocks by their number (grid) or by their size, not by both")
    if choice.size is not None and choice.stride is not None and choice.stride > choice.size:
        msg = (
            f"blocks of {choice.size} pixels every {choice.stride} leave pixels uncovered: "
            "use a smaller stride"
        )
        raise UsageError(msg)
