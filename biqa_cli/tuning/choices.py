"""A correction from choices: which of two photos is better (Bradley and Terry, 1952).

The probability that photo i is chosen before photo j is the logistic function of u_i - u_j, where
u = left · (a + b·s + w·z) is linear in the model's score s and the features z. Its penalised
likelihood is convex; the penalty is the one that foretells choices among photos held out best.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from biqa_cli.models.tuned import Correction
from biqa_cli.tuning.crossfit import SIGNIFICANT, folds_of
from biqa_cli.tuning.ridge import Photos

_PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 1e4)
"""Of w; the last leaves nothing of it."""
_SLOPE, _SLOPE_SPREAD = 10.0, 10.0
"""What is known of b beforehand: 10 points of 100 are chosen rightly three times of four."""
_OFFSET_PENALTY = 1e-2
_FOLDS = 5
_LEAST_SPREAD, _TINY = 0.05, 1e-8

_Values = NDArray[np.float64]
_Pairs = NDArray[np.int64]
"""(M, 2): the better photo, the worse one."""


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """A correction by all choices, and how it does on choices between photos held out."""

    correction: Correction
    right: NDArray[np.float64]
    """For each choice (M,) whether a correction foretold it that saw no choice of either photo."""
    untuned: NDArray[np.float64]
    """The same of the model as it was."""
    fallback: str = ""
    """Why the scores stay the model's own; empty where they do not."""


def choose(photos: Photos, pairs: _Pairs, *, seed: int = 0) -> Chosen:
    """Return the correction that agrees best with choices.

    Args:
        photos: That were compared (N).
        pairs: Choices (M, 2): the better photo, the worse one.
        seed: Of the folds.
    """
    basis = _Basis.of(photos)
    folds = [*_folds(len(photos), pairs, seed=seed)]
    losses = np.zeros(len(_PENALTIES))
    margins = np.zeros((len(_PENALTIES), len(pairs)))
    for inside, outside in folds:
        for place, penalty in enumerate(_PENALTIES):
            theta = _fitted(basis.columns, pairs[inside], penalty)
            found = _margins(basis.columns @ theta, pairs[outside])
            losses[place] += np.logaddexp(0, -found).sum()
            margins[place, outside] = found
    best = int(np.argmin(losses))
    right, untuned = _right(margins[best]), _right(_margins(photos.untuned(), pairs))
    fallback = _why_not(right, untuned, photos=len(np.unique(pairs)))
    if fallback:
        return Chosen(Correction(0, 1, np.zeros_like(basis.mean)), untuned, untuned, fallback)
    theta = _fitted(basis.columns, pairs, _PENALTIES[best])
    return Chosen(basis.correction(theta, photos), right, untuned)


def _why_not(right: _Values, untuned: _Values, *, photos: int) -> str:
    """Return why held-out choices speak against the correction; empty where they do not."""
    share = float(right.mean())
    # Many choices between few photos are not independent.
    error = math.sqrt(share * (1 - share) / min(len(right), photos))
    if not share - 0.5 > SIGNIFICANT * error:
        return "held-out choices do not follow from the others: they are few, or contradict them"
    if share < untuned.mean():
        return "the features of the photos foretell held-out choices worse than the score alone"
    return ""


def _right(margins: _Values) -> _Values:
    """Return 1 where a choice is foretold, 0 where it is not, ½ where nothing is said."""
    right: _Values = (np.sign(margins) + 1) / 2
    return right


def _folds(count: int, pairs: _Pairs, *, seed: int) -> Iterator[tuple[_Pairs, _Pairs]]:
    """Yield which choices are fitted and which are foretold: they share no photo.

    A choice between a photo that is held out and one that is not is in neither. Every choice is
    foretold once: where one of its photos is held out first.
    """
    done = np.zeros(len(pairs), dtype=bool)
    for fold in list(folds_of(count, seed=seed, folds=_FOLDS)):
        touched = np.isin(pairs, fold)
        outside = np.flatnonzero(touched.any(axis=1) & ~done)
        done[outside] = True
        others = np.unique(pairs[outside])
        yield np.flatnonzero(~np.isin(pairs, others).any(axis=1)), outside


@dataclass(frozen=True, slots=True, eq=False)
class _Basis:
    """The features of photos, standardized, in as many directions as the photos have."""

    columns: _Values
    """(N, 2 + R): left · (1, s, z along each direction)."""
    directions: _Values
    """(R, F)."""
    mean: _Values
    units: _Values

    @staticmethod
    def of(photos: Photos) -> "_Basis":
        mean, spread = photos.mean_and_spread()
        units = spread * np.sqrt(photos.features.shape[1])
        u, sizes, directions = np.linalg.svd((photos.features - mean) / units, full_matrices=False)
        line = np.c_[np.ones(len(photos)), photos.shares - photos.shares.mean()]
        columns = np.c_[line, u * sizes] * photos.left[:, None]
        return _Basis(columns, directions, mean, units)

    def correction(self, theta: _Values, photos: Photos) -> Correction:
        """Return the correction, with the mean and the spread of the model's own scores.

        Where those are all alike, the spread is a little.
        """
        offset, slope, *along = theta
        weights = self.directions.T @ np.array(along) / self.units
        intercept = offset - slope * photos.shares.mean() - self.mean @ weights
        raw = Correction(float(intercept), float(slope), weights)
        said = raw(photos.shares, photos.features)
        gain = max(float(photos.shares.std()), _LEAST_SPREAD) / max(float(said.std()), _TINY)
        return replace(
            raw,
            intercept=float(gain * (raw.intercept - said.mean()) + photos.shares.mean()),
            slope=gain * raw.slope,
            weights=gain * raw.weights,
        )


def _margins(utilities: _Values, pairs: _Pairs) -> _Values:
    """Return by how much the better photo of each pair is ahead (M,)."""
    ahead: _Values = utilities[pairs[:, 0]] - utilities[pairs[:, 1]]
    return ahead


def _fitted(columns: _Values, pairs: _Pairs, penalty: float) -> _Values:
    better, worse = pairs.T
    weigh = np.full(columns.shape[1], penalty)
    weigh[:2] = _OFFSET_PENALTY, 1 / _SLOPE_SPREAD**2
    known = np.zeros(columns.shape[1])
    known[1] = _SLOPE

    def loss(theta: _Values) -> tuple[float, _Values]:
        margins = _margins(columns @ theta, pairs)
        away = theta - known
        value = np.logaddexp(0, -margins).sum() + 0.5 * (weigh * away**2).sum()
        surprise = 1 / (1 + np.exp(np.clip(margins, -700, 700)))
        # By photo, not by pair: there may be far more pairs.
        pull = np.bincount(worse, surprise, len(columns))
        pull -= np.bincount(better, surprise, len(columns))
        slope = columns.T @ pull + weigh * away
        return float(value), slope

    found: _Values = minimize(loss, known, jac=True, method="L-BFGS-B").x
    return found


def pairs_of_decisions(groups: Sequence[str], ranks: Sequence[int]) -> _Pairs:
    """Return the choices that decisions on groups of photos amount to (M, 2).

    Args:
        groups: Of each photo; photos of other groups were not compared.
        ranks: How each was decided upon: higher is better.
    """
    members: defaultdict[str, list[int]] = defaultdict(list)
    for place, group in enumerate(groups):
        members[group].append(place)
    found = [np.empty((0, 2), dtype=np.int64)]
    for together in map(np.array, members.values()):
        rank = np.array([ranks[place] for place in together])
        found.append(together[np.argwhere(rank[:, None] > rank)])
    return np.concatenate(found)
