"""Which pairs of images people should be asked about: those on which two models differ most.

In the group maximum differentiation (gMAD) competition, one model (the defender) finds the two
images of a pair equally good, and the other (the attacker) finds them as different as any. Whoever
looks at the pair knows which model is wrong.

Reference:
    K. Ma et al.: "Group Maximum Differentiation Competition: Model Comparison with Few Samples",
    IEEE TPAMI 42(4), 2020.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from biqa_cli.errors import UsageError
from biqa_cli.metrics.pairs import pair


@dataclass(frozen=True, slots=True)
class GmadPair:
    """Two images which the defender finds alike and the attacker does not."""

    level: float
    """Score of the defender around which both lie."""
    better: int
    """Position of the image that the attacker finds better."""
    worse: int
    defended: float
    """By how much the defender's scores of the two differ, at least 0."""
    attacked: float
    """By how much the attacker's do, above 0."""


def gmad_pairs(
    defender: ArrayLike, attacker: ArrayLike, *, levels: int = 5, tolerance: float
) -> tuple[GmadPair, ...]:
    """Return one pair for each level of the defender's scores, the lowest level first.

    The levels are spread evenly between the 5 % and the 95 % quantile of the defender's scores.
    Around each, of the images within half the tolerance to either side, the pair is the one that
    the attacker finds best and the one that it finds worst.

    Args:
        defender: Scores (N,) of one model, higher is better; images with a nan do not count.
        attacker: Scores (N,) of the other.
        levels: How many pairs there may be.
        tolerance: By how much the defender's scores of a pair may differ, on its scale.

    Returns:
        Fewer pairs where a level has fewer than two images, or the attacker finds them all alike.

    Raises:
        UsageError: If there is no level, or the tolerance is negative.

    Example:
        >>> gmad_pairs([50, 50, 51, 90], [10, 80, 40, 50], levels=1, tolerance=50)[0].attacked
        70.0
    """
    if levels < 1 or not tolerance >= 0:
        msg = f"gMAD needs 1 level or more and a tolerance of 0 or more, got {levels}, {tolerance}"
        raise UsageError(msg)
    both = pair(defender, attacker)
    places = np.flatnonzero(both.kept)
    if not places.size:
        return ()
    low, high = np.quantile(both.mos, (0.05, 0.95)).tolist()
    centres = np.linspace(low, high, levels) if levels > 1 else np.array([(low + high) / 2])
    found: dict[tuple[int, int], GmadPair] = {}
    for level in centres.tolist():
        near = np.flatnonzero(np.abs(both.mos - level) <= tolerance / 2)
        if near.size < 2:  # noqa: PLR2004  a pair
            continue
        scores = both.predicted[near]
        best, worst = int(near[scores.argmax()]), int(near[scores.argmin()])
        attacked = float(both.predicted[best] - both.predicted[worst])
        if attacked > 0:
            made = GmadPair(
                level=level,
                better=int(places[best]),
                worse=int(places[worst]),
                defended=float(abs(both.mos[best] - both.mos[worst])),
                attacked=attacked,
            )
            # Levels that overlap may find one pair twice.
            found.setdefault((made.better, made.worse), made)
    return tuple(found.values())
