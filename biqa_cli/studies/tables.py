"""The numbers of a study as text: for a terminal, Markdown, LaTeX, CSV and JSON."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from biqa_cli.evaluation.text_tables import Row, markdown, plain, sentences
from biqa_cli.metrics.significance import SignificanceMatrix
from biqa_cli.reports.rows import not_a_formula, printable
from biqa_cli.studies.aggregation import AVERAGE, Numbers, Place, numbers_of, significance_of
from biqa_cli.studies.figures import draw, titled
from biqa_cli.studies.formats import FILES, Format
from biqa_cli.studies.latex import latex
from biqa_cli.studies.ledger import Finished
from biqa_cli.studies.plan import Plan
from biqa_cli.whole_files import write_whole

_NONE = "–"


@dataclass(frozen=True, slots=True)
class Report:
    """A study and what its runs have come to so far."""

    plan: Plan
    numbers: Numbers
    matrices: Mapping[str, SignificanceMatrix]
    finished: int
    """Of the runs of the plan."""
    leaks: tuple[str, ...]
    failed: int
    """Photos without a score, in all runs together."""


def report_of(plan: Plan, finished: Mapping[str, Finished]) -> Report:
    """Return what the runs of a plan have come to."""
    done = [finished[run.key] for run in plan.runs if run.key in finished]
    results = [result for run in done for result in run.results]
    leaks = dict.fromkeys(leak for result in results for leak in result["leaks"])
    return Report(
        plan,
        numbers_of(plan, done),
        significance_of(plan, done),
        len(done),
        tuple(leaks),
        sum(result["failed"] for result in results),
    )


def render(report: Report, *, style: Format, width: int | None = None) -> str:
    """Return a report as text.

    A terminal and CSV get a line for each row and column of the paper's table; Markdown and LaTeX
    have its shape, with the printed number behind the measured one.

    Args:
        report: What to write.
        style: Of the text.
        width: Of the terminal, for a table; None folds nothing.
    """
    match style:
        case Format.csv:
            return _csv(report)
        case Format.json:
            return json.dumps(_plain(report), indent=2, allow_nan=False) + "\n"
        case Format.latex:
            title = report.plan.study.title
            return latex(*_wide(report), caption=title, notes=_notes(report))
        case Format.markdown:
            parts = [markdown(*_wide(report)), *(markdown(*t) for t in _verdicts(report))]
        case Format.table:
            tables = [_long(report), *_verdicts(report)]
            parts = [plain(*table, width=width) for table in tables]
    notes = [printable(note) for note in _notes(report)]
    folds = width if style is Format.table else None
    return "\n\n".join([*parts, sentences(notes, width=folds)]).rstrip() + "\n"


def write_tables(report: Report, folder: Path) -> list[Path]:
    """Write the table of a report in all formats, and its pictures; return the files.

    Raises:
        UsageError: If the folder cannot be written.
    """
    for style, name in FILES.items():
        write_whole(folder / name, render(report, style=style))
    pictures = draw(report.plan, report.numbers, folder)
    return [*(folder / name for name in FILES.values()), *pictures]


def _long(report: Report) -> tuple[Row, list[Row]]:
    """Return a line for each row and column: metrics over the seeds, and the paper's beside."""
    table, numbers = report.plan.study.table, report.numbers
    papers = bool(numbers.printed)
    head = [table.rows, table.columns, "runs"]
    for metric in table.metrics:
        head += [metric, *(["printed"] if papers else [])]
    lines = []
    for row, column in _places(numbers):
        summaries = [numbers.measured.get((row, column, metric)) for metric in table.metrics]
        runs = max((len(s.values) for s in summaries if s), default=0)
        cells = [printable(row), printable(column), str(runs) if runs else _NONE]
        for metric in table.metrics:
            cells.append(_measured(report, (row, column, metric)))
            cells += [_paper(numbers.printed.get((row, column, metric)))] if papers else []
        lines.append(tuple(cells))
    for name in dict.fromkeys(line for line, _ in numbers.averages):
        by_row = table.columns == "dataset"
        cells = [printable(name), AVERAGE] if by_row else [AVERAGE, printable(name)]
        cells.append("")
        for metric in table.metrics:
            cells += [_number(numbers.averages.get((name, metric))), *([""] if papers else [])]
        lines.append(tuple(cells))
    return tuple(head), lines


def _places(numbers: Numbers) -> Iterable[tuple[str, str]]:
    """Return the rows and columns that have a number, measured or printed."""
    have = {(row, column) for row, column, _ in (*numbers.measured, *numbers.printed)}
    return [(r, c) for r in numbers.rows for c in numbers.columns if (r, c) in have]


