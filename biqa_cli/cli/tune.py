"""`biqa tune`: a personal model from a few ratings or choices."""

from pathlib import Path
from typing import Annotated

import typer

from biqa_cli.cli import _options, _output, _progress
from biqa_cli.cli._boundary import SOME_FAILED
from biqa_cli.cli._targets import refuse_to_overwrite
from biqa_cli.errors import UsageError
from biqa_cli.models.catalog import DEFAULT_MODEL, SUFFIX

_SHOWN = 20
"""Photos or rows that do not count: the rest of them is a number."""


def tune(
    opinions: Annotated[
        Path,
        typer.Argument(
            metavar="RATINGS",
            help="Ratings (path,mos), choices (better,worse) or decisions of `biqa cull` as CSV; "
            "or a folder of photos with stars in XMP sidecars.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="FILE.safetensors", help="The personal model."),
    ],
    root: Annotated[
        Path | None,
        typer.Option("--root", help="Folder of the photos.  [default: that of the file]"),
    ] = None,
    model: _options.Model = DEFAULT_MODEL,
    label_range: Annotated[
        str | None,
        typer.Option("--label-range", metavar="LOW:HIGH", help="Of the ratings, such as 1:5."),
    ] = None,
    format: _options.ListFormat = _options.TableOrJson.table,  # noqa: A002
    device: _options.Device = "auto",
    engine: _options.EngineOption = _options.Engine.auto,
    workers: _options.Workers = None,
    threads: _options.Threads = 0,
    max_megapixels: _options.MaxMegapixels = _options.DEFAULT_MEGAPIXELS,
    memory: _options.Memory = _options.DEFAULT_MEMORY,
    seconds_per_photo: _options.SecondsPerPhoto = _options.DEFAULT_SECONDS,
    store: _options.StoreFile = None,
    fresh: _options.Fresh = False,
    no_store: _options.NoStore = False,
    offline: _options.Offline = False,
    quiet: _options.Quiet = False,
    verbose: _options.Verbose = 0,
) -> None:
    """Make a personal model from 20 or more ratings or choices of your own, in about a minute.

    Exit codes: 0 every opinion counts, 2 nothing could be made of them, 3 some photos or rows
    could not be used.

    Example: biqa tune ratings.csv -o mine.safetensors --label-range 1:5
    """
    from biqa_cli.models.loading import load_model, specification
    from biqa_cli.tuning.descriptions import describe_photos
    from biqa_cli.tuning.opinions import read_opinions
    from biqa_cli.tuning.personal import tune as fit
    from biqa_cli.tuning.personal import write_personal
    from biqa_cli.tuning.telling import as_record, sentences, table
    from biqa_cli.whole_files import require_writable

    _output.set_up_logging(verbose)
    if output.suffix != SUFFIX:
        msg = f"{output} is no name for a model: end it in {SUFFIX}, so that -m knows it for a file"
        raise UsageError(msg)
    if base := specification(model).base:
        msg = f"{model} is tuned already: tune what it was made of (-m {base}) on all ratings"
        raise UsageError(msg)
    said = read_opinions(opinions, root=root, label_range=label_range)
    paths = [str(said.photos.file(index)) for index in range(len(said.photos.images))]
    refuse_to_overwrite([output], [opinions, *_options.files_of([model]), *map(Path, paths)])
    require_writable(output)
    ready = load_model(
        model, engine=engine.value, device=device, threads=threads, offline=offline, features=True
    )
    limits = _options.limits_of(
        max_megapixels=max_megapixels, memory=memory, seconds=seconds_per_photo
    )
    with _options.store_of(store, fresh=fresh, unused=no_store) as known:
        described = list(
            _progress.with_progress(
                describe_photos(paths, ready, workers=workers, limits=limits, store=known),
                len(paths),
                unit="photo",
                quiet=quiet,
            )
        )
    personal = fit(said, described)
    write_personal(output, personal, ready)
    if format is _options.TableOrJson.json:
        _output.print_json(as_record(personal, base=model, path=output))
    else:
        _output.print_table(*table(personal))
    problems = [*said.photos.problems, *(f"{d.path}: {d.error}" for d in described if d.error)]
    for problem in problems[:_SHOWN]:
        _output.problem(problem)
    if len(problems) > _SHOWN:
        _output.problem(f"and {len(problems) - _SHOWN} more photos or rows that do not count")
    if not quiet:
        declared = said.photos.scale.declared
        for sentence in sentences(personal, range_is_known=declared, path=output):
            _output.say(sentence)
    if problems:
        raise typer.Exit(SOME_FAILED)
