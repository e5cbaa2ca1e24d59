"""`biqa cull`: the best of each moment, the others out of the way."""

import typer

from biqa_cli.cli import _cull_options, _options, _output, _progress, _report
from biqa_cli.cli._boundary import SOME_FAILED
from biqa_cli.cli.group import Gap, RecordFormatOption, choose_record_format, refuse_stdin
from biqa_cli.culling.records import DEFAULT_GAP
from biqa_cli.culling.stars import Stars
from biqa_cli.errors import UsageError
from biqa_cli.models.catalog import DEFAULT_MODEL


def cull(
    context: typer.Context,
    paths: _options.Photos = None,
    keep: _cull_options.Keep = 1,
    reject_under: _cull_options.RejectUnder = None,
    gap: Gap = DEFAULT_GAP,
    stars: _cull_options.StarsBy = Stars.absolute,
    xmp: _cull_options.Xmp = False,
    mark_rejects: _cull_options.MarkRejects = False,
    picks: _cull_options.Picks = None,
    rejects: _cull_options.Rejects = None,
    copy: _cull_options.Copy = False,
    move: _cull_options.Move = False,
    link: _cull_options.Link = False,
    apply: _cull_options.Apply = False,
    undo: _cull_options.Undo = None,
    finish: _cull_options.Finish = None,
    journal: _cull_options.Journal = None,
    format: RecordFormatOption = None,  # noqa: A002
    output: _options.Output = None,
    report: _report.ReportFile = None,
    report_heatmaps: _report.ReportHeatmaps = False,
    exclude: _options.Exclude = None,
    store: _options.StoreFile = None,
    fresh: _options.Fresh = False,
    no_store: _options.NoStore = False,
    model: _options.Model = DEFAULT_MODEL,
    device: _options.Device = "auto",
    engine: _options.EngineOption = _options.Engine.auto,
    batch_size: _options.BatchSize = None,
    workers: _options.Workers = None,
    threads: _options.Threads = 0,
    max_megapixels: _options.MaxMegapixels = _options.DEFAULT_MEGAPIXELS,
    memory: _options.Memory = _options.DEFAULT_MEMORY,
    seconds_per_photo: _options.SecondsPerPhoto = _options.DEFAULT_SECONDS,
    offline: _options.Offline = False,
    quiet: _options.Quiet = False,
    verbose: _options.Verbose = 0,
) -> None:
    """Decide on each photo of a shoot: pick, keep or reject.

    The best of each moment is picked; of the others those that --keep leaves are kept, the rest is
    rejected. A raw file, its JPEG and its sidecars share one decision. Nothing is touched without
    --apply, and nothing is deleted or overwritten with it.

    Example: biqa cull wedding/ --rejects wedding/rejects --move --xmp --apply
    """
    from biqa_cli.cli._applying import (
        follow_journal,
        plan_and_apply,
        refuse_interrupted,
        tell_decisions,
        tell_plan,
    )
    from biqa_cli.cli._cull_request import (
        check_wishes,
        choose_how,
        photos_of_shoot,
        placed_picks,
    )
    from biqa_cli.cli._page_of_cull import PageOfCull, write_page_of_cull
    from biqa_cli.culling.decisions import decide
    from biqa_cli.culling.looking import LOOKING
    from biqa_cli.culling.plan import Wishes, check_links, plan
    from biqa_cli.culling.shoot import shots_of
    from biqa_cli.models.loading import load_model
    from biqa_cli.reports.culling import write_decisions
    from biqa_cli.scoring import score_and_look

    _output.set_up_logging(verbose)
    if follow_journal(context, undo=undo, finish=finish, quiet=quiet):
        return
    if not paths:
        raise UsageError("nothing to cull: name photos or folders, or a journal with --undo")
    refuse_stdin(paths)
    how = choose_how(copy=copy, move=move, link=link)
    wishes = Wishes(how, picks, rejects, xmp=xmp, mark_rejects=mark_rejects)
    check_wishes(wishes, apply=apply, journal=journal)
    _report.check_report(report, heatmaps=report_heatmaps)
    kind = choose_record_format(format, output)
    if apply:
        refuse_interrupted(paths, journal)
    photos = photos_of_shoot(paths, wishes, exclude=exclude, written=(output, report))
    check_links(photos, wishes)
    ready = load_model(model, engine=engine.value, device=device, threads=threads, offline=offline)
    limits = _options.limits_of(
        max_megapixels=max_megapixels, memory=memory, seconds=seconds_per_photo
    )
    with _options.store_of(store, fresh=fresh, unused=no_store) as known:
        scored = score_and_look(
            [files[0] for files in photos],
            ready,
            look=LOOKING,
            batch_size=batch_size,
            workers=workers,
            limits=limits,
            store=known,
        )
        watched = _progress.with_progress(scored, len(photos), unit="photo", quiet=quiet)
        shots = shots_of(photos, watched, gap=gap, picks=placed_picks(wishes))
    rows = decide(shots, keep=keep, reject_under=reject_under, stars=stars)
    with _output.report_stream(output) as stream:
        write_decisions(stream, rows, kind)
    if not quiet:
        tell_decisions(rows, shots)
    page = PageOfCull(report, rows, ready, reject_under) if report else None
    if apply:
        planned = plan_and_apply(rows, wishes, named=paths, journal=journal, page=page, quiet=quiet)
    else:
        planned = plan(rows, wishes)
        tell_plan(planned, wishes, quiet=quiet)
    has_all_maps = page is None or write_page_of_cull(
        page,
        moved=planned.moved if apply else {},
        heatmaps=report_heatmaps,
        limits=limits,
        workers=workers,
        quiet=quiet,
    )
    unscored = any(shot.result.score is None for shot in shots)
    if planned.problems or unscored or not has_all_maps:
        raise typer.Exit(SOME_FAILED)
