from pathlib import Path
from typing import Any

import pytest

from biqa_cli.datasets.base import Dataset, LabelScale
from biqa_cli.datasets.loading import NOT_FOUND
from biqa_cli.evaluation.run import is_incomplete, problems_of


def _dataset(*problems: str) -> Dataset:
    scale = LabelScale(0, 100, higher_is_better=True, meaning="MOS")
    return Dataset("d", Path("here"), "authentic", scale, (), problems=problems)


def _record(model: str, failed: int) -> dict[str, Any]:
    failures = [{"path": f"{n}.png", "error": "is empty"} for n in range(failed)]
    return {"model": model, "failed": failed, "failures": failures}


@pytest.mark.parametrize(("failed", "shown", "more"), [(0, 0, 0), (5, 5, 0), (6, 5, 1), (9, 5, 4)])
def test_five_failures_of_a_tool_are_told_and_the_others_counted(
    failed: int, shown: int, more: int
) -> None:
    problems = problems_of([], [_record("m", failed)], _dataset())
    assert problems[:shown] == [f"m: {n}.png: is empty" for n in range(shown)]
    rest = [f"m: and {more} more failed: -f json lists them all"] if more else []
    assert problems[shown:] == rest


def test_a_problem_of_several_parts_is_told_once_and_that_of_a_label_first() -> None:
    dataset = _dataset("row 3 has no label")
    problems = problems_of([], [_record("m", 1), _record("m", 1), _record("n", 1)], dataset)
    assert problems == ["row 3 has no label", "m: 0.png: is empty", "n: 0.png: is empty"]


@pytest.mark.parametrize(
    ("failed", "problems", "incomplete"),
    [
        (0, (), False),
        (1, (), True),
        (0, ("row 3 has no label",), True),
        # Of a photo that is missing its score tells.
        (0, (f"a.png{NOT_FOUND}",), False),
    ],
)
def test_an_evaluation_is_incomplete_without_a_prediction_or_a_label(
    failed: int, problems: tuple[str, ...], *, incomplete: bool
) -> None:
    records = [_record("m", 0), _record("n", failed)]
    assert is_incomplete(records, _dataset(*problems)) == incomplete