def _wide(report: Report) -> tuple[Row, list[Row]]:
    """Return the paper's shape: a column for each column and metric."""
    table, numbers = report.plan.study.table, report.numbers
    by_row = table.columns == "dataset"
    head = [str(table.rows)]
    for column in numbers.columns:
        head += [f"{printable(column)} {titled(metric)}" for metric in table.metrics]
    if numbers.averages and by_row:
        head += [f"{AVERAGE} {titled(metric)}" for metric in table.metrics]
    lines = []
    for row in numbers.rows:
        cells = [printable(row)]
        for column in numbers.columns:
            cells += [_both(report, (row, column, metric)) for metric in table.metrics]
        if numbers.averages and by_row:
            cells += [_number(numbers.averages.get((row, metric))) for metric in table.metrics]
        lines.append(tuple(cells))
    if numbers.averages and not by_row:
        cells = [AVERAGE]
        for column in numbers.columns:
            cells += [_number(numbers.averages.get((column, metric))) for metric in table.metrics]
        lines.append(tuple(cells))
    return tuple(head), lines


def _both(report: Report, place: Place) -> str:
    printed = report.numbers.printed.get(place)
    measured = _measured(report, place)
    if printed is None:
        return measured
    return f"({_paper(printed)})" if measured == _NONE else f"{measured} ({_paper(printed)})"


def _measured(report: Report, place: Place) -> str:
    summary = report.numbers.measured.get(place)
    if summary is None or not summary.values:
        return _NONE
    value = _number(summary.statistic(report.plan.study.table.statistic))
    return value if math.isnan(summary.std) else f"{value} ± {summary.std:.4f}"


def _number(value: float | None) -> str:
    return _NONE if value is None or math.isnan(value) else f"{value:.4f}"


def _paper(value: float | None) -> str:
    return _NONE if value is None else f"{value:g}"


def _verdicts(report: Report) -> list[tuple[Row, list[Row]]]:
    """Return a table for each data set: which variant is better than which (REQA, Table III)."""
    return [
        (
            (printable(dataset), *map(printable, matrix.models)),
            [
                (printable(name), *(f"{verdict:+d}" if verdict else "0" for verdict in verdicts))
                for name, verdicts in zip(matrix.models, matrix.verdicts, strict=True)
            ],
        )
        for dataset, matrix in report.matrices.items()
    ]


def _notes(report: Report) -> list[str]:
    """Return what a reader must know, a sentence each."""
    study, notes = report.plan.study, list[str]()
    runs = len(report.plan.runs)
    which = "Median" if study.table.statistic == "median" else "Mean"
    spread = " ± standard deviation" if len(study.seeds) > 1 else ""
    notes.append(
        f"{study.title}. {which}{spread} over the seeds; {report.finished} of {runs} runs."
    )
    if study.printed and report.numbers.printed:
        notes.append(f"printed: {study.printed.where}, {study.printed.protocol}.")
    if report.plan.missing:
        notes.append(f"Not run, as no --dataset names them: {', '.join(report.plan.missing)}.")
    if report.matrices:
        notes.append(
            f"+1 row better than column, -1 worse, 0 nobody can tell: {study.significance} test on "
            f"{titled(study.table.metrics[0])} over the seeds, 5 %, corrected by Holm."
        )
    notes += [f"LEAKY: {leak}." for leak in report.leaks]
    notes += study.notes
    return notes


def _csv(report: Report) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    table, numbers = report.plan.study.table, report.numbers
    measures = ("runs", "photos", "median", "mean", "std", "printed")
    writer.writerow((table.rows, table.columns, "metric", *measures))
    for row, column in _places(numbers):
        for metric in table.metrics:
            at = (row, column, metric)
            values = _values(numbers, at)
            cells = ("" if values[name] is None else values[name] for name in measures)
            writer.writerow((not_a_formula(row), not_a_formula(column), metric, *cells))
    return file.getvalue()


def _values(numbers: Numbers, place: Place) -> dict[str, float | None]:
    summary = numbers.measured.get(place)
    found: dict[str, float | None] = dict.fromkeys(("runs", "photos", "median", "mean", "std"))
    if summary is not None:
        found |= {"runs": len(summary.values), "photos": summary.photos}
        for name in ("median", "mean", "std"):
            value = getattr(summary, name)
            found[name] = None if math.isnan(value) else value
    return found | {"printed": numbers.printed.get(place)}


def _plain(report: Report) -> dict[str, object]:
    study, numbers = report.plan.study, report.numbers
    cells: list[dict[str, object]] = []
    for row, column in _places(numbers):
        for metric in study.table.metrics:
            place = (row, column, metric)
            summary = numbers.measured.get(place)
            cells.append(
                {
                    study.table.rows: row,
                    study.table.columns: column,
                    "metric": metric,
                    **_values(numbers, place),
                    "values": list(summary.values) if summary else [],
                }
            )
    return {
        "title": study.title,
        "paper": study.paper,
        "runs": len(report.plan.runs),
        "finished": report.finished,
        "photos_without_a_score": report.failed,
        "cells": cells,
        "averages": [
            {"of": name, "metric": metric, "value": value}
            for (name, metric), value in numbers.averages.items()
        ],
        "significance": {
            dataset: {"variants": matrix.models, "verdicts": matrix.verdicts}
            for dataset, matrix in report.matrices.items()
        },
        "notes": _notes(report),
    }
