"""From finished runs to numbers of a table: over seeds, over data sets, and one against another."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from biqa_cli.metrics.significance import SignificanceMatrix, significance_matrix
from biqa_cli.studies.ledger import Finished, Result
from biqa_cli.studies.plan import Plan
from biqa_cli.studies.record import Dimension, Statistic, Study

ALL = "all"
"""The group of all test photos."""
AVERAGE = "average"
_LEAST_RUNS = 3


@dataclass(frozen=True, slots=True)
class Summary:
    """A metric over the seeds."""

    values: tuple[float, ...]
    """One a run, in the order of the seeds; runs where it is undefined have none."""
    photos: int
    """Of the test, in the first run."""

    @property
    def median(self) -> float:
        """The middle one."""
        return float(np.median(self.values)) if self.values else math.nan

    @property
    def mean(self) -> float:
        """Their mean."""
        return float(np.mean(self.values)) if self.values else math.nan

    @property
    def std(self) -> float:
        """Their standard deviation, of a sample (n - 1); nan for fewer than two."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else math.nan

    def statistic(self, which: Statistic) -> float:
        """Return median or mean."""
        return self.median if which == "median" else self.mean


Place = tuple[str, str, str]
"""Row, column and metric."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of a study, each at its place."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    measured: Mapping[Place, Summary]
    printed: Mapping[Place, float]
    averages: Mapping[tuple[str, str], float]
    """Row (or column, where rows are data sets) and metric → the average over data sets, weighted
    by their test photos."""


def numbers_of(plan: Plan, finished: Iterable[Finished]) -> Numbers:
    """Return the numbers of the runs that have finished, in the order of the plan."""
    study, table = plan.study, plan.study.table
    found: dict[tuple[str, str, str], list[Result]] = {}
    by_key = {run.key: run for run in finished}
    for run in (by_key[one.key] for one in plan.runs if one.key in by_key):
        for name, result in _as_variants(study, run):
            for group, part in _groups(study, result):
                found.setdefault((name, result["dataset"], group), []).append(part)
    names: dict[Dimension, int] = {"variant": 0, "dataset": 1, "group": 2}
    column_of = names[table.columns]
    # What has several values and is no column tells rows apart, the rows' own dimension first.
    others = [names[table.rows], *(i for i in range(3) if i not in {column_of, names[table.rows]})]
    shown = [i for i in others if i == others[0] or len({place[i] for place in found}) > 1]
    measured: dict[Place, Summary] = {}
    datasets: dict[Place, str] = {}
    for place, results in found.items():
        row = ", ".join(place[i] for i in shown if i == others[0] or place[i] != ALL)
        for metric in table.metrics:
            values = [r[metric] for r in results if r.get(metric) is not None]
            at = (row, place[column_of], metric)
            measured[at] = Summary(tuple(values), results[0]["n"])
            datasets[at] = place[1]
    rows = dict.fromkeys(row for row, _, _ in measured)
    columns = dict.fromkeys(column for _, column, _ in measured)
    printed = _printed(study, tuple(rows), tuple(columns), datasets)
    rows |= dict.fromkeys(row for row, _, _ in printed)
    columns |= dict.fromkeys(column for _, column, _ in printed)
    return Numbers(tuple(rows), tuple(columns), measured, printed, _averages(study, measured))


def _as_variants(study: Study, run: Finished) -> Iterable[tuple[str, Result]]:
    """Yield the results of a run; those of random crops are a variant of their own."""
    for result in run.results:
        yield run.variant, result
        if "crops" in result:
            yield f"{run.variant}, {study.test_crops} random crops", result["crops"]


def _groups(study: Study, result: Result) -> list[tuple[str, Result]]:
    """Return what a table has of a result: its groups where they are asked for, and all of it."""
    if "group" not in (study.table.rows, study.table.columns):
        return [(ALL, result)]
    return [*((group["name"], group) for group in result["groups"]), (ALL, result)]


def _printed(
    study: Study, rows: Sequence[str], columns: Sequence[str], datasets: Mapping[Place, str]
) -> dict[Place, float]:
    """Return the paper's numbers of what has been measured, and of other methods beside it."""
    paper, table = study.printed, study.table
    if paper is None or (paper.dataset and paper.dataset not in datasets.values()):
        return {}
    return {
        (row, column, metric): number
        for row, cells in paper.values.items()
        # Other methods are variants that nobody has run.
        if row in rows or (rows and table.rows == "variant")
        for column, numbers in cells.items()
        if column in columns or (columns and table.columns == "variant")
        for metric, number in zip(table.metrics, numbers, strict=True)
        if not math.isnan(number) and _is_of(paper.dataset, datasets.get((row, column, metric)))
    }


def _is_of(only: str, dataset: str | None) -> bool:
    """Return whether numbers that are printed of `only` one data set, if so, belong to this one."""
    return not only or dataset is None or dataset == only


def _averages(study: Study, measured: Mapping[Place, Summary]) -> dict[tuple[str, str], float]:
    table = study.table
    if not table.average or "dataset" not in (table.rows, table.columns):
        return {}
    by_row = table.columns == "dataset"
    lines: dict[tuple[str, str], list[tuple[float, int]]] = {}
    for (row, column, metric), summary in measured.items():
        value = summary.statistic(table.statistic)
        lines.setdefault((row if by_row else column, metric), []).append((value, summary.photos))
    sets = len({column if by_row else row for row, column, _ in measured})
    return {
        line: float(np.average([v for v, _ in cells], weights=[n for _, n in cells]))
        for line, cells in lines.items()
        # A line that lacks a set would be an average of something else.
        if sets > 1 and len(cells) == sets and not any(math.isnan(v) for v, _ in cells)
    }


def significance_of(plan: Plan, finished: Iterable[Finished]) -> dict[str, SignificanceMatrix]:
    """Return for each data set which variants are better than which over their seeds.

    By the first metric of the table. A data set with fewer than two variants of three runs has
    none. Paired tests compare runs of the same seed.
    """
    study = plan.study
    if study.significance is None:
        return {}
    metric = study.table.metrics[0]
    values: dict[str, dict[str, dict[int, float]]] = {}
    by_key = {run.key: run for run in finished}
    for run in (by_key[one.key] for one in plan.runs if one.key in by_key):
        for result in run.results:
            if (value := result[metric]) is not None:
                of_set = values.setdefault(result["dataset"], {})
                of_set.setdefault(run.variant, {})[run.seed] = value
    sign = -1 if metric in ("rmse", "mae") else 1
    matrices = {}
    for dataset, variants in values.items():
        enough = {name: runs for name, runs in variants.items() if len(runs) >= _LEAST_RUNS}
        if study.significance != "welch" and enough:
            seeds = set.intersection(*(set(runs) for runs in enough.values()))
            enough = {n: {s: runs[s] for s in sorted(seeds)} for n, runs in enough.items()}
        if len(enough) > 1:
            signed = {n: [sign * v for v in runs.values()] for n, runs in enough.items()}
            matrices[dataset] = significance_matrix(signed, test=study.significance, correct=True)
    return matrices
