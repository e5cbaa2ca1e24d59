"""Whether one model is better than another, or only luckier."""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from biqa_cli.errors import UsageError
from biqa_cli.metrics.measure import Measure, measured, undefined
from biqa_cli.metrics.pairs import is_constant, pair

Verdict = Literal[-1, 0, 1]
"""1 where the first is significantly better, -1 where it is worse, 0 where nobody can tell."""
RunsTest = Literal["welch", "paired", "wilcoxon"]

ALPHA = 0.05
_LEAST_RUNS = 3
_HIGHEST_CORRELATION = 1 - 1e-12


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of a test of two models."""

    verdict: Verdict
    statistic: Measure
    """Above 0 where the first is better, except F, which is at least 1."""
    p_value: Measure
    """Two-sided, except for F. nan where no test was possible; its reason says why."""


@np.errstate(over="ignore", divide="ignore", invalid="ignore")
def compare_runs(
    first: ArrayLike, second: ArrayLike, *, test: RunsTest = "welch", alpha: float = ALPHA
) -> Comparison:
    """Return whether one model has higher results than another over repeated splits.

    Args:
        first: One result a run (N,), such as SRCC on each split; higher is better.
        second: The other model's (M,).
        test: "welch" is the t-test without equal variances. Where both models ran on the same
            splits, in the same order, "paired" (t-test) and "wilcoxon" (signed ranks) see more;
            the latter can reach 5 % from 6 runs on. Runs with a nan or an infinity are left out,
            in pairs where the test is paired.
        alpha: The level of significance.

    Returns:
        Fewer than 3 runs or no spread leave nothing to test: the verdict is then the sign of the
        difference of the means, and the p-value nan with the reason.

    Raises:
        UsageError: If a paired test gets unequally many runs.
    """
    if test == "welch":
        a, b = (_finite(values) for values in (first, second))
    else:
        runs = pair(first, second)
        a, b = runs.mos, runs.predicted
    if min(a.size, b.size) == 0:
        return Comparison(0, undefined("no runs"), undefined("no runs"))
    reason = ""
    if min(a.size, b.size) < _LEAST_RUNS:
        reason = f"fewer than {_LEAST_RUNS} runs"
    elif is_constant(a) and is_constant(b) if test == "welch" else is_constant(a - b):
        reason = "no spread between runs"
    if reason:
        return Comparison(_sign(a.mean() - b.mean()), undefined(reason), undefined(reason))
    with warnings.catch_warnings():
        # SciPy warns where the runs hardly vary; what then is not finite says so itself.
        warnings.simplefilter("ignore", RuntimeWarning)
        statistic, p_value = _TESTS[test](a, b)
    return decided(statistic, p_value, alpha=alpha)


def compare_correlations(
    first: float, second: float, *, n: int, alpha: float = ALPHA
) -> Comparison:
    """Return whether one correlation is higher than another, by Fisher's z (ITU-T P.1401).

    Z = (atanh r1 - atanh r2) / √(2 / (n - 3)), for independent samples. Two models on the same
    images are not independent, which makes the test cautious.

    Args:
        first: Correlation of one model, in [-1, 1]; signed.
        second: Correlation of the other.
        n: Images behind each.
        alpha: The level of significance.

    Returns:
        Undecided, with a nan, where a correlation is nan or n is below 4.

    Raises:
        UsageError: If a correlation is outside [-1, 1].
    """
    if abs(first) > 1 or abs(second) > 1:
        msg = f"correlations lie in [-1, 1], got {first} and {second}"
        raise UsageError(msg)
    if reason := _why_undecided(first, second, enough=n > _LEAST_RUNS, count="4 images"):
        return Comparison(0, undefined(reason), undefined(reason))
    z1, z2 = (
        math.atanh(max(-_HIGHEST_CORRELATION, min(_HIGHEST_CORRELATION, r)))
        for r in (first, second)
    )
    statistic = (z1 - z2) / math.sqrt(2 / (n - 3))
    return decided(statistic, 2 * float(special.ndtr(-abs(statistic))), alpha=alpha)


def compare_rmse(
    first: float, second: float, *, n: int, parameters: int = 0, alpha: float = ALPHA
) -> Comparison:
    """Return whether one RMSE is lower than another, by F = (larger / smaller)² (ITU-T P.1401).

    The recommendation compares F with the upper 5 % point. As the larger error always stands on
    top, models that do not differ are told apart in 10 % of cases, not in 5 %.

    Args:
        first: RMSE of one model; lower is better.
        second: RMSE of the other.
        n: Images behind each.
        parameters: d, those of the mapping behind both errors; F has n - d degrees of freedom.
        alpha: The level of significance.

    Returns:
        Undecided, with a nan, where an RMSE is nan or 0 and where n - d is below 1.

    Raises:
        UsageError: If an RMSE is negative.
    """
    if first < 0 or second < 0:
        msg = f"an RMSE is not negative, got {first} and {second}"
        raise UsageError(msg)
    freedom = n - parameters
    reason = _why_undecided(first, second, enough=freedom >= 1, count=f"{parameters + 1} images")
    if not reason and min(first, second) == 0:
        reason = "an RMSE is 0"
    if reason:
        return Comparison(0, undefined(reason), undefined(reason))
    statistic = (max(first, second) / min(first, second)) ** 2
    p_value = float(special.fdtrc(freedom, freedom, statistic))
    verdict = _sign(second - first) if p_value < alpha else 0
    return Comparison(verdict, measured(statistic), measured(p_value))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values corrected for being many (Holm, 1979): compare these with the level.

    Args:
        p_values: One for each test (N,); a nan is no test, stays nan and does not count.

    Example:
        >>> [round(float(p), 3) for p in holm([0.01, 0.04, 0.03, 0.005])]
        [0.03, 0.06, 0.06, 0.02]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)[: int((~np.isnan(p)).sum())]
    corrected = np.full(p.shape, np.nan)
    steps = p[order] * np.arange(order.size, 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected


@dataclass(frozen=True, slots=True)
class SignificanceMatrix:
    """Each model against each other, as in REQA's Table III."""

    models: tuple[str, ...]
    verdicts: tuple[tuple[Verdict, ...], ...]
    """Row against column: 1 better, -1 worse, 0 indistinguishable."""
    p_values: tuple[tuple[Measure, ...], ...]
    """Of the same cells, corrected where that was asked for; where one is nan, its reason says
    why there was no test, and the verdict is only the sign of the difference."""


