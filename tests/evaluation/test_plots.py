from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.evaluation.evaluate import evaluate
from biqa_cli.evaluation.parts import Part
from biqa_cli.evaluation.predictions import Prediction

SCALE = LabelScale(0, 1, higher_is_better=True, meaning="MOS")


@pytest.mark.parametrize("percent", [True, False])
@pytest.mark.filterwarnings("default")  # Matplotlib's own
def test_every_figure_that_can_be_drawn_is_a_picture(tmp_path: Path, percent: bool) -> None:
    from biqa_cli.evaluation.plots import plot

    rng = np.random.default_rng(0)
    images = tuple(
        RatedImage(path=f"{i}.png", mos=float(m), distortion="ab"[i % 2])
        for i, m in enumerate(rng.random(40))
    )
    data = Dataset("csv:d", Path(), "synthetic", SCALE, images)
    said = [Prediction(i.path, 100 * i.mos) for i in images]
    part = Part("all", tuple(range(40)))
    result = evaluate(data, part, said, model="m/n", percent=percent, resamples=0)
    names = {path.name for path in plot(result, tmp_path / "new")}
    kinds = {"scatter", "types"} | (
        {"distributions", "residuals", "acr", "deviations"} if percent else set()
    )
    assert names == {f"csv-d-m-n-{kind}.png" for kind in kinds}
    for name in names:
        with Image.open(tmp_path / "new" / name) as picture:
            assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 10
