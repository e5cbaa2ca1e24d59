from pathlib import Path

import pytest

from biqa_cli.errors import UsageError
from biqa_cli.evaluation.foreign_tables import ScoreColumn
from biqa_cli.evaluation.prediction_ranges import PredictionRange, ranges_of

FIRST, SECOND = ScoreColumn(Path("a/one.csv")), ScoreColumn(Path("b/two.csv"))
NIQE, PIQE = (ScoreColumn(Path("tools.csv"), column) for column in ("niqe", "piqe"))


@pytest.mark.parametrize(
    ("worst", "best", "score", "percent"),
    [(0, 1, 0.25, 25), (100, 0, 25, 75), (1, 5, 3, 50), (-1, 1, 2, 150), (0, 200, -20, -10)],
)
def test_the_worst_score_is_0_and_the_best_is_100(
    worst: float, best: float, score: float, percent: float
) -> None:
    assert PredictionRange(worst, best).to_percent(score) == pytest.approx(percent)


def test_a_range_holds_its_ends_and_what_lies_between_whichever_is_better() -> None:
    for found in (PredictionRange(1, 5), PredictionRange(5, 1)):
        assert [found.holds(score) for score in (0.9, 1, 3, 5, 5.1)] == [False, *[True] * 3, False]
    assert PredictionRange(5, 0.5).describe() == "5:0.5"


def test_a_range_is_that_of_all_files_or_of_one_by_its_path_its_name_or_its_column() -> None:
    unit, up = PredictionRange(0, 1), PredictionRange(0, 100)
    assert ranges_of([], [FIRST, SECOND]) == [None, None]
    assert ranges_of(["0:1"], [FIRST, SECOND]) == [unit, unit]
    for name in ("a/one.csv", "one.csv"):
        assert ranges_of([f"{name}=0:100"], [FIRST, SECOND]) == [up, None]
        assert ranges_of([f"{name}=0:100", "0:1"], [FIRST, SECOND]) == [up, unit]
    assert ranges_of(["piqe=0:100", "0:1"], [NIQE, PIQE, FIRST]) == [unit, up, unit]
    # Of a file all columns.
    assert ranges_of(["tools.csv=0:100"], [NIQE, PIQE, FIRST]) == [up, up, None]
    # One column name of several files is meant in each.
    others = [NIQE, ScoreColumn(Path("more.csv"), "niqe")]
    assert ranges_of(["niqe=0:100"], others) == [up, up]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (["0"], "0 is no range: write WORST:BEST, such as 0:1, or 100:0"),
        (["1:1"], "1:1 is no range"),
        (["0:inf"], "0:inf is no range"),
        (["nan:1"], "nan:1 is no range"),
        (["-1e308:1e308"], "-1e308:1e308 is no range"),
        (["0:1", "0:2"], "0:2 is the second for all files: name the file, FILE=0:2"),
        (["x.csv=0:1"], "names no file of predictions: there are a/one.csv, b/one.csv, niqe"),
        (["one.csv=0:1"], "names more than one file of predictions: there are a/one.csv"),
        (["a/one.csv=0:1", "a/one.csv=0:2"], "is the second for that file: there are a/one.csv"),
    ],
)
def test_what_is_no_range_of_one_file_is_told(given: list[str], problem: str) -> None:
    columns = [FIRST, ScoreColumn(Path("b/one.csv"), "niqe")]
    with pytest.raises(UsageError) as raised:
        ranges_of(given, columns)
    assert problem in str(raised.value)
