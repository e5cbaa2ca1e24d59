"""The scale of another tool's scores, as its user declares it: from the worst to the best."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from biqa_cli.errors import UsageError


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


def ranges_of(given: Sequence[str], files: Sequence[Path]) -> list[PredictionRange | None]:
    """Return the range of each file of predictions; None where none is declared.

    Args:
        given: Each `WORST:BEST`, of all files without one of their own, or `FILE=WORST:BEST`.
        files: As they are named on the command line.

    Raises:
        UsageError: If one is no range, names no file, or says the same twice.
    """
    general: PredictionRange | None = None
    named: dict[Path, PredictionRange] = {}
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
        matching = [file for file in files if Path(whose) in (file, Path(file.name))]
        if len(matching) != 1 or matching[0] in named:
            problem = (
                "is the second for that file"
                if len(matching) == 1
                else f"names {'no' if not matching else 'more than one'} file of predictions"
            )
            msg = f"--prediction-range {text} {problem}: there are {', '.join(map(str, files))}"
            raise UsageError(msg)
        named[matching[0]] = found
    return [named.get(file, general) for file in files]


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
