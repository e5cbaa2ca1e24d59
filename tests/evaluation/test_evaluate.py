from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rated_photos import loaded, rated_greys

from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.evaluation.evaluate import Coverage, Evaluation, evaluate
from biqa_cli.evaluation.formats import GroupBy
from biqa_cli.evaluation.parts import Part
from biqa_cli.evaluation.predictions import Prediction
from biqa_cli.metrics.correlation import srcc

ALL = Part("all", tuple(range(12)))
DMOS = LabelScale(0, 1, higher_is_better=False, meaning="DMOS")
MOS = LabelScale(1, 5, higher_is_better=True, meaning="MOS")


def _dataset(scale: LabelScale, *, references: int | None = None) -> Dataset:
    rng = np.random.default_rng(0)
    images = tuple(
        RatedImage(
            path=f"{i}.png",
            mos=float(scale.lowest + (scale.highest - scale.lowest) * rng.random()),
            std=0.5,
            reference=None if references is None else str(i % references),
            distortion="blur" if i % 2 else "noise",
            level=1 + i % 4,
            subset="ss01",
        )
        for i in range(12)
    )
    return Dataset("test", Path(), "synthetic", scale, images)


def _said(dataset: Dataset, scores: list[float | None]) -> list[Prediction]:
    return [
        Prediction(image.path, score, "" if score is not None else "broken")
        for image, score in zip(dataset.images, scores, strict=True)
    ]


def _perfect(dataset: Dataset) -> list[float | None]:
    """Return the labels on the common scale."""
    scale = dataset.scale
    shares = [(i.mos - scale.lowest) / (scale.highest - scale.lowest) for i in dataset.images]
    return [100 * (s if scale.higher_is_better else 1 - s) for s in shares]


@pytest.mark.parametrize("scale", [MOS, DMOS])
def test_a_perfect_model_is_perfect_whatever_the_scale_and_direction(scale: LabelScale) -> None:
    data = _dataset(scale)
    result = evaluate(data, ALL, _said(data, _perfect(data)), model="m", percent=True, resamples=5)
    a = result.agreement
    assert (a.srcc, a.krcc) == pytest.approx((1, 1))
    assert a.plcc == pytest.approx(1) and a.r2 == pytest.approx(1)
    assert a.rmse == pytest.approx(0, abs=1e-12) and a.outlier_ratio == 0


def test_a_files_correlations_keep_their_sign_and_it_has_no_rmse() -> None:
    data = _dataset(DMOS)
    result = evaluate(data, ALL, _said(data, _perfect(data)), model="f", percent=False, resamples=5)
    assert result.agreement.srcc == pytest.approx(-1)
    assert result.agreement.rmse.reason == (
        "the scale of the predictions is unknown, give it with --prediction-range WORST:BEST"
    )
    assert result.agreement.rmse_fitted == pytest.approx(0, abs=1e-6)
    assert "rmse" not in result.intervals


def test_failures_are_counted_and_left_out() -> None:
    data = _dataset(MOS)
    scores = _perfect(data)
    scores[3] = scores[7] = None
    result = evaluate(data, ALL, _said(data, scores), model="m", percent=True, resamples=5)
    assert (result.agreement.n, [p.path for p in result.failures]) == (10, ["3.png", "7.png"])
    assert result.failures[0].error == "broken"


@pytest.mark.parametrize("left", [0, 1, 2])
def test_too_few_images_leave_nan_with_a_reason(left: int) -> None:
    data = _dataset(MOS)
    scores: list[float | None] = [*_perfect(data)[:left], *[None] * (12 - left)]
    result = evaluate(
        data,
        ALL,
        _said(data, scores),
        model="m",
        percent=True,
        per=[GroupBy.type, GroupBy.range],
        resamples=5,
    )
    assert result.agreement.n == left
    assert np.isnan(result.agreement.srcc) and result.agreement.srcc.reason


def test_groups_hold_the_images_of_their_name() -> None:
    data = _dataset(MOS)
    rng = np.random.default_rng(1)
    scores: list[float | None] = [float(s) for s in rng.uniform(0, 100, 12)]
    result = evaluate(
        data,
        ALL,
        _said(data, scores),
        model="m",
        percent=True,
        per=list(GroupBy),
        resamples=0,
    )
    of_type = {g.name: g for g in result.groups if g.by == "type"}
    odd = range(1, 12, 2)
    assert of_type["blur"].n == 6
    assert of_type["blur"].srcc == pytest.approx(
        srcc([data.images[i].mos for i in odd], [scores[i] for i in odd])
    )
    assert [g.name for g in result.groups if g.by == "level"] == ["1", "2", "3", "4"]
    assert [g.n for g in result.groups if g.by == "subset"] == [12]
    ranges = [g for g in result.groups if g.by == "range"]
    assert [g.name for g in ranges] == ["Bad", "Poor", "Fair", "Good", "Excellent"]
    assert sum(g.n for g in ranges) == 12


def test_intervals_resample_references_where_there_are_any() -> None:
    def units(data: Dataset) -> int:
        result = evaluate(
            data, ALL, _said(data, _perfect(data)), model="m", percent=True, resamples=10
        )
        return result.intervals["srcc"].units

    assert (units(_dataset(MOS)), units(_dataset(MOS, references=4))) == (12, 4)


@pytest.mark.parametrize("scale", [MOS, DMOS])
def test_the_coverage_is_the_share_of_labels_in_their_intervals(scale: LabelScale) -> None:
    data = _dataset(scale)
    # Eight labels are 5 below the score, four are 20 below it; intervals reach 10 to either side.
    scores: list[float | None] = [
        (score or 0) + (20 if i % 3 == 0 else 5) for i, score in enumerate(_perfect(data))
    ]
    result = evaluate(
        data,
        ALL,
        _said(data, scores),
        model="m",
        percent=True,
        interval=lambda score: (score - 10, score + 10),
        resamples=0,
    )
    assert result.coverage == Coverage(share=pytest.approx(8 / 12), mean_width=pytest.approx(20))
    plain = evaluate(data, ALL, _said(data, scores), model="m", percent=True, resamples=0)
    assert plain.coverage is None


def test_a_csv_without_a_declared_scale_has_no_rmse(tmp_path: Path) -> None:
    data = loaded(rated_greys(tmp_path, {0: 1.0, 100: 2.0, 200: 4.0, 250: 5.0}))
    part = Part("all", (0, 1, 2, 3))
    said = [Prediction(i.path, 20.0 * i.mos) for i in data.images]

    def run(data: Dataset) -> Evaluation:
        return evaluate(data, part, said, model="m", percent=True, resamples=5)

    reason = "the scale of the labels is unknown, give it with --label-range LOW:HIGH"
    assert run(data).agreement.rmse.reason == reason
    declared = replace(data, scale=replace(data.scale, lowest=0, highest=5, declared=True))
    assert run(declared).agreement.rmse == pytest.approx(0, abs=1e-9)
