"""Evaluations as plain data, and as text for people and programs."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from statistics import mean, median, stdev
from typing import Any

from biqa_cli.evaluation.details import details
from biqa_cli.evaluation.doubt import as_facts, doubt_table
from biqa_cli.evaluation.evaluate import Evaluation
from biqa_cli.evaluation.formats import Format
from biqa_cli.evaluation.group_tables import group_tables, number
from biqa_cli.evaluation.printed import PrintedNumbers
from biqa_cli.evaluation.text_tables import Row, render_tables, sentences
from biqa_cli.metrics.measure import or_none
from biqa_cli.reports.rows import not_a_formula, printable

Record = dict[str, Any]
"""The keys of `as_record`."""

METRICS = ("srcc", "plcc", "plcc_fitted", "krcc", "rmse", "mae")
EXTRA = (
    "rmse_fitted",
    "mae_fitted",
    "outlier_ratio",
    "outlier_ratio_fitted",
    "r2",
    "explained_variance",
)
_AFTER_MAPPING = {"rmse": "rmse_fitted", "mae": "mae_fitted"}
_LEARNT = ("learnt", "learnt_references")
"""Images of the part that the model has learnt from, and others of what they show."""


def as_record(evaluation: Evaluation, *, printed: PrintedNumbers | None) -> Record:
    """Return an evaluation as plain data for JSON; a metric that is undefined is None.

    Args:
        evaluation: From `evaluate`.
        printed: What the model's paper prints for this data set.
    """
    measures = {name: getattr(evaluation.agreement, name) for name in (*METRICS, *EXTRA)}
    part, mapping = evaluation.part, evaluation.agreement.mapping
    return {
        "dataset": evaluation.dataset,
        "split": part.name,
        "model": evaluation.model,
        "n": evaluation.agreement.n,
        "failed": len(evaluation.failures),
        **{name: or_none(value) for name, value in measures.items()},
        "ci": {
            name: [or_none(interval.low), or_none(interval.high)]
            for name, interval in evaluation.intervals.items()
        },
        "coverage": evaluation.coverage and asdict(evaluation.coverage),
        "groups": [
            {
                "by": group.by,
                "name": group.name,
                "n": group.n,
                "srcc": or_none(group.srcc),
                "plcc": or_none(group.plcc),
            }
            for group in evaluation.groups
        ],
        "undefined": {name: m.reason for name, m in measures.items() if m.reason},
        "mapping": {
            "curve": mapping.used,
            "parameters": list(mapping.parameters),
            "converged": mapping.converged,
            "monotone": mapping.monotone,
        },
        "details": details(
            evaluation.mos, evaluation.predicted, evaluation.scale, on_scale=evaluation.on_scale
        ),
        "beyond_doubt": as_facts(evaluation.beyond),
        "label": evaluation.scale.describe(),
        "leaky": bool(evaluation.leaks),
        "leaks": list(evaluation.leaks),
        "learnt": evaluation.seen.images,
        "learnt_references": evaluation.seen.references,
        "seed": part.seed,
        "split_sha256": part.split.sha256 if part.split else None,
        "printed": printed
        and {
            "srcc": printed.srcc,
            "plcc": printed.plcc,
            "krcc": printed.krcc,
            "where": printed.where,
            "protocol": printed.protocol,
        },
        "failures": [{"path": p.path, "error": p.error} for p in evaluation.failures],
    }


def render(
    records: Sequence[Record],
    *,
    style: Format,
    notes: Sequence[str] = (),
    width: int | None = None,
) -> str:
    """Return records as text: a record is a JSON object, a line of CSV, a row of a table.

    One record is a JSON object, several are an array. Tables carry medians, and means with their
    standard deviations (n - 1), over repeated splits and, below, what a reader must know.

    Args:
        records: From `as_record`.
        style: Of the text.
        notes: Sentences that stand below a table, before its own.
        width: Of the terminal, for a table; None folds nothing.
    """
    match style:
        case Format.json:
            return json.dumps(records[0] if len(records) == 1 else list(records), indent=2) + "\n"
        case Format.csv:
            return _csv(records)
        case Format.table | Format.markdown:
            tables = [_summary(records), *group_tables(records)]
            if (doubt := doubt_table(records)) is not None:
                tables.append(doubt)
            text = render_tables(tables, style=style, width=width)
            below = [*map(printable, notes), *_footnotes(records)]
            folds = width if style is Format.table else None
            return text + ("\n" + sentences(below, width=folds) + "\n" if below else "")


def _metrics(records: Iterable[Record]) -> tuple[str, ...]:
    """Return the columns of the summary: without any scale, deviations are after the mapping."""
    if any(record["rmse"] is not None for record in records):
        return METRICS
    return tuple(_AFTER_MAPPING.get(name, name) for name in METRICS)


def _summary(records: Sequence[Record]) -> tuple[Row, list[Row]]:
    papers = any(record["printed"] for record in records)
    metrics = _metrics(records)
    columns = ("model", "split", "n", "failed", *metrics, *(("printed",) if papers else ()))
    rows = []
    for record in records:
        cells = [_name(record), _split(record), str(record["n"]), str(record["failed"])]
        cells += [_with_interval(record[name], record["ci"].get(name)) for name in metrics]
        rows.append((*cells, *((_paper(record["printed"]),) if papers else ())))
    for repeats in _repeats(records):
        first = repeats[0]
        leaky = "LEAKY " if any(record["leaky"] for record in repeats) else ""
        split = f"{printable(first['split'])} {leaky}median of {len(repeats)}"
        cells = [_name(first), split, "", ""]
        cells += [number(_median([record[name] for record in repeats])) for name in metrics]
        rows.append((*cells, *(("",) if papers else ())))
        cells = [_name(first), f"{printable(first['split'])} {leaky}mean of {len(repeats)}", "", ""]
        cells += [_mean_and_std([record[name] for record in repeats]) for name in metrics]
        rows.append((*cells, *(("",) if papers else ())))
    return columns, rows


def _footnotes(records: Sequence[Record]) -> list[str]:
    notes: dict[str, None] = {}
    shown = _metrics(records)
    for record in records:
        for sentence in record["leaks"]:
            notes[f"LEAKY: {sentence}."] = None
        if "rmse" not in shown and (reason := record["undefined"].get("rmse")):
            notes[f"Only fitted deviations are shown: {reason}."] = None
        for name, reason in record["undefined"].items():
            if name in shown:
                notes[f"{_name(record)}: {name} is not defined: {reason}."] = None
        if coverage := record["coverage"]:
            notes[
                f"{_name(record)}: {100 * coverage['share']:.1f} % of the labels lie in the 90 % "
                f"intervals, which are {coverage['mean_width']:.1f} of 100 wide on average."
            ] = None
        if printed := record["printed"]:
            where = f"printed: SRCC / PLCC / KRCC of {printed['where']}, on {printed['protocol']}."
            notes[where] = None
        curve = record["mapping"]["curve"]
        if curve == "linear":
            notes[f"{_name(record)}: plcc_fitted is after a straight line."] = None
    return list(notes)


def _csv(records: Sequence[Record]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    origin = ("dataset", "split", "seed", "leaky", *_LEARNT, "model")
    scalars = (*origin, "n", "failed", *METRICS, *EXTRA)
    ends = [f"{name}_{end}" for name in ("srcc", "plcc", "krcc") for end in ("low", "high")]
    writer.writerow((*scalars, *ends, "by", "group"))
    for record in records:
        bounds = [end for m in ("srcc", "plcc", "krcc") for end in record["ci"].get(m, ("", ""))]
        values = [_safe(record[name]) for name in scalars]
        writer.writerow((*values, *bounds, "", ""))
        for group in record["groups"]:
            shown = dict(zip(scalars, values, strict=True))
            shown |= dict.fromkeys((*METRICS, *EXTRA, *_LEARNT, "failed"), None)
            shown |= {name: group[name] for name in ("n", "srcc", "plcc")}
            writer.writerow(
                (*shown.values(), *("" for _ in ends), group["by"], _safe(group["name"]))
            )
    return file.getvalue()


def _safe(value: object) -> object:
    return not_a_formula(value) if isinstance(value, str) else value


def _repeats(records: Sequence[Record]) -> list[list[Record]]:
    """Return the records of each model that differ by the seed of their split."""
    found: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        found.setdefault((record["model"], record["split"]), []).append(record)
    return [repeats for repeats in found.values() if len(repeats) > 1]


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if len(known) == len(values) else None


def _mean_and_std(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{mean(known):.4f} ± {stdev(known):.4f}" if len(known) == len(values) else number(None)


def _name(record: Record) -> str:
    return printable(record["model"])


def _split(record: Record) -> str:
    leaky = " LEAKY" if record["leaky"] else ""
    seed = "" if record["seed"] is None else f" seed {record['seed']}"
    return f"{printable(record['split'])}{leaky}{seed}"


def _with_interval(value: float | None, ends: Sequence[float | None] | None) -> str:
    if value is None or ends is None or None in ends:
        return number(value)
    return f"{value:.4f} [{ends[0]:.3f}, {ends[1]:.3f}]"


def _paper(printed: Record | None) -> str:
    if printed is None:
        return ""
    values = (printed[name] for name in ("srcc", "plcc", "krcc"))
    return " / ".join("–" if value is None else f"{value:g}" for value in values)
