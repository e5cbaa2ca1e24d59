"""`biqa score`: the main job."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from biqa_cli.cli import _options, _output, _progress, _report
from biqa_cli.cli._boundary import BELOW_THRESHOLD, SOME_FAILED
from biqa_cli.cli._targets import refuse_inputs
from biqa_cli.errors import UsageError
from biqa_cli.models.catalog import DEFAULT_MODEL
from biqa_cli.reports.formats import SUFFIXES, Format, new_report
from biqa_cli.reports.rows import printable
from biqa_cli.reports.selection import SortKey, select
from biqa_cli.reports.writing import write_report
from biqa_cli.results import ImageResult

_STDIN = "-"


def score(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATHS...", help="Photos and folders; - is a picture on stdin."),
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
    exclude: _options.Exclude = None,
    model: _options.Model = DEFAULT_MODEL,
    weights: _options.Weights = None,
    format: Annotated[  # noqa: A002
        Format | None,
        typer.Option("-f", "--format", help="Table on a terminal, else CSV; -o decides by suffix."),
    ] = None,
    output: _options.Output = None,
    report: _report.ReportFile = None,
    device: _options.Device = "auto",
    engine: _options.EngineOption = _options.Engine.auto,
    batch_size: _options.BatchSize = None,
    workers: _options.Workers = None,
    threads: _options.Threads = 0,
    max_megapixels: _options.MaxMegapixels = _options.DEFAULT_MEGAPIXELS,
    memory: _options.Memory = _options.DEFAULT_MEMORY,
    seconds_per_photo: _options.SecondsPerPhoto = _options.DEFAULT_SECONDS,
    sort: Annotated[
        SortKey | None, typer.Option("--sort", help="Path, or score (best first).")
    ] = None,
    top: Annotated[int | None, typer.Option("--top", min=1, help="Only the N best.")] = None,
    fail_under: Annotated[
        float | None,
        typer.Option("--fail-under", min=0, max=100, help="Exit 1 if a photo scores below."),
    ] = None,
    offline: _options.Offline = False,
    quiet: _options.Quiet = False,
    verbose: _options.Verbose = 0,
) -> None:
    """Score photos: 0 to 100, higher is better.

    Exit codes: 0 all scored, 1 --fail-under not met, 2 a wrong option or wrong weights, 3 some
    files could not be scored, 4 a full disk, no memory or a fault of biqa, 130 Ctrl-C, 143 TERM.

    Example: biqa score photos/ --sort score -o scores.csv
    """
    # Reading photos and running models takes NumPy, Pillow and an engine: `--help` does without.
    from biqa_cli.images.discovery import find_images
    from biqa_cli.images.name_lists import read_names
    from biqa_cli.images.standard_input import picture_from_standard_input
    from biqa_cli.models.loading import load_model
    from biqa_cli.scoring import run_info, score_files
    from biqa_cli.threads import Arriving

    _output.set_up_logging(verbose)
    named = paths or []
    if not named and files_from is None:
        raise UsageError("nothing to score: name photos, folders or a list (--files-from)")
    if _STDIN in named and files_from == _STDIN:
        raise UsageError("standard input is a picture (-) or a list (--files-from -), not both")
    chosen = _choose_format(format, output)
    _report.check_report(report)
    list(refuse_inputs(output, [files_from] if files_from else []))
    listed = read_names(files_from, nul_separated=nul) if files_from else iter(())
    found = find_images(chain(named, listed), recursive=recursive, exclude=exclude or ())
    # Names from a pipe are taken as they come; others are counted for the time left.
    safe = refuse_inputs(report, refuse_inputs(output, found))
    names = Arriving(safe) if files_from == _STDIN else list(safe)
    if not names:
        msg = f"no photos found in {', '.join([*named, *filter(None, [files_from])])}"
        raise UsageError(msg)
    ready = load_model(
        model, engine=engine.value, device=device, threads=threads, weights=weights, offline=offline
    )
    limits = _options.limits_of(
        max_megapixels=max_megapixels, memory=memory, seconds=seconds_per_photo
    )
    results = score_files(
        [picture_from_standard_input() if name == _STDIN else name for name in names]
        if _STDIN in named
        else names,
        ready,
        batch_size=batch_size,
        workers=workers,
        limits=limits,
    )
    shown: list[ImageResult] = []
    if report is not None:
        results = _report.kept(results, into=shown)
    total = len(names) if isinstance(names, list) else None
    watched = _progress.with_progress(results, total=total, unit="photo", quiet=quiet)
    on_terminal = output is None and _output.is_terminal()
    with _output.report_stream(output) as stream:
        tally, seconds = write_report(
            new_report(chosen, stream),
            _named(watched, printed=on_terminal),
            run=run_info(ready),
            order=sort,
            top=top,
            threshold=fail_under,
        )
    if report is not None:
        from biqa_cli.reports.page.records import photo_of_result

        _report.write_report_page(
            report,
            [photo_of_result(result) for result in select(shown, order=sort, top=top)],
            run=run_info(ready),
            threshold=fail_under,
            limits=limits,
            workers=workers,
            quiet=quiet,
        )
    if not quiet:
        _output.say(tally.summary(seconds, threshold=fail_under))
    if top is not None and tally.first_failed is not None:
        first, count = tally.first_failed, tally.failed
        have = "1 photo has" if count == 1 else f"{count} photos have"
        _output.problem(f"{have} no score, such as {first.path}: {first.error}")
    if tally.below:
        raise typer.Exit(BELOW_THRESHOLD)
    if tally.failed:
        raise typer.Exit(SOME_FAILED)


def _named(results: Iterable[ImageResult], *, printed: bool) -> Iterator[ImageResult]:
    """Name the picture on stdin; give other photos names that a terminal shows and does not obey.

    Only what is read from stdin comes without a name.
    """
    for result in results:
        name = result.path or _STDIN
        yield replace(result, path=printable(name) if printed else name)


def _choose_format(asked: Format | None, output: Path | None) -> Format:
    if asked is not None:
        return asked
    if output is None:
        return Format.table if _output.is_terminal() else Format.csv
    return _options.format_of(output, SUFFIXES)
