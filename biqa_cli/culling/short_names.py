"""What to call photos where there is little room: their names, with folders only where needed."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePath


def short_names(paths: Iterable[str]) -> dict[str, str]:
    """Return for each path the shortest end of it, in whole parts, that no other path has.

    Example:
        >>> list(short_names(["a/1.jpg", "b/day/1.jpg", "b/night/1.jpg", "2.jpg"]).values())
        ['a/1.jpg', 'day/1.jpg', 'night/1.jpg', '2.jpg']
    """
    parts = {path: PurePath(path).parts for path in paths}
    names: dict[str, str] = {}
    alike, length = [list(parts)], 1
    while alike:
        longer = []
        for group in alike:
            by_end: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
            for path in group:
                by_end[parts[path][-length:]].append(path)
            for end, those in by_end.items():
                for path in those:
                    names[path] = str(PurePath(*end)) if end else path
                if len(those) > 1 and any(len(parts[path]) > length for path in those):
                    longer.append(those)
        alike, length = longer, length + 1
    return {path: names[path] for path in parts}
