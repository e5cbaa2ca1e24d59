"""Pictures over several tools: what stands where."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.evaluation import plots_of_tools
from biqa_cli.evaluation.evaluate import Evaluation, evaluate
from biqa_cli.evaluation.parts import Part
from biqa_cli.evaluation.plots_of_tools import plot_tools
from biqa_cli.evaluation.predictions import Prediction
from biqa_cli.metrics.correlation import srcc
from biqa_cli.metrics.deviation import QUANTILES, pinball

# The first import of Matplotlib takes seconds.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

RNG = np.random.default_rng(0)
MOS = RNG.uniform(0, 1, 24)


def _evaluation(
    model: str, *, error: float = 0.1, kinds: int = 3, percent: bool = True, resamples: int = 0
) -> Evaluation:
    images = tuple(
        RatedImage(f"{n}.png", mos=float(mos), distortion=f"k{n % kinds}" if kinds else None)
        for n, mos in enumerate(MOS)
    )
    scale = LabelScale(0, 1, higher_is_better=True, meaning="MOS")
    data = Dataset("csv:d/e", Path(), "synthetic", scale, images)
    scores = np.clip(MOS + RNG.normal(0, error, len(MOS)), 0, 1)
    said = [
        Prediction(image.path, 100 * float(score))
        for image, score in zip(images, scores, strict=True)
    ]
    part = Part("all", tuple(range(len(MOS))))
    return evaluate(data, part, said, model=model, percent=percent, resamples=resamples)


def _axes() -> "plots_of_tools.Axes":
    from matplotlib.figure import Figure

    return Figure().subplots()


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize(
    ("draw", "bars"), [(plots_of_tools.agreements, 3), (plots_of_tools.quantile_losses, 3)]
)
def test_bars_of_all_tools_stand_side_by_side_around_their_tick(
    draw: Callable[["plots_of_tools.Axes", list[Evaluation]], None], bars: int, count: int
) -> None:
    axes = _axes()
    draw(axes, [_evaluation(f"m{n}") for n in range(count)])
    assert len(axes.patches) == bars * count
    left = np.array([bar.get_x() for bar in axes.patches]).reshape(count, bars)
    right = left + np.array([bar.get_width() for bar in axes.patches]).reshape(count, bars)
    assert (left[:, :1] < right[:, :1]).all()
    assert left[1:] == pytest.approx(right[:-1])
    assert (left[0] + right[-1]) / 2 == pytest.approx(np.arange(bars))
    # Between two groups something is free.
    assert (right[-1][:-1] < left[0][1:]).all()
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [f"m{n}" for n in range(count)]


def test_bars_are_as_high_as_the_correlations_and_lines_are_their_intervals() -> None:
    one, other = _evaluation("one", resamples=50), _evaluation("other")
    axes = _axes()
    plots_of_tools.agreements(axes, [one, other])
    heights = [bar.get_height() for bar in axes.patches]
    assert heights == pytest.approx(
        [getattr(e.agreement, name) for e in (one, other) for name in ("srcc", "plcc", "krcc")]
    )
    ends = [line.get_ydata() for line in axes.lines]
    assert [list(map(float, pair)) for pair in ends] == [  # type: ignore[arg-type]
        [one.intervals[name].low, one.intervals[name].high] for name in ("srcc", "plcc", "krcc")
    ]


def test_bars_are_as_high_as_the_quantile_losses() -> None:
    one, other = _evaluation("one"), _evaluation("other", error=0.4)
    axes = _axes()
    plots_of_tools.quantile_losses(axes, [one, other])
    assert [bar.get_height() for bar in axes.patches] == pytest.approx(
        [pinball(e.mos, e.predicted, quantile=q) for e in (one, other) for q in QUANTILES]
    )
    assert axes.get_ylabel() == "quantile loss, MOS"


def test_a_tool_has_a_point_for_each_type() -> None:
    tools = [_evaluation("one"), _evaluation("other", error=0.4)]
    axes = _axes()
    plots_of_tools.types(axes, tools)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["k0", "k1", "k2"]
    for line, tool in zip(axes.lines, tools, strict=True):
        expected = [srcc(tool.mos[n::3], tool.predicted[n::3]) for n in range(3)]
        assert np.asarray(line.get_xdata()) == pytest.approx(np.array(expected))
        assert list(line.get_ydata()) == [0, 1, 2]  # type: ignore[arg-type]


@pytest.mark.parametrize(("kinds", "are_enough"), [(8, True), (12, False)])
def test_a_type_is_drawn_from_three_images_on(
    tmp_path: Path, kinds: int, *, are_enough: bool
) -> None:
    tools = [_evaluation(name, kinds=kinds) for name in ("one", "other")]
    names = {path.name for path in plot_tools(tools, tmp_path)}
    assert ("csv-d-e-methods-types.png" in names) == are_enough


def test_what_some_tool_lacks_is_not_drawn(tmp_path: Path) -> None:
    tools = [_evaluation("one", kinds=0), _evaluation("other", kinds=0, percent=False)]
    over_both = {p.name for p in plot_tools(tools, tmp_path)} & {
        f"csv-d-e-{name}.png" for name in ("methods", "quantile-losses", "methods-types")
    }
    assert over_both == {"csv-d-e-methods.png"}


def test_a_tool_without_scores_does_not_count(tmp_path: Path) -> None:
    one = _evaluation("one")
    images = tuple(RatedImage(f"{n}.png", mos=float(mos)) for n, mos in enumerate(MOS))
    data = Dataset("csv:d/e", Path(), "synthetic", one.scale, images)
    nothing = [Prediction(image.path, None, "missing") for image in images]
    part = Part("all", tuple(range(len(MOS))))
    empty = evaluate(data, part, nothing, model="empty", percent=True, resamples=0)
    names = {path.name for path in plot_tools([one, empty], tmp_path)}
    assert "csv-d-e-methods.png" not in names and "csv-d-e-one-scatter.png" in names


def test_the_picture_grows_with_the_types(tmp_path: Path) -> None:
    few = [replace(_evaluation(name)) for name in ("one", "other")]
    plot_tools(few, tmp_path / "few")
    images, times = 24 * 4, 32
    kinds = tuple(f"k{n % times}" for n in range(images))
    many = [
        replace(e, kinds=kinds, mos=np.tile(e.mos, 4), predicted=np.tile(e.predicted, 4))
        for e in few
    ]
    plot_tools(many, tmp_path / "many")
    heights = []
    for folder in ("few", "many"):
        with Image.open(tmp_path / folder / "csv-d-e-methods-types.png") as picture:
            heights.append(picture.height)
    assert heights[0] == 576 and heights[1] > 32 * 20
