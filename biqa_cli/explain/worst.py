"""Which blocks of a photo are called the worst."""

import statistics
from collections.abc import Sequence

from biqa_cli.explain.records import CLEARLY, BlockScore

LITTLE_DETAIL = 4.0
"""In grey levels (`detail`): skies, walls and backgrounds out of focus have less."""
CERTAIN = 0.9
"""A flaw so strong counts where there is little detail, too."""

_MOST_WORST = 3


def worst_blocks(blocks: Sequence[BlockScore], detail: Sequence[float]) -> tuple[BlockScore, ...]:
    """Return up to three of the lowest blocks that do not overlap, lowest first.

    The lowest has to be below the median, the others by 5. A block of little detail is only called
    the worst if its flaw is certain: an empty sky scores low, but nobody would call it the fault of
    a photo.

    Args:
        blocks: All of a photo.
        detail: Of each.
    """
    median = statistics.median(block.score for block in blocks)
    chosen: list[BlockScore] = []
    for block, seen in sorted(zip(blocks, detail, strict=True), key=lambda pair: pair[0].score):
        # The first only has to be lower, the others clearly so.
        if block.score >= median - (CLEARLY if chosen else 0) or len(chosen) == _MOST_WORST:
            break
        if seen < LITTLE_DETAIL and block.strength < CERTAIN:
            continue
        if not any(_overlap(block, other) for other in chosen):
            chosen.append(block)
    return tuple(chosen)


def _overlap(one: BlockScore, other: BlockScore) -> bool:
    return abs(one.x - other.x) < max(one.width, other.width) and abs(one.y - other.y) < max(
        one.height, other.height
    )
