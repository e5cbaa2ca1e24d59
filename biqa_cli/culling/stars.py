"""Stars, 1 to 5, of scores: by fixed thresholds, or by what share of the shoot is better."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from enum import StrEnum


class Stars(StrEnum):
    """What stars mean."""

    absolute = "absolute"
    relative = "relative"


THRESHOLDS = (20, 40, 60, 80)
"""From this score on there is one star more: the five equal classes of a rating by people, from
bad to excellent (ITU-R BT.500)."""
SHARES = (0.1, 0.3, 0.7, 0.9)
"""From this share of the shoot on there is one star more: 10 % have one, 10 % have five."""


def stars_of(scores: Sequence[float], scale: Stars) -> list[int]:
    """Return the stars of each score; equal scores have equal stars.

    Example:
        >>> stars_of([19.9, 20, 85], Stars.absolute)
        [1, 2, 5]
        >>> stars_of([50, 51, 52, 53, 54], Stars.relative)
        [2, 3, 3, 4, 5]
    """
    if scale is Stars.absolute:
        return [1 + bisect_right(THRESHOLDS, score) for score in scores]
    ordered = sorted(scores)
    # Ties are where their middle is.
    places = [(bisect_left(ordered, score) + bisect_right(ordered, score)) / 2 for score in scores]
    return [1 + bisect_right(SHARES, place / len(scores)) for place in places]
