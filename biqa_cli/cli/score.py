"""`biqa score`: the main job."""

from contextlib import nullcontext

import typer

from biqa_cli.cli import _options, _output, _photos, _progress, _report, _score_options
from biqa_cli.cli._boundary import BELOW_THRESHOLD, SOME_FAILED
from biqa_cli.cli._cluster import cluster_of
from biqa_cli.cli._destination import destination
from biqa_cli.models.catalog import DEFAULT_MODEL, names_no_flaws
from biqa_cli.reports.formats import SUFFIXES, Format
from biqa_cli.reports.selection import select
from biqa_cli.reports.writing import write_report
from biqa_cli.results import ImageResult


def score(
    paths: _score_options.Paths = None,
    files_from: _score_options.FilesFrom = None,
    nul: _score_options.Nul = False,
    recursive: _score_options.Recursive = True,
    exclude: _options.Exclude = None,
    newer_than: _options.NewerThan = None,
    shard: _score_options.Shard = None,
    column: _score_options.Column = None,
    key: _score_options.Key = None,
    model: _options.Model = DEFAULT_MODEL,
    format: _score_options.FormatOption = None,  # noqa: A002
    output: _options.Output = None,
    append: _score_options.Append = False,
    part_rows: _score_options.PartRows = None,
    why: _score_options.Why = False,
    report: _report.ReportFile = None,
    device: _options.Device = "auto",
    engine: _options.EngineOption = _options.Engine.auto,
    precision: _options.PrecisionOption = _options.Precision.float32,
    batch_size: _options.BatchSize = None,
    workers: _options.Workers = None,
    threads: _options.Threads = 0,
    ray: _score_options.Ray = None,
    ray_workers: _score_options.RayWorkers = None,
    ray_gpus: _score_options.RayGpus = 0.0,
    max_megapixels: _options.MaxMegapixels = _options.DEFAULT_MEGAPIXELS,
    memory: _options.Memory = _options.DEFAULT_MEMORY,
    seconds_per_photo: _options.SecondsPerPhoto = _options.DEFAULT_SECONDS,
    sort: _score_options.Sort = None,
    top: _score_options.Top = None,
    fail_under: _score_options.FailUnder = None,
    store: _options.StoreFile = None,
    fresh: _options.Fresh = False,
    no_store: _options.NoStore = False,
    offline: _options.Offline = False,
    quiet: _options.Quiet = False,
    verbose: _options.Verbose = 0,
) -> None:
    """Score photos: 0 to 100, higher is better.

    Exit codes: 0 all scored, 1 --fail-under not met, 2 a wrong option or wrong weights, 3 some
    files could not be scored, 4 a full disk, no memory or a fault of biqa, 130 Ctrl-C, 143 TERM.

    Example: biqa score photos/ --sort score -o scores.csv
    """
    # Running models takes NumPy, Pillow and an engine: `--help` does without.
    from biqa_cli.models.loading import load_model
    from biqa_cli.scoring import run_info, score_files

    _output.set_up_logging(verbose)
    on_terminal = output is None and _output.is_terminal()
    default = Format.table if on_terminal else Format.csv
    written = destination(
        output,
        _options.choose_format(format, output, SUFFIXES, default=default),
        append=append,
        part_rows=part_rows,
        order=sort,
        top=top,
        why=why,
        threshold=fail_under,
    )
    _report.check_report(report)
    wanted = _photos.wanted_photos(
        paths or [],
        files_from=files_from,
        nul_separated=nul,
        choice=_score_options.choice_of(
            recursive=recursive,
            exclude=exclude,
            newer_than=newer_than,
            shard=shard,
            column=column,
            key=key,
            offline=offline,
        ),
        written=(output, report),
    )
    cluster = cluster_of(
        ray,
        workers=ray_workers,
        gpus=ray_gpus,
        device=device,
        engine=engine,
        precision=precision,
        threads=threads,
    )
    ready = load_model(
        model,
        engine=engine.value,
        device=device if cluster is None else "cpu",
        threads=threads,
        offline=offline,
        precision="float32" if ray_gpus else precision.value,
    )
    if why and not ready.spec.tells_flaws:
        _output.problem(names_no_flaws(ready.spec.name))
    limits = _options.limits_of(
        max_megapixels=max_megapixels, memory=memory, seconds=seconds_per_photo
    )
    run = run_info(ready) if cluster is None else cluster.run_info(ready)
    shown: list[ImageResult] = []
    with (
        nullcontext() if cluster is None else cluster.connected(),
        _options.store_of(store, fresh=fresh, unused=no_store or cluster is not None) as known,
        written.opened() as rows,
    ):
        left = _photos.sources(written.left(wanted.photos, ready, known), paths or [])
        if cluster is None:
            results = score_files(
                left, ready, batch_size=batch_size, workers=workers, limits=limits, store=known
            )
        else:
            results = cluster.score(
                left, ready, limits=limits, workers=workers, batch_size=batch_size
            )
        if report is not None:
            results = _report.kept(results, into=shown)
        total = wanted.total(without=lambda: written.met)
        watched = _progress.with_progress(results, total=total, unit="photo", quiet=quiet)
        tally, seconds = write_report(
            rows,
            _photos.with_names(watched, on_terminal=on_terminal),
            run=run,
            order=sort,
            top=top,
            threshold=fail_under,
        )
    if report is not None:
        _report.write_page_of_results(
            report,
            select(shown, order=sort, top=top),
            run=run,
            threshold=fail_under,
            limits=limits,
            workers=workers,
            quiet=quiet,
        )
    if not quiet:
        recalled = known.recalled if known else 0
        _output.say(written.summary(tally, seconds, known=recalled, precision=run.precision))
    if top is not None and tally.failed:
        _output.problem(tally.failures())
    if written.is_below(tally):
        raise typer.Exit(BELOW_THRESHOLD)
    if tally.failed:
        raise typer.Exit(SOME_FAILED)
