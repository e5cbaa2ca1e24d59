"""Labels, and the scores that are learnt from them, on the scale that a recipe asks for."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from biqa_cli.datasets.base import Dataset, LabelScale
from biqa_cli.models.spec import ScoreScale


def scaled_labels(dataset: Dataset, indices: Sequence[int], *, labels: str) -> NDArray[np.float32]:
    """Return labels (n,): as they are, or the ends of their scale laid on 0 and 1, or 0 and 100.

    Nothing is flipped: labels of which lower is better stay so.
    """
    native = np.array([dataset.images[index].mos for index in indices], dtype=np.float64)
    if labels == "native":
        return native.astype(np.float32)
    scale = dataset.scale
    share = (native - scale.lowest) / (scale.highest - scale.lowest)
    return (100 * share if labels == "percent" else share).astype(np.float32)


def score_scale(dataset: Dataset, *, labels: str) -> ScoreScale:
    """Return the scale of what a network learns to say."""
    scale: LabelScale = dataset.scale
    meaning = f"{scale.meaning} of {dataset.name}"
    if labels == "native":
        return ScoreScale(scale.lowest, scale.highest, scale.higher_is_better, meaning)
    highest = 100.0 if labels == "percent" else 1.0
    return ScoreScale(0.0, highest, scale.higher_is_better, f"{meaning}, from 0 to {highest:g}")
