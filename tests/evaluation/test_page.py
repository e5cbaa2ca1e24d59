"""What the page of an evaluation shows of each photo."""

from dataclasses import replace
from pathlib import Path

import pytest

from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.errors import UsageError
from biqa_cli.evaluation.evaluate import evaluate
from biqa_cli.evaluation.page import check_pageable, photos_of, table_of
from biqa_cli.evaluation.parts import Part
from biqa_cli.evaluation.predictions import Prediction
from biqa_cli.evaluation.run import Evaluated
from biqa_cli.evaluation.tools import Tool

SCALE = LabelScale(1, 5, higher_is_better=True, meaning="MOS", declared=True)
SAID = (10.0, None, 60.0, 95.0)
MODEL = Tool("m", True, lambda _: iter(()))
FILE = replace(MODEL, percent=False)


def _data(scale: LabelScale = SCALE) -> Dataset:
    images = tuple(RatedImage(f"{n}.png", mos=float(n)) for n in (1, 2, 4, 5))
    return Dataset("d", Path("here"), "authentic", scale, images)


def _evaluated(data: Dataset, tool: Tool, *, resamples: int = 0) -> Evaluated:
    said = [
        Prediction(image.path, score, "" if score is not None else "truncated")
        for image, score in zip(data.images, SAID, strict=True)
    ]
    part = Part("all", (0, 1, 2, 3))
    found = evaluate(data, part, said, model="m", percent=True, resamples=resamples)
    return Evaluated(tool, dict(enumerate(said)), (found,))


def test_a_photo_has_its_score_its_interval_and_its_label_on_one_scale() -> None:
    data = _data()
    tool = replace(MODEL, interval=lambda score: (score - 5, score + 15))
    photos = photos_of(_evaluated(data, tool), data)
    assert [photo.path for photo in photos] == [str(Path("here", f"{n}.png")) for n in (1, 2, 4, 5)]
    found = [(p.score, p.low, p.high, p.label, p.error) for p in photos]
    assert found == [
        (10, 5, 25, 0, ""),
        (None, None, None, 25, "truncated"),
        (60, 55, 75, 75, ""),
        (95, 90, 110, 100, ""),
    ]


def test_a_model_without_intervals_shows_none() -> None:
    photos = photos_of(_evaluated(_data(), MODEL), _data())
    assert {(photo.low, photo.high) for photo in photos} == {(None, None)}


def test_labels_of_which_lower_is_better_are_turned_around() -> None:
    data = _data(replace(SCALE, higher_is_better=False))
    photos = photos_of(_evaluated(data, MODEL), data)
    assert [photo.label for photo in photos] == [100, 75, 25, 0]


def test_the_table_has_the_metrics_with_their_intervals() -> None:
    data = _data()
    table = table_of(_evaluated(data, MODEL).evaluations)
    assert (table.caption, table.columns[:3]) == ("m on d", ("part", "n", "srcc"))
    assert table.rows[0][:3] == ["all", "3", "1.000"]
    (evaluation,) = _evaluated(data, MODEL, resamples=20).evaluations
    srcc = evaluation.intervals["srcc"]
    assert table_of([evaluation]).rows[0][2] == f"1.000 [{srcc.low:.3f}, {srcc.high:.3f}]"


@pytest.mark.parametrize("tools", [[MODEL, MODEL], [FILE], []])
def test_a_page_is_of_one_model(tools: list[Tool]) -> None:
    with pytest.raises(UsageError, match="the photos of one model: name one with -m"):
        check_pageable(tools, SCALE)


def test_a_page_needs_the_ends_of_the_labels() -> None:
    check_pageable([MODEL], SCALE)
    with pytest.raises(UsageError, match="give its ends with --label-range"):
        check_pageable([MODEL], replace(SCALE, declared=False))
