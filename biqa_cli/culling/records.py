"""The records of culling: what is known of a photo, and what is decided."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from biqa_cli.results import Flaw, ImageResult

DEFAULT_GAP = 10.0
"""Seconds between two frames of one moment, at most."""


class Decision(StrEnum):
    """What becomes of a photo."""

    pick = "pick"
    """The best of its group."""
    keep = "keep"
    """Among the best of its group, better than a placed pick, or it could not be scored."""
    reject = "reject"
    """Others of its group are better, or its score is too low."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A photo before it is decided upon."""

    result: ImageResult
    group: int
    taken: datetime | None = None
    flaws: tuple[Flaw, ...] | None = None
    """None where the model does not tell any."""
    companions: tuple[str, ...] = ()
    """Other files of the same photo, such as the raw file of a JPEG: they share its fate."""
    copies: int | None = None
    """Shots of one number are files that hold the same bytes; None where no other file does."""
    is_placed: bool = False
    """It lies in the folder for picks already: somebody has decided."""


@dataclass(frozen=True, slots=True)
class CullRow:
    """The decision for a photo; the first fields are the columns of every report."""

    path: str
    score: float | None
    """0 to 100, as `biqa score` has it; None where it could not be scored."""
    group: int
    """Photos of one moment have one number; they count from 1 in the order of time."""
    rank: int | None
    """In the group, 1 is the best; of equal scores placed picks come first, then it goes by path.
    None without a score."""
    decision: Decision
    stars: int | None
    """1 to 5; None without a score."""
    reason: str
    shot: Shot
    """What the decision was made of."""


COLUMNS = ("path", "score", "group", "rank", "decision", "stars", "reason")
"""Scripts rely on these names and their order."""
