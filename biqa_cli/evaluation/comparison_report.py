"""A comparison of two tools as plain data, as a table, and as one sentence."""

import math
from typing import Any

from biqa_cli.evaluation.compare import ToolComparison

Names = tuple[str, str]


def as_record(
    comparison: ToolComparison, *, names: Names, dataset: str, split: str
) -> dict[str, Any]:
    """Return a comparison as plain data for JSON; what is undefined is None."""
    return {
        "dataset": dataset,
        "split": split,
        "first": names[0],
        "second": names[1],
        "n": comparison.n,
        "better": _better(comparison, names),
        "metrics": {
            m.metric: {
                "first": _or_none(m.first),
                "second": _or_none(m.second),
                "difference": _or_none(m.difference.estimate),
                "ci": [_or_none(m.difference.low), _or_none(m.difference.high)],
                "verdict": m.verdict,
            }
            for m in comparison.metrics
        },
        "fisher": {
            "verdict": comparison.fisher.verdict,
            "z": _or_none(comparison.fisher.statistic),
            "p_value": _or_none(comparison.fisher.p_value),
        },
        "rmse": {
            "verdict": comparison.rmse.verdict,
            "f": _or_none(comparison.rmse.statistic),
            "p_value": _or_none(comparison.rmse.p_value),
        },
        "opposite_directions": comparison.opposite,
    }


def table(
    comparison: ToolComparison, *, names: Names
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the columns and rows of a table."""
    rows: list[tuple[str, ...]] = [
        (
            m.metric,
            f"{m.first:.4f}",
            f"{m.second:.4f}",
            f"{m.difference.estimate:+.4f}",
            f"[{m.difference.low:+.4f}, {m.difference.high:+.4f}]",
        )
        for m in comparison.metrics
    ]
    return ("metric", *names, "difference", "95 % interval"), rows


def verdict(comparison: ToolComparison, *, names: Names) -> str:
    """Return which tool agrees better with people by SRCC, in a sentence or two."""
    srcc = comparison.metrics[0]
    better = _better(comparison, names)
    text = (
        f"On {comparison.n} images neither is better by more than luck (SRCC)."
        if better is None
        else f"On {comparison.n} images {better} agrees better with people (SRCC, difference "
        f"{abs(srcc.difference.estimate):.4f}, not luck at 95 %)."
    )
    fisher = "tells them apart too" if comparison.fisher.verdict else "does not tell them apart"
    p = comparison.fisher.p_value
    text += f" Fisher's z, as if the images differed, {fisher} (p = {p:.3g})."
    if comparison.opposite:
        text += " One tool's scores fall with quality: strengths are compared."
    return text


def _better(comparison: ToolComparison, names: Names) -> str | None:
    verdict = comparison.metrics[0].verdict
    return None if verdict == 0 else names[0] if verdict > 0 else names[1]


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
