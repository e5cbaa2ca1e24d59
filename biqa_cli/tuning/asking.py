"""Which photos or pairs to ask a person about, so that few answers teach much.

Reference:
    Yu, Bi and Tresp, "Active learning via transductive experimental design", ICML 2006: each next
    question is the one whose answer would tell most of all the others', under the same prior as
    the fit. It depends on no answer, so the order is known before the first.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from biqa_cli.tuning.ridge import Photos

MOST = 500
"""Photos, or pairs, that are looked at: others are left out by chance."""
_LINE = 4.0
"""How much the model's score counts beside all features together."""
_NOISE = 0.5
"""Of an answer."""
_TINY = 1e-8

_Values = NDArray[np.float64]


def order_of_photos(photos: Photos, *, count: int, seed: int = 0) -> list[int]:
    """Return the photos to ask about (at most `count`), the most telling first.

    Args:
        photos: All that could be asked about (N).
        count: How many to choose.
        seed: Of the photos that are looked at where there are many.
    """
    looked_at = _some(len(photos), seed)
    columns = _columns(photos.at(looked_at))
    return [int(looked_at[i]) for i in _designed(columns @ columns.T, count)]


def order_of_pairs(photos: Photos, *, count: int, seed: int = 0) -> list[tuple[int, int]]:
    """Return the pairs to ask about (at most `count`), the most telling first.

    Of a pair whose scores are far apart the answer is known: it counts less.
    """
    rng = np.random.default_rng(seed)
    drawn = {tuple(sorted(rng.choice(len(photos), 2, replace=False))) for _ in range(3 * MOST)}
    pairs = np.array(sorted(drawn))[rng.permutation(len(drawn))[:MOST]]
    columns = _columns(photos)
    scores = photos.untuned()
    chance = 1 / (1 + np.exp(10 * np.abs(scores[pairs[:, 0]] - scores[pairs[:, 1]])))
    differences = (columns[pairs[:, 0]] - columns[pairs[:, 1]]) * (2 * chance)[:, None]
    chosen = _designed(differences @ differences.T, count)
    return [(int(pairs[i, 0]), int(pairs[i, 1])) for i in chosen]


def _some(count: int, seed: int) -> NDArray[np.int64]:
    return np.sort(np.random.default_rng(seed).permutation(count)[:MOST])


def _columns(photos: Photos) -> _Values:
    """Return what an answer about each photo depends on (N, 1 + F), about as much as it does."""
    mean, spread = photos.mean_and_spread()
    standard = (photos.features - mean) / spread
    scores = photos.shares - photos.shares.mean()
    scores = scores / max(float(scores.std()), _TINY) * np.sqrt(_LINE)
    columns: _Values = np.c_[scores, standard / np.sqrt(photos.features.shape[1])]
    return columns


def _designed(kernel: _Values, count: int) -> Sequence[int]:
    """Return the positions of a sequential design by the covariance of all answers (M, M)."""
    left = kernel.copy()
    chosen: list[int] = []
    for _ in range(min(count, len(kernel))):
        told = (left**2).sum(axis=0) / (np.diag(left) + _NOISE)
        told[chosen] = -np.inf
        best = int(np.argmax(told))
        chosen.append(best)
        left -= np.outer(left[:, best], left[best]) / (left[best, best] + _NOISE)
    return chosen
