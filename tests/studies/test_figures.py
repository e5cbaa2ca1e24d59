from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from small_studies import dataset, finished, study

from biqa_cli.studies.aggregation import numbers_of
from biqa_cli.studies.figures import bars, draw, lines, matrix, titled
from biqa_cli.studies.plan import plan_study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The first import of Matplotlib takes seconds.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

VARIANTS = [{"name": "20 %"}, {"name": "5 %"}]
VALUES = {("20 %", "x", 1): 0.8, ("20 %", "x", 2): 0.9, ("5 %", "x", 1): 0.6, ("5 %", "y", 1): 0.5}
PLAN = plan_study(study(seeds=[1, 2], variants=VARIANTS), [dataset("x"), dataset("y")])
NUMBERS = numbers_of(PLAN, finished(PLAN, VALUES).values())


def _axes() -> "Axes":
    from matplotlib.figure import Figure

    return Figure().subplots()


def test_bars_are_the_statistic_of_each_variant() -> None:
    axes = _axes()
    bars(axes, NUMBERS, "srcc", "mean")
    heights = [bar.get_height() for bar in axes.patches]
    np.testing.assert_allclose(heights, [0.85, np.nan, 0.6, 0.5])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["x", "y"]


def test_lines_go_over_the_number_in_the_name_of_a_variant() -> None:
    axes = _axes()
    lines(axes, NUMBERS, "srcc", "mean")
    first = axes.get_lines()[0]
    assert np.asarray(first.get_xdata(), dtype=float).tolist() == [5, 20]
    assert np.asarray(first.get_ydata(), dtype=float) == pytest.approx([0.6, 0.85])


def test_a_matrix_has_a_number_where_something_was_measured() -> None:
    axes = _axes()
    matrix(axes, NUMBERS, "srcc", "mean")
    assert {text.get_text() for text in axes.texts} == {"0.850", "0.600", "0.500"}


def test_each_metric_has_a_picture_where_a_study_has_one(tmp_path: Path) -> None:
    assert draw(PLAN, NUMBERS, tmp_path) == []
    for kind in ("bars", "lines", "matrix"):
        plan = plan_study(study(seeds=[1, 2], variants=VARIANTS, figure=kind), [dataset("x")])
        found = draw(plan, NUMBERS, tmp_path / kind)
        assert [path.name for path in found] == ["figure-srcc.png", "figure-plcc.png"]
        assert all(path.read_bytes().startswith(b"\x89PNG") for path in found)


def test_metrics_are_called_as_papers_call_them() -> None:
    names = ("plcc", "plcc_fitted", "quantile_0.1")
    assert [titled(name) for name in names] == ["PLCC", "PLCC (fitted)", "quantile loss 0.1"]
