"""The scale of another tool's scores, as its user declares it: from the worst to the best."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from biqa_cli.errors import UsageError
from biqa_cli.evaluation.foreign_tables import ScoreColumn


@dataclass(frozen=True, slots=True)
class PredictionRange:
    """The scores of the worst and of the best image; the best is the lower where less is better."""

    worst: float
    best: float

    def to_percent(self, score: float) -> float:
        """Return a score on 0 to 100, higher is better; what lies outside stays outside.

        Example:
            >>> PredictionRange(100, 0).to_percent(25)
            75.0
        """
        return 100 * (score - self.worst) / (self.best - self.worst)

    def holds(self, score: float) -> bool:
        """Return whether a score lies between the two."""
        return min(self.worst, self.best) <= score <= max(self.worst, self.best)

    def describe(self) -> str:
        """Return the range as it is given."""
        return f"{self.worst:g}:{self.best:g}"


def ranges_of(given: Sequence[str], columns: Sequence[ScoreColumn]) -> list[PredictionRange | None]:
    """Return the range of each column of predictions; None where none is declared.

    Args:
        given: Each `WORST:BEST`, of all columns without one of their own, `FILE=WORST:BEST`, or
            `COLUMN=WORST:BEST`.
        columns: With their files as they are named on the command line.

    Raises:
        UsageError: If one is no range, names no file or column, or says the same twice.
    """
    general: PredictionRange | None = None
    named: dict[ScoreColumn, PredictionRange] = {}
    for text in given:
        whose, _, ends = text.rpartition("=")
        found = _parsed(ends, text)
        if not whose:
            if general is not None:
                msg = (
                    f"--prediction-range {text} is the second for all files: name the file, "
                    f"FILE={ends}"
                )
                raise UsageError(msg)
            general = found
            continue
        matching = [one for one in columns if _is_meant(whose, one)]
        one_file = len({one.file for one in matching if one.column != whose}) <= 1
        if not matching or not one_file or named.keys() & set(matching):
            problem = "is the second for that file"
            if not matching or not one_file:
                problem = f"names {'more than one' if matching else 'no'} file of predictions"
            there = dict.fromkeys(str(one.file) for one in columns)
            there |= dict.fromkeys(one.column for one in columns if one.column)
            msg = f"--prediction-range {text} {problem}: there are {', '.join(map(str, there))}"
            raise UsageError(msg)
        named |= dict.fromkeys(matching, found)
    return [named.get(one, general) for one in columns]


def _is_meant(whose: str, one: ScoreColumn) -> bool:
    return Path(whose) in (one.file, Path(one.file.name)) or whose == one.column


def _parsed(ends: str, text: str) -> PredictionRange:
    first, _, second = ends.partition(":")
    try:
        worst, best = float(first), float(second)
    except ValueError:
        worst = best = math.nan
    if not math.isfinite(best - worst) or worst == best:
        msg = (
            f"--prediction-range {text} is no range: write WORST:BEST, such as 0:1, or 100:0 "
            "where lower is better"
        )
        raise UsageError(msg)
    return PredictionRange(worst, best)
