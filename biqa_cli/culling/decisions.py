"""From the photos of a shoot to a decision for each. Pure functions."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from biqa_cli.culling.records import CullRow, Decision, Shot
from biqa_cli.culling.short_names import short_names
from biqa_cli.culling.stars import Stars, stars_of


def decide(
    shots: Sequence[Shot],
    *,
    keep: int = 1,
    reject_under: float | None = None,
    stars: Stars = Stars.absolute,
) -> list[CullRow]:
    """Return a row for each photo and each of its companions, by group and rank.

    The best of a group is picked, the next `keep` - 1 are kept, the others are rejected. What
    could not be scored is kept: nothing is known against it. Where picks are placed already, a
    photo that is better than they are is kept.

    Args:
        shots: In any order.
        keep: So many of each group are not rejected.
        reject_under: Scores below it are rejected, even the best of a group. None rejects none.
        stars: What stars mean.
    """
    scored = [shot for shot in shots if shot.result.score is not None]
    scores = [shot.result.score for shot in scored if shot.result.score is not None]
    by_path = dict(zip((s.result.path for s in scored), stars_of(scores, stars), strict=True))
    names = short_names(shot.result.path for shot in shots)
    groups: defaultdict[int, list[Shot]] = defaultdict(list)
    for shot in shots:
        groups[shot.group].append(shot)
    return [
        row
        for _, group in sorted(groups.items())
        for decided in _decide_group(group, by_path, names, keep=keep, reject_under=reject_under)
        for row in _with_companions(decided)
    ]


def _decide_group(
    group: Iterable[Shot],
    stars: dict[str, int],
    names: dict[str, str],
    *,
    keep: int,
    reject_under: float | None,
) -> Iterator[CullRow]:
    ranked = sorted(group, key=_goodness)
    placed = [shot for shot in ranked if shot.is_placed]
    kept, has_pick = len(placed), bool(placed)
    best = ranked[0].result.score
    originals: dict[int, Shot] = {}
    for rank, shot in enumerate(ranked, start=1):
        score = shot.result.score
        original = originals.setdefault(shot.copies, shot) if shot.copies is not None else shot
        is_copy = original is not shot
        copy_of = f", an exact copy of {names[original.result.path]}" if is_copy else ""
        of = _place(rank, len(ranked)) + copy_of
        if shot.is_placed:
            decision, reason = Decision.pick, "it lies in the folder for picks"
        elif score is None or best is None:
            decision, reason = Decision.keep, f"it could not be scored: {shot.result.error}"
        elif reject_under is not None and score < reject_under:
            decision, reason = Decision.reject, f"its score is under {reject_under:g}"
        elif not has_pick:
            decision, reason = Decision.pick, of
            has_pick, kept = True, kept + 1
        elif placed and (why := _why_not_behind(score, placed[0])):
            decision, reason = Decision.keep, why
            kept += 1
        elif kept < keep:
            decision, reason = Decision.keep, of
            kept += 1
        else:
            decision, reason = Decision.reject, of if is_copy else _behind(of, best - score)
        flaws = ", ".join(flaw.name for flaw in shot.flaws or ())
        if flaws and decision is Decision.reject:
            reason += f" ({flaws})"
        yield CullRow(
            path=shot.result.path,
            score=score,
            group=shot.group,
            rank=None if score is None else rank,
            decision=decision,
            stars=stars.get(shot.result.path),
            reason=reason,
            shot=shot,
        )


def _goodness(shot: Shot) -> tuple[bool, float, bool, str]:
    score = shot.result.score
    return score is None, -(score or 0.0), not shot.is_placed, shot.result.path


def _why_not_behind(score: float, placed: Shot) -> str:
    """Return why a photo is not behind the best placed pick; empty if it is."""
    if placed.result.score is None:
        return "the pick of its moment could not be scored"
    return "better than the pick of its moment" if score > placed.result.score else ""


def _place(rank: int, size: int) -> str:
    if size == 1:
        return "the only one of its moment"
    return f"the best of {size}" if rank == 1 else f"number {rank} of {size}"


def _behind(place: str, points: float) -> str:
    return f"{place}, {points:.1f} points under the best"


def _with_companions(row: CullRow) -> Iterator[CullRow]:
    yield row
    for path in row.shot.companions:
        yield CullRow(
            path=path,
            score=row.score,
            group=row.group,
            rank=row.rank,
            decision=row.decision,
            stars=row.stars,
            reason=f"it goes with {Path(row.path).name}",
            shot=row.shot,
        )
