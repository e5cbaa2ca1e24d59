"""What the page knows of a photo. Plain data, so that every command can fill it."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from biqa_cli.culling.actions import located
from biqa_cli.culling.records import CullRow
from biqa_cli.results import ImageResult

Decision = Literal["pick", "keep", "reject"]


@dataclass(frozen=True, slots=True)
class PagePhoto:
    """One photo of the page. What a command does not know stays None, and is not shown."""

    path: str
    """The file, as it can be opened from the current folder."""
    score: float | None
    """0 to 100, higher is better; None if the photo could not be scored."""
    low: float | None = None
    high: float | None = None
    error: str = ""
    """Why there is no score."""
    note: str = ""
    width: int | None = None
    """In pixels, of the whole upright photo."""
    height: int | None = None
    time: datetime | None = None
    """When the photo was taken; times with and without an offset sort together as UTC."""
    flaws: tuple[tuple[str, float], ...] = ()
    """Names and strengths, 0 to 1."""
    group: int | None = None
    """Photos of one number show one moment."""
    rank: int | None = None
    """Place within the group, 1 is the best."""
    decision: Decision | None = None
    stars: int | None = None
    """1 to 5."""
    reason: str = ""
    """Why this decision, in one sentence."""
    label: float | None = None
    """What people said, on the scale of `score`: the page then shows how far the score is off."""


def photo_of_result(result: ImageResult) -> PagePhoto:
    """Return a scored file as the page shows it."""
    return PagePhoto(
        # What is read from stdin has no name.
        path=result.path or "-",
        score=result.score,
        low=result.low,
        high=result.high,
        error=result.error,
        note=result.note,
        width=result.width,
        height=result.height,
        flaws=tuple((flaw.name, flaw.strength) for flaw in result.flaws or ()),
    )


def photo_of_row(row: CullRow, *, moved: Mapping[str, str]) -> PagePhoto:
    """Return a photo of a culled shoot as the page shows it, where it lies now.

    Args:
        row: From `decide`.
        moved: Names of files before they were moved, as `located` has them, and after.
    """
    result, flaws = row.shot.result, row.shot.flaws or ()
    return replace(
        photo_of_result(result),
        path=_name_now(row.path, moved),
        time=row.shot.taken,
        flaws=tuple((flaw.name, flaw.strength) for flaw in flaws),
        group=row.group,
        rank=row.rank,
        decision=row.decision.value,
        stars=row.stars,
        reason=row.reason,
    )


def noted(photo: PagePhoto) -> dict[str, Any]:
    """Return a photo of a page as JSON has it, whatever folder it is read in later."""
    time = None if photo.time is None else photo.time.isoformat()
    return {**asdict(photo), "path": os.path.abspath(photo.path), "time": time}  # noqa: PTH100  a name may be too long


def from_note(note: Mapping[str, Any]) -> PagePhoto:
    """Return the photo of a page that `noted` has made JSON of.

    Raises:
        ValueError: If it is no such note, as do TypeError and KeyError.
    """
    time = note["time"]
    return PagePhoto(
        **{
            **note,
            "time": None if time is None else datetime.fromisoformat(time),
            "flaws": tuple((name, strength) for name, strength in note["flaws"]),
        }
    )


def _name_now(path: str, moved: Mapping[str, str]) -> str:
    """Return the name by which a file can be opened; one that was relative stays so if it can."""
    now = moved.get(str(located(path)))
    if now is None:
        return path
    here = Path.cwd()
    if not Path(path).is_absolute() and Path(now).is_relative_to(here):
        return str(Path(now).relative_to(here))
    return now
