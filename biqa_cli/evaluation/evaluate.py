"""Predictions against people's scores: one record for a model on a part of a data set."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.evaluation.doubt import BeyondDoubt, beyond_doubt
from biqa_cli.evaluation.formats import GroupBy
from biqa_cli.evaluation.parts import Part
from biqa_cli.evaluation.predictions import Prediction
from biqa_cli.evaluation.seen import Seen
from biqa_cli.metrics.agreement import Agreement, agreement
from biqa_cli.metrics.correlation import krcc, plcc, srcc
from biqa_cli.metrics.deviation import mae, rmse
from biqa_cli.metrics.logistic import Curve
from biqa_cli.metrics.mapping import plcc_fitted
from biqa_cli.metrics.measure import Measure, undefined
from biqa_cli.metrics.ranges import agreement_by_category
from biqa_cli.metrics.uncertainty import Interval, bootstrap

_NOTHING = Seen()


@dataclass(frozen=True, slots=True)
class Group:
    """The agreement among the images of a part that have something in common."""

    by: GroupBy
    name: str
    n: int
    srcc: Measure
    plcc: Measure


IntervalOf = Callable[[float], tuple[float, float] | None]
"""From a score of 0 to 100 to the ends of its 90 % interval."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How the intervals of a calibrated model fare."""

    share: float
    """Of the labels that lie within them; 0.9 is meant."""
    mean_width: float
    """On the scale of 0 to 100."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """How well predictions agree with people on a part of a data set."""

    dataset: str
    scale: LabelScale
    part: Part
    model: str
    """The name of the model, or of the file of predictions."""
    seen: Seen
    """What the model has learnt from."""
    failures: tuple[Prediction, ...]
    """Images of the part without a prediction."""
    agreement: Agreement
    """Over the images that have one."""
    intervals: dict[str, Interval]
    """Bootstrap intervals of 95 %, by the name of the metric."""
    coverage: Coverage | None
    """None where the tool gives no intervals, or the labels have no declared scale."""
    groups: tuple[Group, ...]
    mos: NDArray[np.float64] = field(repr=False)
    """Labels (n,)."""
    predicted: NDArray[np.float64] = field(repr=False)
    """Predictions (n,): a model's on the scale of the labels, a file's as they stand there."""
    on_scale: bool
    """Whether the predictions are known to be on the scale of the labels."""
    kinds: tuple[str | None, ...] = field(repr=False)
    """The distortion of each image (n,)."""
    beyond: BeyondDoubt | None = None
    """Where it is known how many opinions are behind a label, and how far they spread."""

    @property
    def leaks(self) -> tuple[str, ...]:
        """Why the numbers flatter the model, a sentence each; empty where nothing is known."""
        return (*((self.part.leak,) if self.part.leak else ()), *self.seen.sentences)


def evaluate(
    dataset: Dataset,
    part: Part,
    predictions: Sequence[Prediction],
    *,
    model: str,
    percent: bool,
    seen: Seen = _NOTHING,
    interval: IntervalOf | None = None,
    per: Sequence[GroupBy] = (),
    curve: Curve = "logistic4",
    raters: int | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """Return how well predictions agree with the labels of a part.

    Correlations are signed, in the orientation of the labels. A model's scores are first laid on
    the scale of the labels, whatever its direction, so that a good model is near 1 on every set.

    Args:
        dataset: From `load_dataset`.
        part: Which of its images.
        predictions: One for each image of the part, in its order.
        model: What the predictions are called.
        percent: Whether they are 0 to 100, higher is better, as biqa's are. Others are taken as
            they stand: their correlations keep their sign, and RMSE and MAE are only fitted.
        seen: What of the part the model has learnt from.
        interval: Of a score, where the model has such.
        per: Also by type or level of distortion, range of quality, or subset.
        curve: Of the mapping behind fitted metrics.
        raters: Opinions behind each label; None where that is unknown.
        resamples: Of the bootstrap; 0 computes no intervals.
        seed: Of the bootstrap.
    """
    images = [dataset.images[index] for index in part.indices]
    pairs = list(zip(images, predictions, strict=True))
    rated = [image for image, p in pairs if p.score is not None]
    scores = np.array([p.score for _, p in pairs if p.score is not None], dtype=np.float64)
    mos = np.array([image.mos for image in rated])
    predicted = on_label_scale(scores, dataset.scale) if percent else scores
    on_scale = percent and dataset.scale.declared
    stds = np.array([image.std for image in rated])
    knows_spread = not np.isnan(stds).all()
    measures = agreement(mos, predicted, mos_std=stds if knows_spread else None, mapping=curve)
    if not on_scale:
        measures = _without_scale(measures, "predictions" if not percent else "labels")
    metrics = {"srcc": srcc, "plcc": plcc, "krcc": krcc}
    if measures.mapping.used != "none":
        # The curve is held: fitting it anew in each resample would take as long as scoring.
        metrics["plcc_fitted"] = partial(plcc_fitted, mapping=measures.mapping)
    if on_scale:
        metrics |= {"rmse": rmse, "mae": mae}
    clusters = clusters_of(rated)
    return Evaluation(
        dataset=dataset.name,
        scale=dataset.scale,
        part=part,
        model=model,
        seen=seen,
        failures=tuple(p for p in predictions if p.score is None),
        agreement=measures,
        intervals={
            name: bootstrap(m, mos, predicted, groups=clusters, resamples=resamples, seed=seed)
            for name, m in metrics.items()
            if resamples
        },
        coverage=_coverage(mos, scores, dataset.scale, interval) if on_scale else None,
        groups=tuple(
            group for by in per for group in _groups(by, rated, mos, predicted, dataset.scale)
        ),
        mos=mos,
        predicted=predicted,
        on_scale=on_scale,
        kinds=tuple(image.distortion for image in rated),
        beyond=None
        if raters is None or not knows_spread
        else beyond_doubt(mos, predicted, stds, mapping=measures.mapping, raters=raters),
    )


def clusters_of(images: Sequence[RatedImage]) -> list[str] | None:
    """Return the reference of each image, whose versions are not independent; None without."""
    references = [image.reference for image in images if image.reference is not None]
    return references if images and len(references) == len(images) else None


def _without_scale(measures: Agreement, whose: str) -> Agreement:
    """Return measures without those that need predictions on the scale of the labels."""
    hint = "--label-range LOW:HIGH" if whose == "labels" else "--prediction-range WORST:BEST"
    unknown = undefined(f"the scale of the {whose} is unknown, give it with {hint}")
    return replace(
        measures,
        rmse=unknown,
        mae=unknown,
        outlier_ratio=unknown,
        r2=unknown,
        explained_variance=unknown,
    )


def on_label_scale(percent: NDArray[np.float64], scale: LabelScale) -> NDArray[np.float64]:
    """Return scores of 0 to 100, higher is better, on the scale of a data set's labels.

    Example:
        >>> dmos = LabelScale(0, 1, higher_is_better=False, meaning="DMOS")
        >>> on_label_scale(np.array([100.0, 25.0]), dmos)
        array([0.  , 0.75])
    """
    share = percent / 100 if scale.higher_is_better else 1 - percent / 100
    return scale.lowest + share * (scale.highest - scale.lowest)


def _coverage(
    mos: NDArray[np.float64],
    scores: NDArray[np.float64],
    scale: LabelScale,
    interval: IntervalOf | None,
) -> Coverage | None:
    found = [interval(score) for score in scores.tolist()] if interval is not None else []
    known = [ends for ends in found if ends is not None]
    if not known or len(known) < len(mos):
        return None
    # Both ends on the scale of the labels; where lower is better they change places.
    ends = np.sort(on_label_scale(np.array(known), scale), axis=1)
    held = (ends[:, 0] <= mos) & (mos <= ends[:, 1])
    return Coverage(float(held.mean()), float(np.diff(np.array(known), axis=1).mean()))


def _groups(
    by: GroupBy,
    images: Sequence[RatedImage],
    mos: NDArray[np.float64],
    predicted: NDArray[np.float64],
    scale: LabelScale,
) -> list[Group]:
    if by is GroupBy.range:
        categories = agreement_by_category(
            mos,
            predicted,
            label_range=(scale.lowest, scale.highest),
            higher_is_better=scale.higher_is_better,
        )
        return [Group(by, c.category, c.n, c.srcc, c.plcc) for c in categories]
    names = [_name_of_group(by, image) for image in images]
    groups = []
    # Types stay in the order of their authors, that of the labels.
    order = dict.fromkeys(names) if by is GroupBy.type else sorted({*names}, key=_numbers_first)
    for name in order:
        chosen = np.array([other == name for other in names])
        y, p = mos[chosen], predicted[chosen]
        groups.append(Group(by, name, len(y), srcc(y, p), plcc(y, p)))
    return groups


def _name_of_group(by: GroupBy, image: RatedImage) -> str:
    name = {"type": image.distortion, "level": image.level, "subset": image.subset}[by]
    return "unknown" if name is None else str(name)


def _numbers_first(name: str) -> tuple[float, str]:
    return (float(name), "") if name.isdecimal() else (math.inf, name)
