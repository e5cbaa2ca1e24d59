"""A comparison of tools as plain data, as a table, and as sentences."""

import math
from typing import Any

from biqa_cli.evaluation.compare import Contender, MetricComparison, ToolComparison
from biqa_cli.metrics.measure import or_none

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
                "first": or_none(m.first),
                "second": or_none(m.second),
                "difference": or_none(m.difference.estimate),
                "ci": [or_none(m.difference.low), or_none(m.difference.high)],
                "verdict": None if m.undefined else m.verdict,
            }
            for m in comparison.metrics
        },
        "undefined": {m.metric: m.undefined for m in comparison.metrics if m.undefined},
        "fisher": {
            "verdict": comparison.fisher.verdict,
            "z": or_none(comparison.fisher.statistic),
            "p_value": or_none(comparison.fisher.p_value),
        },
        "rmse": {
            "verdict": comparison.rmse.verdict,
            "f": or_none(comparison.rmse.statistic),
            "p_value": or_none(comparison.rmse.p_value),
        },
        "opposite_directions": comparison.opposite,
    }


def table(
    comparison: ToolComparison, *, names: Names
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the columns and rows of a table; a dash stands for what is undefined."""
    rows: list[tuple[str, ...]] = [
        (
            m.metric,
            _shown(m.first),
            _shown(m.second),
            _shown(m.difference.estimate, sign="+"),
            "–" if m.undefined else f"[{m.difference.low:+.4f}, {m.difference.high:+.4f}]",
        )
        for m in comparison.metrics
    ]
    return ("metric", *names, "difference", "95 % interval"), rows


def verdict(comparison: ToolComparison, *, names: Names) -> str:
    """Return which tool agrees better with people by SRCC, in a sentence or two."""
    srcc = comparison.metrics[0]
    if srcc.undefined:
        return (
            f"On {comparison.n} images the difference of SRCC is not defined: {_why(srcc, names)}."
        )
    better = _better(comparison, names)
    text = (
        f"On {comparison.n} images there is no significant difference (SRCC)."
        if better is None
        else f"On {comparison.n} images {better} agrees better with people (SRCC, difference "
        f"{abs(srcc.difference.estimate):.4f}, significant at 95 %)."
    )
    if not comparison.fisher.p_value.reason:
        p = comparison.fisher.p_value
        text += f" Fisher's z test, as if the images differed: p = {p:.3g}."
    if comparison.opposite:
        text += " One tool's scores fall with quality: strengths are compared."
    return text


def pair_sentence(
    one: Contender, other: Contender, comparison: MetricComparison, *, pairs: int
) -> str:
    """Return which of two evaluated tools is better, in a sentence.

    Args:
        one: The first tool.
        other: The second.
        comparison: Of their SRCC.
        pairs: How many pairs were compared at once.
    """
    on = f"on {comparison.n} images"
    if comparison.undefined:
        why = _why(comparison, (one.name, other.name))
        return f"{one.name} and {other.name} cannot be compared {on}: {why}."
    units = "images" if comparison.difference.units == comparison.n else "references"
    level = "95 %" if pairs == 1 else f"95 % for all {pairs} pairs together"
    how = f"{on} (SRCC, {units} drawn anew, {level})."
    if comparison.verdict == 0:
        return f"no significant difference between {one.name} and {other.name} {how}"
    word = "better" if comparison.verdict > 0 else "worse"
    return f"{one.name} is {word} than {other.name} {how}"


def _why(comparison: MetricComparison, names: Names) -> str:
    for name, measure in zip(names, (comparison.first, comparison.second), strict=True):
        if measure.reason:
            return (
                f"{measure.reason} ({name})" if "predictions" in measure.reason else measure.reason
            )
    return comparison.undefined


def _better(comparison: ToolComparison, names: Names) -> str | None:
    verdict = comparison.metrics[0].verdict
    return None if verdict == 0 else names[0] if verdict > 0 else names[1]


def _shown(value: float, *, sign: str = "") -> str:
    return "–" if math.isnan(value) else f"{value:{sign}.4f}"
