"""Which photos show one moment: by capture time and likeness, and by likeness alone without time.

Two photos are of one moment if they were taken within some seconds of each other and look alike.
Where a time is missing, neighbours by name in one folder are compared as a burst's frames are, and
all others must look nearly the same: copies, exports, near-duplicates across folders.
A group is what such pairs connect.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import count
from pathlib import Path

import numpy as np

from biqa_cli.culling.likeness import Described, describe, likeness, whole
from biqa_cli.culling.records import DEFAULT_GAP
from biqa_cli.images.capture_time import CaptureTime
from biqa_cli.images.fingerprint import Fingerprint

ALIKE = 0.86
"""Frames of a burst, a second or so apart; measured by benchmarks/bursts_grouping.py."""
SAME = 0.93
"""Photos that nothing but their looks connects."""
# Before windows are tried: a pair that is less alike as a whole is not compared further. Of two
# photos of different scenes 1 in 14 is; of a photo and a crop of two thirds of it, 1 in 100 is not.
_CANDIDATE = 0.4

# So many later frames are compared with each: another camera's may lie between those of a burst.
_TIME_NEIGHBOURS, _NAME_NEIGHBOURS = 8, 2
_BLOCK = 1024
# Neighbours are compared one after the other; all descriptions of a shoot would take 100 MB.
_DESCRIBED = 64


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What grouping needs to know of a photo."""

    path: str
    fingerprint: Fingerprint | None = None
    """None where the photo cannot be read: it is a group of its own."""
    taken: CaptureTime | None = None


def moments(glimpses: Sequence[Glimpse]) -> list[datetime | None]:
    """Return when each photo was taken, on one clock for all of them.

    That clock is UTC where every camera tells its offset. Where one does not, all are compared as
    their clocks showed it: a camera and a phone at one place show the same time.
    """
    known = [glimpse.taken for glimpse in glimpses if glimpse.taken is not None]
    if any(taken.offset is None for taken in known):
        return [None if g.taken is None else g.taken.local.replace(tzinfo=UTC) for g in glimpses]
    return [None if g.taken is None else _in_utc(g.taken) for g in glimpses]


def _in_utc(taken: CaptureTime) -> datetime:
    local = taken.local.replace(tzinfo=UTC)
    try:
        return local if taken.offset is None else local - taken.offset
    except OverflowError:
        # The first and the last day of the calendar.
        return local


def group_photos(glimpses: Sequence[Glimpse], *, gap: float = DEFAULT_GAP) -> list[int]:
    """Return the number of each photo's group: 1, 2, … in the order of their first photos.

    Photos are ordered by time, those without time by name behind them.

    Args:
        glimpses: In any order.
        gap: Seconds that may lie between two frames of one moment.
    """
    times = moments(glimpses)
    # Who stands for a photo; photos with the same representative are a group.
    leaders = list(range(len(glimpses)))

    @lru_cache(_DESCRIBED)
    def described(index: int) -> Described | None:
        fingerprint = glimpses[index].fingerprint
        return None if fingerprint is None else describe(fingerprint)

    for first, second in _neighbours(glimpses, times, gap=gap):
        if _leader(leaders, first) == _leader(leaders, second):
            continue
        one, other = described(first), described(second)
        if one is not None and other is not None and likeness(one, other) >= ALIKE:
            leaders[_leader(leaders, second)] = _leader(leaders, first)
    for first, second in _nearly_the_same(glimpses, times):
        leaders[_leader(leaders, second)] = _leader(leaders, first)
    numbers: defaultdict[int, int] = defaultdict(count(1).__next__)
    order = _in_time(glimpses, times)
    numbered = {index: numbers[_leader(leaders, index)] for index in order}
    return [numbered[index] for index in range(len(glimpses))]


def _leader(leaders: list[int], index: int) -> int:
    while leaders[index] != index:
        # Half the way at each step: later searches are short.
        leaders[index] = leaders[leaders[index]]
        index = leaders[index]
    return index


def _in_time(glimpses: Sequence[Glimpse], times: Sequence[datetime | None]) -> list[int]:
    last = datetime.max.replace(tzinfo=UTC)
    return sorted(
        range(len(glimpses)),
        key=lambda index: (times[index] or last, by_name(glimpses[index].path)),
    )


def by_name(path: str) -> tuple[str, list[tuple[str, int]], str]:
    """Return what paths are sorted by, as people count: IMG_9 comes before IMG_10.

    Example:
        >>> sorted(["b/1.jpg", "a/IMG_10.jpg", "a/IMG_9.jpg"], key=by_name)
        ['a/IMG_9.jpg', 'a/IMG_10.jpg', 'b/1.jpg']
    """
    parts = re.findall(r"([^0-9]*)([0-9]*)", Path(path).name)
    numbered = [(text, int(digits[:18] or "0")) for text, digits in parts]
    return str(Path(path).parent), numbered, path


def _neighbours(
    glimpses: Sequence[Glimpse], times: Sequence[datetime | None], *, gap: float
) -> Iterator[tuple[int, int]]:
    """Yield pairs of photos that may be frames of a burst, by their times or names."""
    order = _in_time(glimpses, times)
    for place, first in enumerate(order):
        for second in order[place + 1 : place + 1 + _TIME_NEIGHBOURS]:
            if _apart(times, first, second) > gap:
                break
            yield first, second
    named = sorted(range(len(glimpses)), key=lambda index: by_name(glimpses[index].path))
    for place, first in enumerate(named):
        for second in named[place + 1 : place + 1 + _NAME_NEIGHBOURS]:
            if _without_time(times, first, second) and _in_one_folder(glimpses, first, second):
                yield first, second


def _apart(times: Sequence[datetime | None], first: int, second: int) -> float:
    one, other = times[first], times[second]
    return float("inf") if one is None or other is None else abs((other - one).total_seconds())


def _without_time(times: Sequence[datetime | None], first: int, second: int) -> bool:
    return times[first] is None or times[second] is None


def _in_one_folder(glimpses: Sequence[Glimpse], first: int, second: int) -> bool:
    return Path(glimpses[first].path).parent == Path(glimpses[second].path).parent


def _nearly_the_same(
    glimpses: Sequence[Glimpse], times: Sequence[datetime | None]
) -> Iterator[tuple[int, int]]:
    """Yield pairs that look the same, or one as a part of the other, and of which one has no time.

    These are n² products of 128 numbers, block by block, and windows of each photo against those
    that look like it as a whole.
    """
    found = [
        (index, g.fingerprint) for index, g in enumerate(glimpses) if g.fingerprint is not None
    ]
    timed = np.array([times[index] is not None for index, _ in found], bool)
    if timed.all():
        return
    wholes = np.stack([whole(fingerprint) for _, fingerprint in found])
    for start in range(0, len(found), _BLOCK):
        products = wholes[start : start + _BLOCK] @ wholes.T
        for row, (index, fingerprint) in enumerate(found[start : start + _BLOCK], start):
            near = products[row - start] >= _CANDIDATE
            near[row] = False
            if timed[row]:
                near &= ~timed
            (others,) = np.nonzero(near)
            if others.size:
                one = describe(fingerprint)
                alike = np.maximum(one.windows @ wholes[others].T, one.whole @ wholes[others].T)
                for other in others[alike.max(axis=0) >= SAME].tolist():
                    yield index, found[other][0]
