"""Compare the correlations of biqa with independent ways to each, on random data with ties.

SRCC from ranks by counting, KRCC by going through all pairs, PLCC by sums: in plain Python, with
exactly rounded sums. The fitted PLCC by a global search for the curve (differential evolution on
steepness and centre) that knows neither biqa's starts nor its method.

Run:  python tools/cross_check_metrics.py
"""

import argparse
import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import differential_evolution
from scipy.special import expit

from biqa_cli.metrics.correlation import krcc, plcc, srcc
from biqa_cli.metrics.mapping import fit_mapping, plcc_fitted

_STEEPEST = math.log(200)
_FLATTEST = math.log(0.02)
_TAIL = 20.0
# A shortfall that the fourth digit of a report could show.
_VISIBLE = 5e-5


def random_case(rng: np.random.Generator, *, longest: int) -> tuple[list[float], list[float]]:
    """Return labels and predictions, saturating, noisy and rounded until some of them tie."""
    n = int(rng.integers(6, longest + 1))
    quality = rng.normal(size=n)
    labels = quality + rng.normal(0, rng.uniform(0.05, 1.5), n)
    sign = rng.choice([-1, 1])
    predictions = sign * 100 / (1 + np.exp(-rng.uniform(0.3, 4) * (quality - rng.normal())))
    labels, predictions = labels.round(1), predictions.round(int(rng.integers(-1, 2)))
    return labels.tolist(), predictions.tolist()


def pearson(x: Sequence[float], y: Sequence[float]) -> float:
    """Return Pearson's correlation from exactly rounded sums."""
    mean_x, mean_y = math.fsum(x) / len(x), math.fsum(y) / len(y)
    both = math.fsum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    square_x = math.fsum((a - mean_x) ** 2 for a in x)
    square_y = math.fsum((b - mean_y) ** 2 for b in y)
    return both / math.sqrt(square_x * square_y)


def ranks(values: Sequence[float]) -> list[float]:
    """Return mid-ranks by counting what is below and what is equal."""
    return [sum(v < a for v in values) + (sum(v == a for v in values) + 1) / 2 for a in values]


def kendall(x: Sequence[float], y: Sequence[float]) -> float:
    """Return τ_b by looking at every pair of images."""
    balance = untied_x = untied_y = 0
    for (a, b), (c, d) in combinations(list(zip(x, y, strict=True)), 2):
        sign_x, sign_y = (a > c) - (a < c), (b > d) - (b < d)
        balance += sign_x * sign_y
        untied_x += abs(sign_x)
        untied_y += abs(sign_y)
    return balance / math.sqrt(untied_x * untied_y)


def best_fitted(mos: Sequence[float], predicted: Sequence[float], *, seed: int) -> float:
    """Return the highest PLCC that a logistic curve of any steepness and centre reaches.

    With the best height and offset, which PLCC ignores, this is the least-squares curve.
    """
    x, y = ((np.array(v) - np.mean(v)) / np.std(v) for v in (predicted, mos))

    def loss(candidates: NDArray[np.float64]) -> NDArray[np.float64]:
        steepness, place = np.exp(candidates[0])[:, None], candidates[1][:, None]
        # From far left of all predictions, where the curve is an exponential, to far right.
        centre = x.min() - _TAIL / steepness + place * (np.ptp(x) + 2 * _TAIL / steepness)
        z = steepness * (x - centre)
        side = np.where(z.mean(axis=1, keepdims=True) > 0, -1, 1)
        curves = expit(side * z)  # the side on which tails keep their digits
        curves = curves - curves.mean(axis=1, keepdims=True)
        lengths = np.sqrt((curves**2).sum(axis=1) * (y @ y))
        return 1 - np.abs(curves @ y) / np.where(lengths > 0, lengths, math.inf)

    found = differential_evolution(
        lambda c: loss(c) if c.ndim > 1 else loss(c[:, None])[0],
        [(_FLATTEST, _STEEPEST), (0.0, 1.0)],
        popsize=30,
        maxiter=120,
        tol=1e-10,
        rng=seed,
        vectorized=True,
        updating="deferred",
    )
    return 1 - float(found.fun)


def main(count: int, *, longest: int) -> None:
    """Print the largest differences."""
    rng = np.random.default_rng(0)
    largest = dict.fromkeys(("SRCC", "PLCC", "KRCC"), 0.0)
    cases = tied = lines = 0
    shortfalls: list[tuple[float, float]] = []
    while cases < count:
        mos, predicted = random_case(rng, longest=longest)
        if len(set(mos)) < 2 or len(set(predicted)) < 2:
            continue
        cases += 1
        tied += len(set(mos)) < len(mos) or len(set(predicted)) < len(predicted)
        raw = plcc(mos, predicted)
        for name, ours, theirs in (
            ("SRCC", srcc(mos, predicted), pearson(ranks(mos), ranks(predicted))),
            ("PLCC", raw, pearson(mos, predicted)),
            ("KRCC", krcc(mos, predicted), kendall(mos, predicted)),
        ):
            largest[name] = max(largest[name], abs(ours - theirs))
        mapping = fit_mapping(mos, predicted)
        lines += mapping.used == "linear"
        fitted = plcc_fitted(mos, predicted, mapping=mapping)
        best = max(abs(raw), best_fitted(mos, predicted, seed=cases))
        shortfalls.append((abs(raw), best - fitted))

    print(f"{cases} cases of 6 to {longest} images, {tied} of them with ties")
    for name, difference in largest.items():
        print(f"{name}         largest difference {difference:.1e}")
    for low, high in ((0.8, 1.01), (0.5, 0.8), (0, 0.5)):
        gaps = np.array([gap for r, gap in shortfalls if low <= r < high])
        print(
            f"fitted PLCC, |PLCC| {low} to {min(high, 1)}: {gaps.size} cases, "
            f"{(gaps > _VISIBLE).sum()} below the global optimum by more than {_VISIBLE}, "
            f"largest {gaps.max():.1e}, median {np.median(gaps):.1e}; above it by {-gaps.min():.1e}"
        )
    print(f"a line in place of the curve: {lines} cases")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--longest", type=int, default=60, help="most images in a case")
    arguments = parser.parse_args()
    main(arguments.cases, longest=arguments.longest)
