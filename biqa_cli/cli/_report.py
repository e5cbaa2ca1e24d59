"""--report: the page of photos that commands write beside their tables."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biqa_cli.cli import _output, _progress
from biqa_cli.errors import UsageError
from biqa_cli.results import ImageResult, RunInfo

if TYPE_CHECKING:
    from biqa_cli.datasets.base import Dataset
    from biqa_cli.evaluation.run import Evaluated
    from biqa_cli.evaluation.tools import Tool
    from biqa_cli.images.limits import Limits
    from biqa_cli.models.loading import LoadedModel
    from biqa_cli.reports.page.document import Table
    from biqa_cli.reports.page.records import PagePhoto
    from biqa_cli.reports.page.writing import MakeHeatmap

ReportFile = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE.html", help="Also write a page that shows the photos."),
]
ReportHeatmaps = Annotated[
    bool, typer.Option("--report-heatmaps", help="Add quality maps of the picks to the page.")
]


def check_report(path: Path | None, *, heatmaps: bool = False) -> None:
    """Check before hours of scoring that a report can be written; None is for no report.

    Raises:
        UsageError: If it cannot, or maps are asked for without it.
    """
    if heatmaps and path is None:
        raise UsageError("--report-heatmaps are part of a page: add --report FILE.html")
    if path is not None:
        from biqa_cli.reports.page.writing import check_page

        check_page(path)


def kept(results: Iterable[ImageResult], *, into: list[ImageResult]) -> Iterator[ImageResult]:
    """Pass results on and keep them for the report."""
    for result in results:
        into.append(result)
        yield result


def write_report_page(
    path: Path,
    photos: "Sequence[PagePhoto]",
    *,
    run: RunInfo,
    threshold: float | None = None,
    tables: "Sequence[Table]" = (),
    heatmap: "MakeHeatmap | None" = None,
    limits: "Limits",
    workers: int | None,
    quiet: bool,
) -> None:
    """Write the page of a run and say so.

    Args:
        path: The page; its name is the title.
        photos: In the order of the page.
        run: What the scores depend on.
        threshold: Where the slider stands at first.
        tables: Above the photos.
        heatmap: From `maps_of_picks`; None for no maps.
        limits: What reading a photo may cost.
        workers: Threads that read photos.
        quiet: Whether to show no progress and say nothing.

    Raises:
        UsageError: If there can be no such file.
        OutputError: If the disk is full.
    """
    from biqa_cli.reports.page.document import Heading
    from biqa_cli.reports.page.writing import write_page

    heading = Heading(
        path.stem,
        model=run.model,
        facts=_facts(run),
        threshold=threshold,
        tables=tables,
    )
    write_page(
        path,
        photos,
        heading=heading,
        heatmap=heatmap,
        limits=limits,
        workers=workers,
        watch=lambda made: _progress.with_progress(
            made, total=len(photos), unit="thumbnail", quiet=quiet
        ),
    )
    if not quiet:
        _output.say(f"wrote {path}")


def write_page_of_results(
    path: Path,
    results: Iterable[ImageResult],
    *,
    run: RunInfo,
    threshold: float | None,
    limits: "Limits",
    workers: int | None,
    quiet: bool,
) -> None:
    """Write the page of scored photos; see `write_report_page`."""
    from biqa_cli.reports.page.records import photo_of_result

    write_report_page(
        path,
        [photo_of_result(result) for result in results],
        run=run,
        threshold=threshold,
        limits=limits,
        workers=workers,
        quiet=quiet,
    )


def check_page_of_evaluation(
    path: Path | None, tools: "Sequence[Tool]", dataset: "Dataset"
) -> None:
    """Check before anything is scored that a page can show an evaluation; None is for no page.

    Raises:
        UsageError: If it cannot.
    """
    if path is not None:
        from biqa_cli.evaluation.page import check_pageable

        check_pageable(tools, dataset.scale)


def write_page_of_evaluation(
    path: Path | None,
    evaluated: "Sequence[Evaluated]",
    dataset: "Dataset",
    models: "Sequence[LoadedModel]",
    *,
    limits: "Limits",
    workers: int | None,
    quiet: bool,
) -> None:
    """Write the page of the one model that was evaluated; None is for no page."""
    if path is None:
        return
    from biqa_cli.evaluation.page import photos_of, table_of
    from biqa_cli.scoring import run_info

    (one,), (model,) = evaluated, models
    write_report_page(
        path,
        photos_of(one, dataset),
        run=run_info(model),
        tables=[table_of(one.evaluations)],
        limits=limits,
        workers=workers,
        quiet=quiet,
    )


def _facts(run: RunInfo) -> list[tuple[str, str]]:
    facts = [
        ("Written", datetime.now().astimezone().isoformat(" ", "minutes")),
        ("Model", run.model),
        ("Weights", f"sha256 {run.weights_sha256}"),
        ("Graph", run.graph_sha256 and f"sha256 {run.graph_sha256}"),
        ("Preprocessing", run.preprocessing),
        ("Scale of the labels", run.native_scale),
        ("Engine", f"{run.engine} on {run.device}, {run.precision}"),
        ("biqa", run.version),
    ]
    return [(name, value) for name, value in facts if value]
