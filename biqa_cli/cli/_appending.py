"""`--append`: which photos of a run have their rows already, and which are scored again."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from biqa_cli.errors import UsageError
from biqa_cli.reports.appending import EarlierRows, earlier_rows
from biqa_cli.reports.formats import Format
from biqa_cli.reports.selection import SortKey
from biqa_cli.threads import Arriving

if TYPE_CHECKING:
    from biqa_cli.known import Recall
    from biqa_cli.reports.parts import EarlierParts
    from biqa_cli.sources.finding import Found


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
    photos: "Iterable[Found]",
    earlier: EarlierRows,
    *,
    model: str,
    recall: "Recall | None",
    threshold: float | None,
) -> "Iterable[Found]":
    """Return the photos that are to be scored, as they come where they come slowly.

    These are photos without a row; those whose row is an error, which may have gone; and those
    that have changed since, as far as the store knows. `earlier` counts the others, and notes
    whose rows are replaced.

    Args:
        photos: As they are found.
        earlier: From `rows_to_add_to`.
        model: Rows of other models are not theirs.
        recall: What the store knows; None where it is not used.
        threshold: Of --fail-under, for photos that keep their rows.
    """
    from biqa_cli.sources.entry import Entry, name_of

    def left() -> "Iterator[Found]":
        for photo in photos:
            name = name_of(photo)
            is_key = isinstance(photo, Entry) and photo.is_key
            row = earlier.find(name, model, is_key=is_key)
            if row is None:
                yield photo
            elif row.native is None or (recall and recall.denies(name, row.native)):
                earlier.replace(name, model, is_key=is_key)
                yield photo
            else:
                earlier.keep(row, threshold=threshold)

    return Arriving(left()) if isinstance(photos, Arriving) else left()


def without_parts(photos: "Iterable[Found]", earlier: "EarlierParts") -> "Iterable[Found]":
    """Return the photos that have no row in a folder of parts; `earlier` counts the others."""
    from biqa_cli.sources.entry import Entry, name_of

    def left() -> "Iterator[Found]":
        for photo in photos:
            is_key = isinstance(photo, Entry) and photo.is_key
            if earlier.has(name_of(photo), is_key=is_key):
                earlier.met += 1
            else:
                yield photo

    return Arriving(left()) if isinstance(photos, Arriving) else left()
