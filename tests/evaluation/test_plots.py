from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.evaluation import plots
from biqa_cli.evaluation.evaluate import Evaluation, evaluate
from biqa_cli.evaluation.parts import Part
from biqa_cli.evaluation.plots_of_tools import plot_tools
from biqa_cli.evaluation.predictions import Prediction
from biqa_cli.evaluation.seen import Seen

SCALE = LabelScale(0, 1, higher_is_better=True, meaning="MOS")
MOS = (0.05, 0.15, 0.35, 0.45, 0.65, 0.95)
SAID = (0.05, 0.35, 0.15, 0.30, 0.95, 0.95)

# The first import of Matplotlib takes seconds.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


def _evaluation(*, percent: bool = True, seen: str = "") -> Evaluation:
    known = Seen(images=2, sentences=(seen,)) if seen else Seen()
    images = tuple(
        RatedImage(path=f"{i}.png", mos=m, distortion="ab"[i % 2]) for i, m in enumerate(MOS)
    )
    data = Dataset("csv:d", Path(), "synthetic", SCALE, images)
    said = [Prediction(i.path, 100 * s) for i, s in zip(images, SAID, strict=True)]
    part = Part("all", tuple(range(len(MOS))))
    return evaluate(data, part, said, model="m/n", percent=percent, seen=known, resamples=0)


def _axes() -> "plots.Axes":
    from matplotlib.figure import Figure

    return Figure().subplots()


def test_the_scatter_has_a_point_for_each_image_and_says_how_well_they_agree() -> None:
    axes = _axes()
    plots.scatter(axes, _evaluation())
    points = np.asarray(axes.collections[0].get_offsets())
    assert points == pytest.approx(np.stack([SAID, MOS], axis=1))
    # Six images are too few for a logistic curve.
    mapping = _evaluation().agreement.mapping
    assert len(axes.lines) == (mapping.used != "none")
    for line in axes.lines:
        x, y = (np.asarray(values) for values in (line.get_xdata(), line.get_ydata()))
        assert (x.min(), x.max()) == (min(SAID), max(SAID))
        assert y == pytest.approx(mapping.apply(x))
    assert "m/n on csv:d (all, n = 6)" in axes.get_title() and "SRCC 0.812" in axes.get_title()


def test_a_model_that_has_learnt_the_images_is_leaky_in_every_title() -> None:
    axes = _axes()
    plots.scatter(axes, _evaluation(seen="m was trained on 2 of these 6 images"))
    assert "(all LEAKY, n = 6)" in axes.get_title()


def test_bars_count_images_by_how_far_off_they_are() -> None:
    # In categories of 20 points: 0, 1, 1, 1, 1 and 0 off; in points 0, 20, 20, 15, 30 and 0.
    axes = _axes()
    plots.acr(axes, _evaluation())
    assert [bar.get_height() for bar in axes.patches] == [2, 4, 0, 0, 0]
    axes = _axes()
    plots.deviations(axes, _evaluation())
    assert [bar.get_height() for bar in axes.patches] == [2, 0, 0, 0, 0, 0, 1, 0, 2, 1]


def test_bars_do_not_lie_over_each_other() -> None:
    for draw in (plots.acr, plots.deviations):
        axes = _axes()
        draw(axes, _evaluation())
        lefts = [bar.get_x() for bar in axes.patches]
        step = lefts[1] - lefts[0]
        assert all(0.5 * step < bar.get_width() < step for bar in axes.patches)


def test_residuals_are_drawn_with_their_quantiles() -> None:
    axes = _axes()
    plots.residuals(axes, _evaluation())
    residuals = np.subtract(MOS, SAID)
    assert np.asarray(axes.collections[0].get_offsets())[:, 1] == pytest.approx(residuals)
    lines = [float(line.get_ydata()[0]) for line in axes.lines]  # type: ignore[index,arg-type]
    assert lines == pytest.approx(np.quantile(residuals, (0.1, 0.5, 0.9)))


def test_types_of_distortion_are_bars_of_their_srcc() -> None:
    axes = _axes()
    plots.types(axes, _evaluation())
    # Labels rise; predictions of a rise too, those of b are in the order 2, 1, 3.
    found = dict(zip([t.get_text() for t in axes.get_yticklabels()], axes.patches, strict=True))
    assert found["a"].get_width() == pytest.approx(1)
    assert found["b"].get_width() == pytest.approx(0.5)


def test_the_distribution_of_labels_stands_beside_that_of_predictions() -> None:
    axes = _axes()
    plots.distributions(axes, _evaluation())
    people, predicted = axes.containers[0], axes.patches[-1]
    assert sum(bar.get_height() for bar in people) == len(MOS)
    # Two predictions of 0.95 in one bin, where people gave one.
    assert max(bar.get_height() for bar in people) == 1
    assert predicted.get_path().vertices[:, 1].max() == 2


@pytest.mark.parametrize("percent", [True, False])
def test_every_figure_that_can_be_drawn_is_a_file(tmp_path: Path, percent: bool) -> None:
    names = {path.name for path in plots.plot(_evaluation(percent=percent), tmp_path / "new")}
    kinds = {"scatter", "types"} | (
        {"distributions", "residuals", "acr", "deviations"} if percent else set()
    )
    assert names == {f"csv-d-m-n-{kind}.png" for kind in kinds}
    for name in names:
        with Image.open(tmp_path / "new" / name) as picture:
            assert picture.format == "PNG" and picture.width > 700


def test_titles_name_what_is_drawn() -> None:
    for draw, title in [(plots.acr, "Bad to Excellent"), (plots.residuals, "Residuals")]:
        axes = _axes()
        draw(axes, _evaluation())
        assert title in axes.get_title()


def test_several_tools_stand_side_by_side_and_one_alone_does_not(tmp_path: Path) -> None:
    one, other = _evaluation(), replace(_evaluation(), model="other")
    alone = plot_tools([one], tmp_path)
    together = {path.name for path in plot_tools([one, other], tmp_path)}
    over_both = together - {path.name for path in alone}
    assert {name for name in over_both if "other" not in name} == {
        "csv-d-methods.png",
        "csv-d-quantile-losses.png",
        "csv-d-methods-types.png",
    }


def test_types_of_which_no_image_is_told_apart_are_drawn_all_the_same() -> None:
    constant = replace(_evaluation(), predicted=np.full(len(MOS), 0.5))
    axes = _axes()
    plots.types(axes, constant)
    assert axes.get_xlim() == (0, 1)
