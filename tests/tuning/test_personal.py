"""What a personal model says of itself, and what it cannot be made of."""

from pathlib import Path

import numpy as np
import pytest

from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.datasets.learnt import Learnt
from biqa_cli.errors import UsageError
from biqa_cli.metrics.measure import Measure
from biqa_cli.metrics.uncertainty import Interval
from biqa_cli.models.spec import ScoreScale
from biqa_cli.models.tuned import Correction
from biqa_cli.tuning.descriptions import Description
from biqa_cli.tuning.opinions import Opinions
from biqa_cli.tuning.personal import Personal, Shown, tune
from biqa_cli.tuning.telling import sentences


def test_versions_of_too_few_photos_cannot_be_held_out(tmp_path: Path) -> None:
    images = tuple(RatedImage(f"{i}.png", i % 5, reference=f"r{i % 4}") for i in range(24))
    scale = LabelScale(0, 4, higher_is_better=True, meaning="")
    rated = Opinions(Dataset("mine", tmp_path, "synthetic", scale, images))
    described = [Description(f"{i}.png", i / 24, 1, np.array([i % 3, 1.0])) for i in range(24)]
    with pytest.raises(UsageError, match="share 4 values of `reference`: rate versions of"):
        tune(rated, described)


def interval(*numbers: float) -> Interval:
    return Interval(*map(Measure, numbers), level=0.95, units=20, resamples=100, undefined=0)


def test_choices_that_did_not_count_are_not_said_to_give_an_order() -> None:
    correction = Correction(0, 1, np.zeros(2))
    scale = ScoreScale(0, 100, higher_is_better=True, meaning="order of your choices")
    personal = Personal(correction, scale, Learnt(), 28, "choices", (), fallback="they are few")
    said = [*sentences(personal, range_is_known=False, path=Path("m.safetensors"))]
    assert said[0] == "the order stays the untuned model's: they are few (28 choices)"
    assert not any("they give an order" in one for one in said)


@pytest.mark.parametrize(("high", "told"), [(-0.1, True), (0.1, False)])
def test_ratings_that_run_against_the_model_are_told(high: float, told: bool) -> None:
    shown = Shown("srcc", interval(-0.5, -0.8, high), interval(0.5, 0.2, 0.8))
    personal = Personal(
        Correction(0, 1, np.zeros(2)),
        ScoreScale(1, 5, higher_is_better=True, meaning="your ratings"),
        Learnt(),
        20,
        "ratings",
        (shown,),
        half_width=0.5,
    )
    said = [*sentences(personal, range_is_known=True, path=Path("m.safetensors"))]
    assert any("name the column `dmos` instead of `mos`" in one for one in said) is told
