from pathlib import Path

from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.recipes.labels import scaled_labels, score_scale


def test_labels_are_laid_on_the_recipes_scale_and_never_flipped() -> None:
    images = tuple(RatedImage(f"{n}.png", mos=mos) for n, mos in enumerate((20.0, 60.0, 30.0)))
    dmos = LabelScale(20, 60, higher_is_better=False, meaning="DMOS")
    data = Dataset("mini", Path(), "authentic", dmos, images)
    wanted = (0, 1, 2)
    assert scaled_labels(data, wanted, labels="native").tolist() == [20, 60, 30]
    assert scaled_labels(data, wanted, labels="unit").tolist() == [0, 1, 0.25]
    assert scaled_labels(data, wanted, labels="percent").tolist() == [0, 100, 25]
    scale = score_scale(data, labels="unit")
    assert (scale.lowest, scale.highest, scale.higher_is_better) == (0, 1, False)
    assert scale.meaning == "DMOS of mini, from 0 to 1"
    assert score_scale(data, labels="native").meaning == "DMOS of mini"
