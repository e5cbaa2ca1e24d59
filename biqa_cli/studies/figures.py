"""The numbers of a study as a picture: bars, lines over shares or values, a matrix."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from biqa_cli.evaluation.drawing import COLOURS, figure_at, has_matplotlib
from biqa_cli.studies.aggregation import Numbers
from biqa_cli.studies.plan import Plan
from biqa_cli.studies.record import Statistic

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def titled(metric: str) -> str:
    """Return what a metric is called in print: PLCC, PLCC (fitted) or quantile loss 0.1."""
    name, _, which = metric.partition("_")
    if name == "quantile":
        return f"quantile loss {which}"
    return f"{name.upper()} ({which})" if which else name.upper()


def draw(plan: Plan, numbers: Numbers, folder: Path) -> list[Path]:
    """Draw a picture for each metric of a study's table and return the files.

    None without Matplotlib, a figure in the study, or a number.
    """
    kind = plan.study.figure
    if kind == "none" or not numbers.measured or not has_matplotlib():
        return []
    how = {"bars": bars, "lines": lines, "matrix": matrix}[kind]
    written = []
    for metric in plan.study.table.metrics:
        path = folder / f"figure-{metric}.png"
        wide = 6.4 if kind != "bars" else max(6.4, 0.28 * len(numbers.rows) * len(numbers.columns))
        with figure_at(path, size=(min(wide, 16.0), 4.8)) as axes:
            how(axes, numbers, metric, plan.study.table.statistic)
            axes.set_title(plan.study.title, fontsize=10, wrap=True)
        written.append(path)
    return written


def bars(axes: "Axes", numbers: Numbers, metric: str, statistic: Statistic) -> None:
    """Draw a group of bars for each column, a bar for each row, the printed number as a mark."""
    rows = [r for r in numbers.rows if any(row == r for row, _, _ in numbers.measured)]
    width = 0.8 / len(rows)
    for place, row in enumerate(rows):
        x = np.arange(len(numbers.columns)) + (place - (len(rows) - 1) / 2) * width
        values, spreads = _line(numbers, row, metric, statistic)
        colour = COLOURS[place % len(COLOURS)]
        axes.bar(x, values, width, yerr=spreads, label=row, color=colour, capsize=2)
        printed = [numbers.printed.get((row, c, metric), math.nan) for c in numbers.columns]
        if not all(map(math.isnan, printed)):
            label = "printed in the paper" if place == 0 else None
            axes.scatter(x, printed, marker="_", s=120, color="black", label=label, zorder=3)
    axes.set_xticks(range(len(numbers.columns)), numbers.columns)
    known = [s.statistic(statistic) for (_, _, m), s in numbers.measured.items() if m == metric]
    finite = [value for value in known if not math.isnan(value)]
    if finite and min(finite) > 0:
        # Bars from 0 would all look alike.
        axes.set_ylim(bottom=max(0.0, math.floor(10 * min(finite) - 1) / 10))
    axes.set_ylabel(titled(metric))
    axes.legend(fontsize=8)


def lines(axes: "Axes", numbers: Numbers, metric: str, statistic: Statistic) -> None:
    """Draw a line for each column over the number in the name of each row, such as a share."""
    rows = [r for r in numbers.rows if any(row == r for row, _, _ in numbers.measured)]
    x = [_number_in(row, place) for place, row in enumerate(rows)]
    order = np.argsort(x, kind="stable").tolist()
    for place, column in enumerate(numbers.columns):
        found = [numbers.measured.get((rows[i], column, metric)) for i in order]
        values = [s.statistic(statistic) if s else math.nan for s in found]
        spreads = [0.0 if s is None or math.isnan(s.std) else s.std for s in found]
        colour = COLOURS[place % len(COLOURS)]
        at: Any = [x[i] for i in order]
        axes.errorbar(at, values, yerr=spreads, marker="o", label=column, color=colour, capsize=2)
        printed = [numbers.printed.get((rows[i], column, metric), math.nan) for i in order]
        if not all(map(math.isnan, printed)):
            axes.plot(at, printed, "--", color=colour, label=f"{column}, printed")
    axes.set_xticks(x, rows, rotation=30 if len(rows) > 5 else 0, fontsize=8)  # noqa: PLR2004
    axes.set_ylabel(titled(metric))
    axes.legend(fontsize=8)


def matrix(axes: "Axes", numbers: Numbers, metric: str, statistic: Statistic) -> None:
    """Draw a square for each row and column, such as trained on and tested on."""
    values = np.array([_line(numbers, row, metric, statistic)[0] for row in numbers.rows])
    axes.imshow(values, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    for i, j in np.ndindex(*values.shape):
        if not math.isnan(values[i, j]):
            colour = "black" if values[i, j] > 0.6 else "white"  # noqa: PLR2004  readable on it
            axes.text(j, i, f"{values[i, j]:.3f}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(numbers.columns)), numbers.columns, fontsize=8)
    axes.set_yticks(range(len(numbers.rows)), numbers.rows, fontsize=8)
    axes.set_xlabel(titled(metric))


def _line(
    numbers: Numbers, row: str, metric: str, statistic: Statistic
) -> tuple[Sequence[float], Sequence[float]]:
    """Return the values and spreads of a row, nan and 0 where there are none."""
    found = [numbers.measured.get((row, column, metric)) for column in numbers.columns]
    values = [math.nan if s is None else s.statistic(statistic) for s in found]
    return values, [0.0 if s is None or math.isnan(s.std) else s.std for s in found]


def _number_in(name: str, place: int) -> float:
    found = _NUMBER.search(name)
    return float(found[0]) if found else float(place)
