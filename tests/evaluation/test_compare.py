from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.errors import UsageError
from biqa_cli.evaluation.compare import (
    Contender,
    ToolComparison,
    compare_pairs,
    compare_tools,
    direction_of,
)
from biqa_cli.evaluation.comparison_report import as_record, pair_sentence, table, verdict
from biqa_cli.evaluation.predictions import Prediction
from biqa_cli.metrics.agreement import agreement
from biqa_cli.metrics.correlation import srcc
from biqa_cli.metrics.significance import compare_correlations, compare_rmse

N = 200
RNG = np.random.default_rng(0)
MOS = RNG.random(N)
GOOD, BAD = MOS + RNG.normal(0, 0.05, N), MOS + RNG.normal(0, 0.5, N)
NAMES = ("a", "b")


def _compare(first: np.ndarray, second: np.ndarray) -> ToolComparison:
    images = [RatedImage(path=f"{i}", mos=float(m)) for i, m in enumerate(MOS)]
    said = [[Prediction(f"{i}", float(s)) for i, s in enumerate(p)] for p in (first, second)]
    return compare_tools(images, *said, resamples=100)


def test_the_better_tool_is_found_from_either_side() -> None:
    assert [m.verdict for m in _compare(GOOD, BAD).metrics] == [1, 1, 1]
    assert [m.verdict for m in _compare(BAD, GOOD).metrics] == [-1, -1, -1]
    for first, second, better in ((GOOD, BAD, "a"), (BAD, GOOD, "b"), (GOOD, GOOD, None)):
        record = as_record(_compare(first, second), names=NAMES, dataset="d", split="all")
        assert record["better"] == better


def test_only_scores_that_run_against_each_other_are_opposite() -> None:
    for first, second, are_opposite in (
        (1, 1, False),
        (-1, -1, False),
        (-1, 1, True),
        (1, -1, True),
    ):
        assert _compare(first * GOOD, second * BAD).opposite == are_opposite
    images = [RatedImage(path=f"{i}", mos=float(m)) for i, m in enumerate(MOS)]
    said = [[Prediction(f"{i}", float(s)) for i, s in enumerate(p)] for p in (-GOOD, BAD)]
    assert not compare_tools(images, *said, directions=(1, 1), resamples=10).opposite


@pytest.mark.parametrize(
    ("percent", "higher_is_better", "direction"),
    [(False, True, None), (False, False, None), (True, True, 1), (True, False, -1)],
)
def test_a_score_of_0_to_100_runs_with_or_against_the_labels(
    direction: int | None, *, percent: bool, higher_is_better: bool
) -> None:
    scale = LabelScale(0, 1, higher_is_better=higher_is_better, meaning="MOS")
    data = Dataset("d", Path(), "authentic", scale, ())
    assert direction_of(data, percent) == direction


def test_errors_are_compared_by_the_test_of_p1401() -> None:
    comparison = _compare(GOOD, BAD)
    errors = [agreement(MOS, scores).rmse_fitted for scores in (GOOD, BAD)]
    # The logistic curve has four parameters.
    assert comparison.rmse == compare_rmse(*errors, n=N, parameters=4)


def test_a_tool_is_not_better_than_itself() -> None:
    comparison = _compare(GOOD, GOOD)
    assert [(m.verdict, m.difference.estimate) for m in comparison.metrics] == [(0, 0)] * 3
    assert comparison.fisher.verdict == comparison.rmse.verdict == 0
    assert "there is no significant difference" in verdict(comparison, names=NAMES)


def test_a_tool_that_calls_good_low_is_judged_by_its_strength() -> None:
    comparison = _compare(-GOOD, BAD)
    assert comparison.opposite and comparison.metrics[0].first < 0
    assert comparison.metrics[0].verdict == 1
    assert "fall with quality" in verdict(comparison, names=NAMES)


def test_the_interval_knows_that_both_tools_saw_the_same_images() -> None:
    # The error that two tools share cancels in their difference, not in Fisher's z.
    # Numbers of its own: those of the other tests depend on the order in which they run.
    rng = np.random.default_rng(0)
    shared = MOS + rng.normal(0, 0.2, N)
    comparison = _compare(shared + rng.normal(0, 0.01, N), shared + rng.normal(0, 0.1, N))
    assert comparison.metrics[0].verdict == 1
    assert comparison.fisher.verdict == 0


def test_only_images_with_both_scores_count() -> None:
    images = [RatedImage(path=f"{i}", mos=float(i)) for i in range(5)]
    first = [Prediction(f"{i}", None if i == 0 else float(i)) for i in range(5)]
    second = [Prediction(f"{i}", None if i == 4 else float(i)) for i in range(5)]
    assert compare_tools(images, first, second, resamples=10).n == 3
    with pytest.raises(UsageError, match="only 2 images have a score in both"):
        compare_tools(images[:3], first[:3], second[:3], resamples=10)