def significance_matrix(
    runs: Mapping[str, Sequence[float]],
    *,
    test: RunsTest = "welch",
    alpha: float = ALPHA,
    correct: bool = False,
) -> SignificanceMatrix:
    """Return which models are better than which over repeated splits (REQA, Table III).

    The paper does not name its test; Welch's is our reading.

    Args:
        runs: For each model, one result a run; higher is better.
        test: As in `compare_runs`.
        alpha: The level of significance.
        correct: Whether to correct for the number of pairs of models (Holm).
    """
    models = tuple(runs)
    size = len(models)
    cells = list(combinations(range(size), 2))
    outcomes = [
        compare_runs(runs[models[i]], runs[models[j]], test=test, alpha=alpha) for i, j in cells
    ]
    if correct:
        outcomes = _corrected(outcomes, alpha=alpha)
    verdicts: list[list[Verdict]] = [[0] * size for _ in models]
    p_values = [[undefined("the same model")] * size for _ in models]
    for (i, j), outcome in zip(cells, outcomes, strict=True):
        verdicts[i][j] = outcome.verdict
        verdicts[j][i] = _sign(-outcome.verdict)
        p_values[i][j] = p_values[j][i] = outcome.p_value
    return SignificanceMatrix(
        models=models,
        verdicts=tuple(map(tuple, verdicts)),
        p_values=tuple(map(tuple, p_values)),
    )


def _corrected(outcomes: Sequence[Comparison], *, alpha: float) -> list[Comparison]:
    corrected = holm([outcome.p_value for outcome in outcomes])
    return [
        outcome if outcome.p_value.reason else decided(outcome.statistic, float(p), alpha=alpha)
        for outcome, p in zip(outcomes, corrected, strict=True)
    ]


def _welch(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    result = stats.ttest_ind(a, b, equal_var=False)
    return float(result.statistic), float(result.pvalue)


def _paired(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    result = stats.ttest_rel(a, b)
    return float(result.statistic), float(result.pvalue)


def _wilcoxon(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """Return the sum of the signed ranks of the differences, and its p-value."""
    d = a - b
    d = d[d != 0]
    # One-sided, SciPy's statistic is the sum of the ranks of what is above 0. It is the same for
    # every method; this one does not go through the permutations.
    positive = float(stats.wilcoxon(d, alternative="greater", method="asymptotic").statistic)
    return 2 * positive - d.size * (d.size + 1) / 2, float(stats.wilcoxon(d).pvalue)


_TESTS: dict[
    RunsTest, Callable[[NDArray[np.float64], NDArray[np.float64]], tuple[float, float]]
] = {"welch": _welch, "paired": _paired, "wilcoxon": _wilcoxon}


def decided(statistic: float, p_value: float, *, alpha: float) -> Comparison:
    """Return the outcome of a test: the sign of its statistic where it is significant."""
    verdict = _sign(statistic) if p_value < alpha else 0
    return Comparison(verdict, measured(statistic), measured(p_value))


def _sign(difference: float) -> Verdict:
    if difference > 0:
        return 1
    return -1 if difference < 0 else 0


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    return pair(values, values).mos


def _why_undecided(first: float, second: float, *, enough: bool, count: str) -> str:
    for value in (first, second):
        if math.isnan(value):
            return value.reason if isinstance(value, Measure) else "one side is nan"
    return "" if enough else f"fewer than {count}"
