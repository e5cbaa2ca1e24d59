"""A correction from ratings: ridge regression whose penalty the ratings themselves weigh.

A label y (a share of the scale, 0 to 1) of a photo with the score s and the features z is taken for

    y = left · (a + b·s + w·z) + noise,    b ~ N(1, ½²),    w ~ N(0, τ²)

so that few or contradictory ratings leave w near 0 and b near 1: the model as it was. The ratio of
τ² and the noise is not chosen but averaged over, by its restricted likelihood (REML), on a grid.
One of its points is τ² = 0, which is the likeliest before any rating.

Reference:
    Hoerl and Kennard, "Ridge Regression", Technometrics 12, 1970; Patterson and Thompson,
    "Recovery of inter-block information when block sizes are unequal", Biometrika 58, 1971 (REML);
    Lovell, "A Simple Proof of the FWL Theorem", 2008 (the line is projected out).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biqa_cli.models.tuned import Correction

_PENALTIES = np.exp(np.linspace(np.log(1e-3), np.log(30), 25))
"""Of w, where the features have a mean square of 1 / F: the noise by τ²."""
_NO_FEATURES = 1e3
"""A penalty that leaves nothing of w."""
_DOUBT = 0.8
"""The probability of that penalty before any rating: it keeps 20 ratings from doing harm where the
model is good already, and gives way to 50."""
_SLOPE_SPREAD = 0.5
"""Standard deviation of b: how far a person's scale may be from the model's."""
_LEAST_SLOPE = 0.1
_LEAST_SPREAD = 0.05
"""Of a feature, as a share of the median: photos that all lack it say nothing of its size."""
_TINY = 1e-8

_Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Photos:
    """What is known of photos before they are rated."""

    shares: _Values
    """The model's scores (N,), 0 to 1."""
    left: _Values
    """What full size leaves of each (N,), 0 to 1."""
    features: _Values
    """(N, F)."""

    def __len__(self) -> int:
        return len(self.shares)

    def at(self, index: NDArray[np.int64]) -> "Photos":
        """Return some of them."""
        return Photos(self.shares[index], self.left[index], self.features[index])

    def mean_and_spread(self) -> tuple[_Values, _Values]:
        """Return the mean and the spread of each feature (F,); no spread is near 0."""
        spread = self.features.std(axis=0)
        least = max(_LEAST_SPREAD * float(np.median(spread)), _TINY)
        return self.features.mean(axis=0), np.maximum(spread, least)

    def untuned(self) -> _Values:
        """Return the model's own scores (N,), full size included."""
        return self.shares * self.left

    def corrected(self, correction: Correction) -> _Values:
        """Return the scores (N,) after a correction, full size included, within the scale."""
        whole = correction(self.shares, self.features)
        tuned: _Values = np.clip(whole * np.where(whole > 0, self.left, 1), 0, 1)
        return tuned


def fit_line(photos: Photos, labels: _Values) -> Correction:
    """Return the correction that keeps the order of the scores: w is 0, and b above 0.

    Args:
        photos: That were rated (N).
        labels: Shares of the scale (N,), 1 is its best end.
    """
    centred, spread = _line_of(photos, labels)
    slope_row = np.array([[0.0, spread]])
    b = np.linalg.lstsq(np.r_[centred, slope_row], np.r_[labels, spread], rcond=None)[0][1]
    b = max(float(b), _LEAST_SLOPE)
    ones, along = centred.T
    a = float(ones @ (labels - b * along) / (ones @ ones))
    return Correction(a - b * float(photos.shares.mean()), b, np.zeros(photos.features.shape[1]))


def fit_ridge(photos: Photos, labels: _Values) -> Correction:
    """Return the correction of the scores, with what the features add.

    Args:
        photos: That were rated (N).
        labels: Shares of the scale (N,), 1 is its best end.
    """
    count = photos.features.shape[1]
    mean, spread = photos.mean_and_spread()
    units = spread * np.sqrt(count)
    standard = (photos.features - mean) / units * photos.left[:, None]
    line, known = _line_of(photos, labels)
    # What is known of b beforehand is one more row, as if it had been rated.
    line = np.r_[line, [[0.0, known]]]
    y = np.r_[labels, known]
    z = np.r_[standard, np.zeros((1, count))]
    basis = np.linalg.qr(line)[0]
    y_rest, z_rest = y - basis @ (basis.T @ y), z - basis @ (basis.T @ z)
    u, sizes, directions = np.linalg.svd(z_rest, full_matrices=False)
    told = sizes > _TINY
    sizes, directions = sizes[told], directions[told]
    along = u[:, told].T @ y_rest
    beyond = max(float(y_rest @ y_rest - along @ along), 0.0)
    penalties = np.r_[_PENALTIES, _NO_FEATURES]
    likelihood = _restricted(along, sizes, penalties, beyond=beyond, freedom=len(y) - 2)
    likely = likelihood * np.r_[np.full(len(_PENALTIES), (1 - _DOUBT) / len(_PENALTIES)), _DOUBT]
    likely /= likely.sum()
    kept = (likely[:, None] * sizes / (sizes**2 + penalties[:, None])).sum(axis=0)
    w = directions.T @ (kept * along)
    a, b = np.linalg.lstsq(line, y - z @ w, rcond=None)[0]
    weights = w / units
    intercept = a - b * photos.shares.mean() - mean @ weights
    return Correction(float(intercept), float(b), weights)


def _line_of(photos: Photos, labels: _Values) -> tuple[_Values, float]:
    """Return the columns of a and b (N, 2), and how much the prior of b counts beside a rating."""
    columns = np.c_[np.ones(len(photos)), photos.shares - photos.shares.mean()]
    columns *= photos.left[:, None]
    plain = np.linalg.lstsq(columns, labels, rcond=None)[0]
    noise = np.sqrt(((labels - columns @ plain) ** 2).sum() / max(len(labels) - 2, 1))
    return columns, float(max(noise, _TINY) / _SLOPE_SPREAD)


def _restricted(
    along: _Values, sizes: _Values, penalties: _Values, *, beyond: float, freedom: int
) -> _Values:
    """Return the restricted likelihood of each penalty (K,), as a share of the largest."""
    precision = 1 / (1 + sizes**2 / penalties[:, None])
    squares = (along**2 * precision).sum(axis=1) + beyond
    log = 0.5 * (np.log(precision).sum(axis=1) - freedom * np.log(np.maximum(squares, _TINY**2)))
    likelihood: _Values = np.exp(log - log.max())
    return likelihood
