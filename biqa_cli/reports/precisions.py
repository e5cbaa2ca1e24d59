"""One precision for the scores of a model in a report that grows."""

from pathlib import Path

from biqa_cli.errors import UsageError
from biqa_cli.reports.appending import EarlierRows
from biqa_cli.results import ComputedIn


def other_precision(
    path: Path | None, model: str, *, has: ComputedIn, wanted: ComputedIn
) -> UsageError:
    """Return the error of a report whose scores of a model were computed in another precision."""
    msg = (
        f"{path} has scores of {model} in {has}, and this run computes in {wanted}: use "
        f"--precision {has}, or name another file"
    )
    return UsageError(msg)


def check_precision(
    earlier: EarlierRows, model: str, precision: ComputedIn, *, path: Path | None
) -> None:
    """Refuse to put scores of one model in two precisions into a report.

    Args:
        earlier: What the report holds.
        model: Whose rows are added.
        precision: What they are computed in.
        path: Of the report.

    Raises:
        UsageError: If scores of the model were computed in another.
    """
    for (_, other), row in earlier.rows.items():
        if other == model and row.score is not None and row.precision != precision:
            raise other_precision(path, model, has=row.precision, wanted=precision)
