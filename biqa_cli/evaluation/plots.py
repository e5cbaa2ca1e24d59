"""Pictures of an evaluation, with Matplotlib (an extra)."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from biqa_cli.evaluation.drawing import BLUE, GREY, ORANGE, figure_at
from biqa_cli.evaluation.evaluate import Evaluation
from biqa_cli.metrics.correlation import srcc
from biqa_cli.metrics.deviation import QUANTILES, residual_quantiles
from biqa_cli.metrics.ranges import CATEGORIES, category_confusion, deviation_histogram

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEAST_KIND = 3


def plot(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Draw the figures of an evaluation and return their files.

    Figures that cannot be drawn (no types of distortion, predictions without a known scale) are
    left out.

    Raises:
        DependencyError: If Matplotlib is not installed.
        UsageError: If the folder cannot be written.
    """
    has_scale = evaluation.on_scale
    figures: list[tuple[str, Callable[[Axes, Evaluation], None], bool]] = [
        ("scatter", scatter, evaluation.agreement.n > 0),
        ("distributions", distributions, has_scale),
        ("residuals", residuals, has_scale),
        ("acr", acr, has_scale),
        ("deviations", deviations, has_scale),
        ("types", types, any(kind is not None for kind in evaluation.kinds)),
    ]
    written = []
    for name, draw, possible in figures:
        if not possible:
            continue
        rows = len(set(evaluation.kinds)) if name == "types" else 0
        size = (6.4, max(4.8, 1 + 0.22 * rows))
        safe = f"{evaluation.dataset}-{evaluation.model}-{name}".replace(":", "-").replace("/", "-")
        path = folder / f"{safe}.png"
        with figure_at(path, size=size) as axes:
            draw(axes, evaluation)
        written.append(path)
    return written


def scatter(axes: "Axes", evaluation: Evaluation) -> None:
    """Draw labels over predictions with the fitted curve (REQA, figure 5)."""
    p, y = evaluation.predicted, evaluation.mos
    axes.scatter(p, y, s=8, alpha=0.35, color=BLUE, linewidths=0, label="images")
    mapping = evaluation.agreement.mapping
    if mapping.used != "none":
        x = np.linspace(p.min(), p.max(), 200)
        axes.plot(x, mapping.apply(x), color=ORANGE, label=f"{mapping.used} fit")
    a = evaluation.agreement
    _label(
        axes,
        evaluation,
        f"SRCC {a.srcc:.3f}, PLCC {a.plcc:.3f}, fitted {a.plcc_fitted:.3f}",
        _prediction_axis(evaluation),
        evaluation.scale.meaning,
    )
    axes.legend()


def distributions(axes: "Axes", evaluation: Evaluation) -> None:
    """Draw how labels and predictions are distributed (QualityNet, figure 13)."""
    low, high = evaluation.scale.lowest, evaluation.scale.highest
    bins = np.linspace(low, high, 31).tolist()
    axes.hist(evaluation.mos, bins, alpha=0.5, color=GREY, label="people")
    axes.hist(evaluation.predicted, bins, histtype="step", lw=2, color=BLUE, label="predicted")
    _label(axes, evaluation, "Distribution of scores", evaluation.scale.meaning, "images")
    axes.legend()


def residuals(axes: "Axes", evaluation: Evaluation) -> None:
    """Draw the residuals and their quantiles (QualityNet, figure 11)."""
    r = evaluation.mos - evaluation.predicted
    axes.scatter(evaluation.predicted, r, s=8, alpha=0.35, color=BLUE, linewidths=0)
    found = residual_quantiles(evaluation.mos, evaluation.predicted)
    for quantile, value in zip(QUANTILES, (found.q10, found.q50, found.q90), strict=True):
        axes.axhline(value, color=ORANGE, ls="-" if quantile == 0.5 else "--")  # noqa: PLR2004
        axes.annotate(
            f"quantile {quantile:g}: {value:+.3g}",
            (0.01, value),
            va="bottom",
            xycoords=("axes fraction", "data"),
            color=ORANGE,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )
    _label(axes, evaluation, "Residuals", _prediction_axis(evaluation), "label − prediction")


def acr(axes: "Axes", evaluation: Evaluation) -> None:
    """Draw how many categories predictions are off (REQA, figure 6)."""
    confusion = category_confusion(
        evaluation.mos,
        evaluation.predicted,
        label_range=(evaluation.scale.lowest, evaluation.scale.highest),
        higher_is_better=evaluation.scale.higher_is_better,
    )
    bars = axes.bar(range(len(CATEGORIES)), confusion.deviations, color=BLUE)
    axes.bar_label(bars)
    _label(
        axes,
        evaluation,
        f"Five categories, {CATEGORIES[0]} to {CATEGORIES[-1]}: how far off",
        "categories between label and prediction",
        "images",
    )


def deviations(axes: "Axes", evaluation: Evaluation) -> None:
    """Draw how many points predictions are off (REQA, figure 7)."""
    found = deviation_histogram(
        evaluation.mos,
        evaluation.predicted,
        label_range=(evaluation.scale.lowest, evaluation.scale.highest),
    )
    width = found.edges[1]
    bars = axes.bar(found.edges, found.counts, width=0.9 * width, align="edge", color=BLUE)
    axes.bar_label(bars, fontsize=8)
    axes.set_xticks(found.edges, [*(f"{e:g}" for e in found.edges[:-1]), f"≥ {found.edges[-1]:g}"])
    _label(axes, evaluation, "Deviation", "|label − prediction|, points of 100", "images")


def types(axes: "Axes", evaluation: Evaluation) -> None:
    """Draw SRCC for each type of distortion."""
    kinds = np.array([kind or "unknown" for kind in evaluation.kinds])
    names = [n for n in sorted(set(kinds)) if (kinds == n).sum() >= _LEAST_KIND]
    values = [
        float(srcc(evaluation.mos[kinds == n], evaluation.predicted[kinds == n])) for n in names
    ]
    axes.barh(names[::-1], values[::-1], color=BLUE)
    axes.tick_params(axis="y", labelsize=7)
    axes.set_xlim(min([0.0, *(value for value in values if not np.isnan(value))]), 1)
    _label(axes, evaluation, "Agreement for each type of distortion", "SRCC", "")


def _label(axes: "Axes", evaluation: Evaluation, title: str, x: str, y: str) -> None:
    leaky = " LEAKY" if evaluation.leaks else ""
    axes.set_title(
        f"{evaluation.model} on {evaluation.dataset} ({evaluation.part.name}{leaky}, "
        f"n = {evaluation.agreement.n})\n{title}",
        fontsize=10,
    )
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def _prediction_axis(evaluation: Evaluation) -> str:
    known = evaluation.on_scale
    return f"predicted {evaluation.scale.meaning}" if known else "prediction, its own scale"
