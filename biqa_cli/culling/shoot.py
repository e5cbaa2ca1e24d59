"""From the files of a shoot to its shots: which are scored, and what was seen of them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from biqa_cli.culling.grouping import group_photos, moments
from biqa_cli.culling.looking import Look, glimpse_of
from biqa_cli.culling.placing import are_alike
from biqa_cli.culling.records import DEFAULT_GAP, Shot
from biqa_cli.results import ImageResult


def shots_of(
    photos: Sequence[Sequence[str]],
    scored: Iterable[tuple[ImageResult, Look | None]],
    *,
    gap: float = DEFAULT_GAP,
    picks: Path | None = None,
) -> list[Shot]:
    """Return the shots of a shoot, grouped.

    Args:
        photos: From `photos_of`; the first file of each is scored.
        scored: From `score_and_look`, in the same order.
        gap: Seconds that may lie between two frames of one moment.
        picks: What lies below it is picked already. None where nothing is.
    """
    results, looks = zip(*scored, strict=True) if photos else ((), ())
    glimpses = [glimpse_of(files[0], seen) for files, seen in zip(photos, looks, strict=True)]
    groups = group_photos(glimpses, gap=gap)
    return [
        Shot(
            result,
            group,
            taken=taken,
            flaws=result.flaws,
            companions=tuple(files[1:]),
            copies=copies,
            is_placed=picks is not None and is_below(files[0], [picks]),
        )
        for files, result, group, taken, copies in zip(
            photos, results, groups, moments(glimpses), _copies(results, groups), strict=True
        )
    ]


def _copies(results: Sequence[ImageResult], groups: Sequence[int]) -> list[int | None]:
    """Return a number for each photo that it shares with those whose files hold the same bytes.

    Files are only read where the photos score the same, to the last digit.
    """
    alike: defaultdict[tuple[int, float | None], list[int]] = defaultdict(list)
    for index, (result, group) in enumerate(zip(results, groups, strict=True)):
        if result.native_score is not None:
            alike[group, result.native_score].append(index)
    found: list[int | None] = [None] * len(results)
    for indices in alike.values():
        firsts: list[int] = []
        for index in indices:
            path = Path(results[index].path)
            twin = next((one for one in firsts if are_alike(Path(results[one].path), path)), None)
            if twin is None:
                firsts.append(index)
            else:
                found[index] = found[twin] = twin
    return found


def is_below(path: str, folders: Iterable[Path]) -> bool:
    """Return whether a file lies in one of some folders, or below it."""
    parent = Path(path).parent.resolve()
    return any(parent.is_relative_to(folder.resolve()) for folder in folders)


def not_below(paths: Iterable[str], folders: Sequence[Path]) -> Iterator[str]:
    """Yield the files that do not lie below some folders."""
    return (path for path in paths if not is_below(path, folders))
