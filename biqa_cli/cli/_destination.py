"""Where the rows of `biqa score` go: a stream, a file, a file that grows, or a folder of parts."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from biqa_cli.cli import _appending, _output
from biqa_cli.errors import UsageError
from biqa_cli.reports.appending import EarlierRows
from biqa_cli.reports.base import Report
from biqa_cli.reports.formats import Format, new_report
from biqa_cli.reports.precisions import check_precision
from biqa_cli.reports.selection import SortKey, Tally
from biqa_cli.results import ComputedIn

if TYPE_CHECKING:
    from biqa_cli.models.loading import LoadedModel
    from biqa_cli.reports.parts import EarlierParts
    from biqa_cli.sources.finding import Found
    from biqa_cli.store.known_scores import Store


@dataclass(slots=True)
class Destination:
    """What is written, and what it holds from earlier runs."""

    path: Path | None
    """None is stdout."""
    format: Format
    why: bool
    threshold: float | None
    """Of --fail-under."""
    append: bool
    part_rows: int | None
    """Of each file in a folder; None where it is no folder."""
    earlier: EarlierRows | None = None
    """Of a file that grows."""
    parts: "EarlierParts | None" = None
    """Of a folder that grows."""

    def left(
        self, photos: "Iterable[Found]", model: "LoadedModel", store: "Store | None"
    ) -> "Iterable[Found]":
        """Return the photos that are to be scored, as they come.

        Raises:
            UsageError: If rows cannot be added to what is there.
        """
        from biqa_cli.known import recall_of

        if self.append and self.path is not None and self.part_rows is not None:
            from biqa_cli.reports.parts import earlier_parts

            self.parts = earlier_parts(
                self.path,
                model=model.spec.name,
                precision=model.precision,
                why=self.why,
                threshold=self.threshold,
            )
            return _appending.without_parts(photos, self.parts)
        if self.earlier is None:
            return photos
        check_precision(self.earlier, model.spec.name, model.precision, path=self.path)
        return _appending.without_rows(
            photos,
            self.earlier,
            model=model.spec.name,
            recall=recall_of(store, model) if store else None,
            threshold=self.threshold,
        )

    @contextmanager
    def opened(self) -> Iterator[Report]:
        """Yield the report to write."""
        if self.path is not None and self.part_rows is not None:
            from biqa_cli.reports.parts import PartsReport

            yield PartsReport(self.path, rows=self.part_rows, why=self.why)
            return
        earlier = self.earlier
        with _output.report_stream(
            self.path,
            after=earlier.whole if earlier else None,
            length=earlier.length if earlier else 0,
            lacks_line_end=bool(earlier and earlier.lacks_line_end),
            settle=earlier.settled if earlier else None,
        ) as stream:
            continued = bool(earlier and earlier.whole)
            yield new_report(self.format, stream, continued=continued, why=self.why)

    @property
    def met(self) -> int:
        """How many photos keep the row that they have."""
        return (self.earlier.met if self.earlier else 0) + (self.parts.met if self.parts else 0)

    def is_below(self, tally: Tally) -> bool:
        """Return whether a photo scores below the threshold, in this run or before."""
        before = (self.earlier and self.earlier.below) or (self.parts and self.parts.below)
        return bool(tally.below or before)

    def summary(self, tally: Tally, seconds: float, *, known: int, precision: ComputedIn) -> str:
        """Return how the run went, in a line."""
        return tally.summary(
            seconds,
            threshold=self.threshold,
            known=known,
            before=self.met,
            again=len(self.earlier.replaced) if self.earlier else 0,
            precision=precision,
        )


def destination(
    path: Path | None,
    chosen: Format,
    *,
    append: bool,
    part_rows: int | None,
    order: SortKey | None,
    top: int | None,
    why: bool,
    threshold: float | None,
) -> Destination:
    """Return where the rows of a run go, as the options say.

    Raises:
        UsageError: If they do not fit together, or what is there cannot grow.
    """
    earlier = None
    if part_rows is not None:
        _check_parts(path, chosen, append=append, order=order, top=top)
    elif path is not None and path.is_dir() and chosen is Format.parquet:
        msg = f"{path} is a folder: write files of so many rows into it with --part-rows 100000"
        raise UsageError(msg)
    elif append:
        earlier = _appending.rows_to_add_to(path, chosen, order=order, top=top, why=why)
    return Destination(path, chosen, why, threshold, append, part_rows, earlier)


def _check_parts(
    path: Path | None,
    chosen: Format,
    *,
    append: bool,
    order: SortKey | None,
    top: int | None,
) -> None:
    from biqa_cli.reports.parts import parts_in

    if path is None or chosen is not Format.parquet:
        raise UsageError("--part-rows writes Parquet files into a folder: name it with -o")
    if order is not None or top is not None:
        raise UsageError("--part-rows writes rows as they come: leave out --sort and --top")
    if path.exists() and not path.is_dir():
        msg = f"{path} is a file: with --part-rows, -o names a folder"
        raise UsageError(msg)
    if not append and parts_in(path):
        # Photos that have a row there would have two.
        msg = f"{path} has parts already: add to them with --append, or name another folder"
        raise UsageError(msg)
