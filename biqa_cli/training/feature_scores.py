"""Scores of test photos from their cached features, where a training has those of the whole set."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch

from biqa_cli.training.batch import Cacheable
from biqa_cli.training.families.base import Phase
from biqa_cli.training.job import Job
from biqa_cli.training.seen import Seen

_AT_ONCE = 32


def score_features(
    job: Job, phase: Phase, features: Seen, indices: Sequence[int]
) -> dict[int, float]:
    """Return the native score of each image whose features are cached, by its index.

    The head is that of the network as it stands. `biqa score` also stores the backbone in int8,
    which the features here have not seen.
    """
    network, scores = phase.network, dict[int, float]()
    assert network is not None, "the last phase scores"  # noqa: S101  our invariant
    network.eval()
    known = [index for index in indices if index in features.rows]
    with torch.inference_mode():
        for start in range(0, len(known), _AT_ONCE):
            chosen = known[start : start + _AT_ONCE]
            stacked = np.stack([features.of(index) for index in chosen])
            pooled = torch.from_numpy(stacked).to(job.device).float()
            found = cast("Cacheable", network).from_pooled(pooled).scores.double().cpu()
            scores.update(zip(chosen, found.tolist(), strict=True))
    return scores
