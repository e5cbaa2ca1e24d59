"""`biqa group`: which photos show one moment."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from biqa_cli.cli import _options, _output, _photos, _progress
from biqa_cli.cli._boundary import SOME_FAILED
from biqa_cli.cli._targets import STDIN, refuse_inputs
from biqa_cli.culling.records import DEFAULT_GAP
from biqa_cli.errors import UsageError
from biqa_cli.reports.records import RECORD_SUFFIXES, RecordFormat

Gap = Annotated[
    float,
    typer.Option(
        "--gap", metavar="SECONDS", min=0, help="Longest pause between two frames of a moment."
    ),
]
RecordFormatOption = Annotated[
    RecordFormat | None,
    typer.Option("-f", "--format", help="Table on a terminal, else CSV; -o decides by suffix."),
]


def group(
    paths: _options.Photos = None,
    gap: Gap = DEFAULT_GAP,
    exclude: _options.Exclude = None,
    format: RecordFormatOption = None,  # noqa: A002
    output: _options.Output = None,
    workers: _options.Workers = None,
    max_megapixels: _options.MaxMegapixels = _options.DEFAULT_MEGAPIXELS,
    memory: _options.Memory = _options.DEFAULT_MEMORY,
    seconds_per_photo: _options.SecondsPerPhoto = _options.DEFAULT_SECONDS,
    quiet: _options.Quiet = False,
    verbose: _options.Verbose = 0,
) -> None:
    """Find the photos that show one moment, by capture time and by what they look like.

    Photos without a time are of one moment if they follow each other by name and look alike, or if
    they look nearly the same, such as a copy in another folder. No model is needed.

    Example: biqa group photos/ -f csv
    """
    from biqa_cli.culling.grouping import group_photos
    from biqa_cli.culling.looking import look_at_files
    from biqa_cli.reports.culling import write_groups

    _output.set_up_logging(verbose)
    if not paths:
        raise UsageError("nothing to group: name photos or folders")
    refuse_stdin(paths)
    kind = choose_record_format(format, output)
    names = list(refuse_inputs(output, _photos.named_photos(paths, exclude=exclude)))
    limits = _options.limits_of(
        max_megapixels=max_megapixels, memory=memory, seconds=seconds_per_photo
    )
    seen = look_at_files(names, workers=workers, limits=limits)
    looks = list(_progress.with_progress(seen, len(names), unit="photo", quiet=quiet))
    glimpses = [glimpse for glimpse, _ in looks]
    groups = group_photos(glimpses, gap=gap)
    with _output.report_stream(output) as stream:
        write_groups(stream, glimpses, groups, kind)
    if not quiet:
        sizes = Counter(groups)
        several = sum(size > 1 for size in sizes.values())
        photos, moments = len(names), _output.counted(len(sizes), "moment")
        _output.say(f"{_output.counted(photos, 'photo')} of {moments}, {several} with several")
    failed = [(glimpse.path, error) for glimpse, error in looks if error]
    for path, error in failed:
        _output.problem(f"{path}: {error}")
    if failed:
        raise typer.Exit(SOME_FAILED)


def refuse_stdin(named: Sequence[str]) -> None:
    """Raise UsageError if standard input is named: one picture has no moment, and no folder."""
    if STDIN in named:
        raise UsageError(
            "standard input (-) cannot be read here: name photos or folders, or ./- for such a file"
        )


def choose_record_format(asked: RecordFormat | None, output: Path | None) -> RecordFormat:
    """Return the format of -f, else that of the suffix of -o, else a table on a terminal."""
    default = RecordFormat.table if _output.is_terminal() else RecordFormat.csv
    return _options.choose_format(asked, output, RECORD_SUFFIXES, default=default)
