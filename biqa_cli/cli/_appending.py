"""`--append`: which photos of a run have their rows already, and which are scored again."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from biqa_cli.errors import UsageError
from biqa_cli.reports.appending import EarlierRows, earlier_rows
from biqa_cli.reports.formats import Format
from biqa_cli.reports.selection import SortKey
from biqa_cli.threads import Arriving

if TYPE_CHECKING:
    from biqa_cli.known import Recall


def rows_to_add_to(
    output: Path | None, chosen: Format, *, order: SortKey | None, top: int | None, why: bool
) -> EarlierRows:
    """Return what the report holds that rows are added to.

    Raises:
        UsageError: If no rows can be added to it, or not in that order.
    """
    if output is None:
        raise UsageError("--append adds to a file: name it with -o")
    if order is not None or top is not None:
        raise UsageError("--append adds rows as they come: leave out --sort and --top")
    return earlier_rows(output, chosen, why=why)


def without_rows(
    names: list[str] | Arriving[str],
    earlier: EarlierRows,
    *,
    model: str,
    recall: "Recall | None",
    threshold: float | None,
) -> list[str] | Arriving[str]:
    """Return the photos that are to be scored, as they come where they come slowly.

    These are photos without a row; those whose row is an error, which may have gone; and those
    that have changed since, as far as the store knows. `earlier` counts the others, and notes
    whose rows are replaced.

    Args:
        names: Of photos.
        earlier: From `rows_to_add_to`.
        model: Rows of other models are not theirs.
        recall: What the store knows; None where it is not used.
        threshold: Of --fail-under, for photos that keep their rows.
    """

    def left() -> Iterator[str]:
        for name in names:
            row = earlier.find(name, model)
            if row is None:
                yield name
            elif row.native is None or (recall and recall.denies(name, row.native)):
                earlier.replace(name, model)
                yield name
            else:
                earlier.keep(row, threshold=threshold)

    return Arriving(left()) if isinstance(names, Arriving) else list(left())
