"""What a personal model has shown of itself, as plain data, as a table and in sentences."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from biqa_cli.metrics.measure import or_none
from biqa_cli.metrics.uncertainty import Interval
from biqa_cli.tuning.personal import Personal


def as_record(personal: Personal, *, base: str, path: Path) -> dict[str, Any]:
    """Return it as plain data for JSON; what is undefined is None.

    Args:
        personal: The model.
        base: What it was made of.
        path: Where it was written.
    """
    return {
        "file": str(path),
        "base": base,
        personal.kind: personal.opinions,
        "scale": personal.scale.describe(),
        "held_out": {
            one.metric: {"untuned": _facts(one.untuned), "tuned": _facts(one.tuned)}
            for one in personal.shown
        },
        "half_width": personal.half_width,
        "fallback": personal.fallback,
    }


def table(personal: Personal) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the columns and rows of a table: metrics of held-out opinions."""
    rows: list[tuple[str, ...]] = [
        (one.metric, _shown(one.untuned), _shown(one.tuned)) for one in personal.shown
    ]
    return ("held out", "untuned [95 %]", "tuned [95 %]"), rows


def sentences(personal: Personal, *, range_is_known: bool, path: Path) -> Iterator[str]:
    """Yield what a user must know of it.

    Args:
        personal: The model.
        range_is_known: Whether the user has declared the ends of the scale.
        path: Where it was written.
    """
    count = f"{personal.opinions} {personal.kind}"
    if personal.fallback:
        yield f"the order stays the untuned model's: {personal.fallback} ({count})"
    if personal.half_width is not None:
        yield (
            f"made of all {count}; 90 % of further ones are expected within "
            f"±{personal.half_width:.3g} of {personal.scale.describe()}"
        )
        if _runs_against(personal):
            yield (
                "your ratings run against the untuned scores: if a low rating is the better one, "
                "name the column `dmos` instead of `mos`, or the reverse"
            )
        if not range_is_known:
            yield "the ends of the scale are those found: give the true ones with --label-range"
    elif not personal.fallback:
        yield f"made of all {count}: they give an order, and no interval"
    yield f"score with: biqa score PHOTOS -m {path}"


def _runs_against(personal: Personal) -> bool:
    """Return whether the untuned model ranks the photos the other way round, beyond doubt."""
    return any(one.metric == "srcc" and one.untuned.high < 0 for one in personal.shown)


def _facts(interval: Interval) -> dict[str, Any]:
    return {
        "estimate": or_none(interval.estimate),
        "ci": [or_none(interval.low), or_none(interval.high)],
    }


def _shown(interval: Interval) -> str:
    if math.isnan(interval.estimate):
        return "–"
    return f"{interval.estimate:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
