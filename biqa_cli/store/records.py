"""The records of the store: who gives scores, and what is known of a file. Plain data."""

from dataclasses import dataclass

from biqa_cli.results import Judgement
from biqa_cli.store.files import FileState


@dataclass(frozen=True, slots=True)
class Rater:
    """All that a score depends on besides the photo."""

    key: str
    """The same for two raters only if they give every photo the same score."""
    model: str
    facts: str
    """What the key was made of, as JSON."""


@dataclass(frozen=True, slots=True)
class KnownScore:
    """What is kept of a photo: all else follows from it."""

    judgement: Judgement
    width: int
    height: int
    note: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the store says of a file."""

    file: FileState | None = None
    """What to keep a score under; None where none can be kept."""
    score: KnownScore | None = None
    seen: bytes | None = None
    """What else was seen of it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is to be kept of a file, whose content is known."""

    file: FileState
    score: KnownScore | None
    """None where it is known already."""
    seen: bytes | None = None
    """What else was seen of it; None where that is known already, or not to be kept."""
