"""`biqa score`: the main job."""

import sys
import time
from dataclasses import replace
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import IO, Annotated

import typer

from biqa_cli.cli import _output
from biqa_cli.cli._options import Engine, format_of
from biqa_cli.errors import UsageError
from biqa_cli.models.catalog import DEFAULT_MODEL
from biqa_cli.reports.base import Report
from biqa_cli.reports.rows import printable
from biqa_cli.reports.selection import Order, Tally, select
from biqa_cli.reports.to_csv import CsvReport
from biqa_cli.reports.to_json import JsonReport, NdjsonReport
from biqa_cli.results import ImageResult, RunCounts

BELOW_THRESHOLD, SOME_FAILED = 1, 3


class Format(StrEnum):
    """How results are written."""

    table = "table"
    csv = "csv"
    json = "json"
    ndjson = "ndjson"


_SUFFIXES = {
    ".csv": Format.csv,
    ".json": Format.json,
    ".ndjson": Format.ndjson,
    ".jsonl": Format.ndjson,
    ".txt": Format.table,
}


def score(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATHS...", help="Photos and folders of photos.")
    ] = None,
    files_from: Annotated[
        str | None,
        typer.Option(
            "--files-from", metavar="FILE", help="Also take names from a list, - is stdin."
        ),
    ] = None,
    nul: Annotated[
        bool, typer.Option("-0", "--null", help="The names of --files-from end with NUL.")
    ] = False,
    recursive: Annotated[
        bool, typer.Option("--recursive/--no-recursive", help="Search folders inside folders.")
    ] = True,
    model: Annotated[
        str, typer.Option("-m", "--model", help="See `biqa models list`.")
    ] = DEFAULT_MODEL,
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Your own safetensors file for the model.")
    ] = None,
    format: Annotated[  # noqa: A002
        Format | None,
        typer.Option("-f", "--format", help="Table on a terminal, else CSV; -o decides by suffix."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write to a file, renamed when whole.")
    ] = None,
    device: Annotated[
        str,
        typer.Option("-d", "--device", metavar="auto|cpu|cuda|mps", help="Where the model runs."),
    ] = "auto",
    engine: Annotated[Engine, typer.Option("--engine", help="What runs it.")] = Engine.auto,
    batch_size: Annotated[
        int | None,
        typer.Option("--batch-size", min=1, help="Photos at once; no score depends on it."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("-j", "--workers", min=1, help="Threads that read photos.")
    ] = None,
    threads: Annotated[
        int, typer.Option("--threads", min=0, help="Threads of the model; 0 is one a core.")
    ] = 0,
    max_megapixels: Annotated[
        float, typer.Option("--max-megapixels", min=0.001, help="Larger photos are error rows.")
    ] = 200,
    sort: Annotated[
        Order | None, typer.Option("--sort", help="Path, or score (best first).")
    ] = None,
    top: Annotated[int | None, typer.Option("--top", min=1, help="Only the N best.")] = None,
    fail_under: Annotated[
        float | None,
        typer.Option("--fail-under", min=0, max=100, help="Exit 1 if a photo scores below."),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Open no socket.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress, no summary.")] = False,
    verbose: Annotated[int, typer.Option("-v", "--verbose", count=True, help="Tell more.")] = 0,
) -> None:
    """Score photos: 0 to 100, higher is better.

    Exit codes: 0 all scored, 1 --fail-under not met, 2 nothing could be scored because of a
    wrong option or wrong weights, 3 some files could not be scored.

    Example: biqa score photos/ --sort score -o scores.csv
    """
    # Reading photos and running models takes NumPy, Pillow and an engine: `--help` does without.
    from biqa_cli.images.discovery import find_images, read_names
    from biqa_cli.models.loading import load_model
    from biqa_cli.scoring import run_info, score_files

    _output.set_up_logging(verbose)
    if not paths and files_from is None:
        raise UsageError("nothing to score: name photos, folders or a list (--files-from)")
    chosen = _choose_format(format, output)
    listed = read_names(files_from, nul_separated=nul) if files_from else iter(())
    found = find_images(chain(paths or [], listed), recursive=recursive)
    # Names from a pipe are taken as they come; others are counted for the time left.
    names = found if files_from == "-" else list(found)
    if not names:
        msg = f"no photos found in {', '.join(paths or [])}{files_from or ''}"
        raise UsageError(msg)
    ready = load_model(
        model, engine=engine.value, device=device, threads=threads, weights=weights, offline=offline
    )
    results = score_files(
        names,
        ready,
        batch_size=batch_size,
        workers=workers,
        max_pixels=round(max_megapixels * 1_000_000),
    )
    total = len(names) if isinstance(names, list) else None
    watched = _output.with_progress(results, total=total, unit="photo", quiet=quiet)
    tally, start = Tally(), time.monotonic()
    on_terminal = output is None and sys.stdout.isatty()
    with _output.report_stream(output) as stream:
        report = _new_report(chosen, stream)
        report.begin(run_info(ready))
        counted = tally.count(watched, threshold=fail_under)
        for result in select(counted, order=sort, top=top):
            report.add(_for_terminal(result) if on_terminal else result)
        seconds = time.monotonic() - start
        report.end(RunCounts(tally.images, tally.scored, tally.failed, round(seconds, 3)))
    if not tally.images:
        raise UsageError("the list of files is empty")
    if not quiet:
        _output.say(_summary(tally, seconds, fail_under))
    if tally.below:
        raise typer.Exit(BELOW_THRESHOLD)
    if tally.failed:
        raise typer.Exit(SOME_FAILED)


def _for_terminal(result: ImageResult) -> ImageResult:
    """Return a result whose name a terminal shows and does not obey."""
    return replace(result, path=printable(result.path))


def _choose_format(asked: Format | None, output: Path | None) -> Format:
    if asked is not None:
        return asked
    if output is None:
        return Format.table if sys.stdout.isatty() else Format.csv
    return format_of(output, _SUFFIXES)


def _new_report(chosen: Format, stream: IO[str]) -> Report:
    match chosen:
        case Format.csv:
            return CsvReport(stream)
        case Format.json:
            return JsonReport(stream)
        case Format.ndjson:
            return NdjsonReport(stream)
        case Format.table:
            # rich takes longer to import than a small photo takes to score.
            from biqa_cli.reports.to_table import TableReport

            return TableReport(stream)


def _summary(tally: Tally, seconds: float, fail_under: float | None) -> str:
    photos = "1 photo" if tally.images == 1 else f"{tally.images} photos"
    parts = [f"{photos} in {seconds:.1f} s ({tally.images / max(seconds, 1e-9):.1f} a second)"]
    if tally.failed:
        parts.append(f"{tally.failed} could not be scored")
    if fail_under is not None:
        parts.append(f"{tally.below} below {fail_under:g}")
    return ", ".join(parts)