def test_versions_of_a_reference_are_drawn_together() -> None:
    # The first tool errs by reference: 20 errors, not 200, so that luck is more likely.
    references = [str(i % 20) for i in range(N)]
    of_reference = RNG.normal(0, 0.25, 20)[np.arange(N) % 20]
    first, second = MOS + of_reference, MOS + RNG.normal(0, 0.18, N)
    said = [[Prediction(f"{i}", float(s)) for i, s in enumerate(p)] for p in (first, second)]

    def width(references: list[str | None]) -> float:
        images = [
            RatedImage(path=f"{i}", mos=float(m), reference=r)
            for i, (m, r) in enumerate(zip(MOS, references, strict=True))
        ]
        srcc = compare_tools(images, *said, resamples=100).metrics[0]
        return srcc.difference.high - srcc.difference.low

    assert width([*references]) > 1.3 * width([None] * N)


def test_constant_predictions_are_not_compared() -> None:
    comparison = _compare(GOOD, np.full(N, 0.5))
    assert verdict(comparison, names=NAMES) == (
        f"On {N} images the difference of SRCC is not defined: constant predictions (b)."
    )
    record = as_record(comparison, names=NAMES, dataset="d", split="all")
    assert record["better"] is None and record["metrics"]["srcc"]["verdict"] is None
    assert record["undefined"]["krcc"] == "constant predictions"
    assert table(comparison, names=NAMES)[1][0][2:] == ("–", "–", "–")


IMAGES = [RatedImage(path=f"{i}", mos=float(m)) for i, m in enumerate(MOS)]


def _contender(name: str, scores: np.ndarray, direction: int | None = None) -> Contender:
    said = {i: Prediction(f"{i}", float(s)) for i, s in enumerate(scores)}
    return Contender(name, said, direction)  # type: ignore[arg-type]


def _verdicts(*contenders: Contender) -> list[int]:
    return [found.verdict for _, _, found in compare_pairs(IMAGES, contenders, resamples=100)]


def test_two_tools_that_call_good_low_are_judged_by_their_strength() -> None:
    assert _verdicts(_contender("a", -GOOD), _contender("b", -BAD)) == [1]
    assert _verdicts(_contender("a", -BAD), _contender("b", GOOD)) == [-1]


def test_a_tool_that_goes_against_what_it_declares_is_worse_than_one_that_hardly_agrees() -> None:
    hardly = MOS + RNG.normal(0, 1, N)
    assert _verdicts(_contender("a", -GOOD, 1), _contender("b", hardly, 1)) == [-1]
    assert _verdicts(_contender("a", -GOOD, -1), _contender("b", hardly, 1)) == [1]


def test_several_pairs_share_the_risk_of_one() -> None:
    tools = [_contender(name, MOS + RNG.normal(0, 0.3, N)) for name in "abcd"]
    alone = compare_pairs(IMAGES, tools[:2], resamples=60)[0][2].difference
    together = compare_pairs(IMAGES, tools, resamples=60)[0][2].difference
    assert (alone.level, together.level) == pytest.approx((0.95, 1 - 0.05 / 6))
    assert together.low < alone.low and together.high > alone.high


def test_a_pair_that_cannot_be_compared_says_why() -> None:
    tools = [_contender("good", GOOD), _contender("flat", np.ones(N))]
    ((one, other, found),) = compare_pairs(IMAGES, tools, resamples=50)
    assert pair_sentence(one, other, found, pairs=1) == (
        f"good and flat cannot be compared on {N} images: constant predictions (flat)."
    )
    strangers = [tools[0], Contender("late", {0: Prediction("0", None)}, None)]
    ((one, other, found),) = compare_pairs(IMAGES, strangers, resamples=50)
    assert pair_sentence(one, other, found, pairs=1).endswith("on 0 images: no pairs.")


def test_fishers_z_is_that_of_the_strengths_of_srcc() -> None:
    # SRCC and PLCC differ: one tool's scores are bent.
    comparison = _compare(GOOD**5, -BAD)
    strengths = [abs(srcc(MOS, GOOD**5)), abs(srcc(MOS, BAD))]
    assert comparison.fisher == compare_correlations(*strengths, n=N)


def test_a_pair_is_compared_on_the_images_that_both_were_asked_for() -> None:
    first, second = _contender("a", GOOD), _contender("b", BAD)
    early = replace(first, said={i: first.said[i] for i in range(150)})
    late = replace(second, said={i: second.said[i] for i in range(50, N)})
    ((_, _, found),) = compare_pairs(IMAGES, [early, late], resamples=50)
    assert found.n == 100
    assert found.first == srcc(MOS[50:150], GOOD[50:150])


def test_a_sentence_says_how_many_pairs_share_the_level() -> None:
    tools = [_contender("a", GOOD), _contender("b", BAD)]
    (pair,) = compare_pairs(IMAGES, tools, resamples=50)
    assert pair_sentence(*pair, pairs=1) == (
        "a is better than b on 200 images (SRCC, images drawn anew, 95 %)."
    )
    assert pair_sentence(*pair, pairs=3).endswith("95 % for all 3 pairs together).")


def test_a_table_shows_the_interval_of_the_difference() -> None:
    comparison = _compare(GOOD, BAD)
    columns, rows = table(comparison, names=NAMES)
    assert columns == ("metric", "a", "b", "difference", "95 % interval")
    found = comparison.metrics[0]
    assert rows[0] == (
        "srcc",
        f"{found.first:.4f}",
        f"{found.second:.4f}",
        f"+{found.first - found.second:.4f}",
        f"[+{found.difference.low:.4f}, +{found.difference.high:.4f}]",
    )
