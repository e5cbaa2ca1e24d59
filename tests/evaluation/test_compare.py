import numpy as np
import pytest

from biqa_cli.datasets.base import RatedImage
from biqa_cli.errors import UsageError
from biqa_cli.evaluation.compare import ToolComparison, compare_tools
from biqa_cli.evaluation.comparison_report import as_record, verdict
from biqa_cli.evaluation.predictions import Prediction

N = 200
RNG = np.random.default_rng(0)
MOS = RNG.random(N)
GOOD, BAD = MOS + RNG.normal(0, 0.05, N), MOS + RNG.normal(0, 0.5, N)
NAMES = ("a", "b")


def _compare(first: np.ndarray, second: np.ndarray) -> ToolComparison:
    images = [RatedImage(path=f"{i}", mos=float(m)) for i, m in enumerate(MOS)]
    said = [[Prediction(f"{i}", float(s)) for i, s in enumerate(p)] for p in (first, second)]
    return compare_tools(images, *said, resamples=200)


def test_the_better_tool_is_found_from_either_side() -> None:
    assert [m.verdict for m in _compare(GOOD, BAD).metrics] == [1, 1, 1]
    assert [m.verdict for m in _compare(BAD, GOOD).metrics] == [-1, -1, -1]
    assert as_record(_compare(BAD, GOOD), names=NAMES, dataset="d", split="all")["better"] == "b"


def test_a_tool_is_not_better_than_itself() -> None:
    comparison = _compare(GOOD, GOOD)
    assert [(m.verdict, m.difference.estimate) for m in comparison.metrics] == [(0, 0)] * 3
    assert comparison.fisher.verdict == comparison.rmse.verdict == 0
    assert "neither is better" in verdict(comparison, names=NAMES)


def test_a_tool_that_calls_good_low_is_judged_by_its_strength() -> None:
    comparison = _compare(-GOOD, BAD)
    assert comparison.opposite and comparison.metrics[0].first < 0
    assert comparison.metrics[0].verdict == 1
    assert "fall with quality" in verdict(comparison, names=NAMES)


def test_the_interval_knows_that_both_tools_saw_the_same_images() -> None:
    # The error that two tools share cancels in their difference, not in Fisher's z.
    shared = MOS + RNG.normal(0, 0.2, N)
    comparison = _compare(shared + RNG.normal(0, 0.01, N), shared + RNG.normal(0, 0.14, N))
    assert comparison.metrics[0].verdict == 1
    assert comparison.fisher.verdict == 0


def test_only_images_with_both_scores_count() -> None:
    images = [RatedImage(path=f"{i}", mos=float(i)) for i in range(5)]
    first = [Prediction(f"{i}", None if i == 0 else float(i)) for i in range(5)]
    second = [Prediction(f"{i}", None if i == 4 else float(i)) for i in range(5)]
    assert compare_tools(images, first, second, resamples=10).n == 3
    with pytest.raises(UsageError, match="only 2 images have a score in both"):
        compare_tools(images[:3], first[:3], second[:3])
