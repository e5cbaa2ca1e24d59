"""Pictures over several models and tools, side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from biqa_cli.evaluation.drawing import COLOURS, figure_at
from biqa_cli.evaluation.evaluate import Evaluation
from biqa_cli.evaluation.plots import plot
from biqa_cli.metrics.correlation import srcc
from biqa_cli.metrics.deviation import QUANTILES, pinball

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEAST_KIND = 3
_SIZE = (6.4, 4.8)
_METRICS = ("srcc", "plcc", "krcc")


def plot_tools(evaluations: Sequence[Evaluation], folder: Path) -> list[Path]:
    """Draw the figures of each tool, and those over several on one part; return the files.

    Args:
        evaluations: One for each tool, on the same part of a data set.
        folder: Where the pictures go.

    Raises:
        DependencyError: If Matplotlib is not installed.
        UsageError: If the folder cannot be written.
    """
    written = [path for evaluation in evaluations for path in plot(evaluation, folder)]
    known = [evaluation for evaluation in evaluations if evaluation.agreement.n]
    if len(known) < 2:  # noqa: PLR2004  one has nothing to stand beside
        return written
    kinds = _kinds(known)
    figures = [
        ("methods", agreements, _SIZE),
        ("quantile-losses", quantile_losses, _SIZE),
        ("methods-types", types, (6.4, max(4.8, 1 + 0.25 * len(kinds)))),
    ]
    for name, draw, size in figures:
        if (name == "methods-types" and not kinds) or (
            name == "quantile-losses" and not all(e.on_scale for e in known)
        ):
            continue
        safe = known[0].dataset.replace(":", "-").replace("/", "-")
        path = folder / f"{safe}-{name}.png"
        with figure_at(path, size=size) as axes:
            draw(axes, known)
            axes.set_title(f"{known[0].dataset} ({known[0].part.name})", fontsize=10)
        written.append(path)
    return written


def agreements(axes: "Axes", evaluations: Sequence[Evaluation]) -> None:
    """Draw SRCC, PLCC and KRCC of each tool with their intervals (QualityNet, figure 6)."""
    width = 0.8 / len(evaluations)
    for place, one in enumerate(evaluations):
        values = np.array([float(getattr(one.agreement, metric)) for metric in _METRICS])
        ends = [one.intervals.get(metric) for metric in _METRICS]
        x = np.arange(len(_METRICS)) + (place - (len(evaluations) - 1) / 2) * width
        axes.bar(x, values, width, label=one.model, color=COLOURS[place % len(COLOURS)])
        for at, interval in zip(x, ends, strict=True):
            if interval is not None and not interval.low.reason:
                axes.plot([at, at], [interval.low, interval.high], color="black", lw=1)
    axes.set_xticks(range(len(_METRICS)), [metric.upper() for metric in _METRICS])
    axes.legend(fontsize=8)


def quantile_losses(axes: "Axes", evaluations: Sequence[Evaluation]) -> None:
    """Draw the quantile losses of each tool (QualityNet, figures 7 to 10)."""
    width = 0.8 / len(evaluations)
    for place, one in enumerate(evaluations):
        values = [float(pinball(one.mos, one.predicted, quantile=q)) for q in QUANTILES]
        x = np.arange(len(QUANTILES)) + (place - (len(evaluations) - 1) / 2) * width
        axes.bar(x, values, width, label=one.model, color=COLOURS[place % len(COLOURS)])
    axes.set_xticks(range(len(QUANTILES)), [f"τ = {quantile:g}" for quantile in QUANTILES])
    axes.set_ylabel(f"quantile loss, {evaluations[0].scale.meaning}")
    axes.legend(fontsize=8)


def types(axes: "Axes", evaluations: Sequence[Evaluation]) -> None:
    """Draw SRCC of each tool on each type of distortion, a point each."""
    names = _kinds(evaluations)
    for place, one in enumerate(evaluations):
        kinds = np.array([kind or "" for kind in one.kinds])
        values = [float(srcc(one.mos[kinds == n], one.predicted[kinds == n])) for n in names]
        colour = COLOURS[place % len(COLOURS)]
        axes.plot(values, range(len(names)), "o", label=one.model, color=colour, alpha=0.8)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.set_xlabel("SRCC")
    axes.legend(fontsize=8)


def _kinds(evaluations: Sequence[Evaluation]) -> list[str]:
    """Return the types of distortion of which each tool has enough images."""
    found = [np.array([kind or "" for kind in one.kinds]) for one in evaluations]
    names = sorted({name for kinds in found for name in kinds.tolist() if name})
    return [n for n in names if all((kinds == n).sum() >= _LEAST_KIND for kinds in found)]
