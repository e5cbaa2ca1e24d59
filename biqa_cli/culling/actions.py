"""What is done to files, as plain data: folders, sidecars, transfers.

`performing.py` does it and `taking_back.py` undoes it. Whenever a run is killed, each action is in
one of few states that the files themselves tell: not begun, half done, done.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class How(StrEnum):
    """How a photo gets into another folder."""

    copy = "copy"
    move = "move"
    link = "link"
    """A hard link: one file with two names."""


@dataclass(frozen=True, slots=True)
class MakeFolder:
    """A folder that is made."""

    path: Path


@dataclass(frozen=True, slots=True)
class WriteSidecar:
    """A sidecar that is written or changed."""

    path: Path
    """The file itself: of a link what it leads to, so that the link stays one."""
    new: bytes
    old: bytes | None = None
    """What was in it; None where there was none."""
    old_time: int | None = None
    """When that was written, in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """A file that gets into another folder."""

    how: How
    source: Path
    target: Path
    photo: Path | None = None
    """Of a companion, the target of its photo: they share its fate. None of the photo itself."""


Action = MakeFolder | WriteSidecar | Transfer


def touched_by(action: Action) -> tuple[Path, ...]:
    """Return the files that an action reads or writes."""
    match action:
        case MakeFolder():
            return ()
        case WriteSidecar():
            return (action.path,)
        case Transfer():
            return action.source, action.target


def located(path: str | Path) -> Path:
    """Return the name of a file by which every run knows it: absolute, through no linked folder.

    A file that is a link itself keeps its own name.
    """
    return Path(path).parent.resolve() / Path(path).name
