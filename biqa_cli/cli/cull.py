"""`biqa cull`: the best of each moment, the others out of the way."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biqa_cli.cli import _options, _output, _progress
from biqa_cli.cli._boundary import SOME_FAILED
from biqa_cli.cli._targets import refuse_inputs
from biqa_cli.cli.group import Gap, RecordFormatOption, choose_record_format
from biqa_cli.culling.stars import Stars
from biqa_cli.errors import UsageError
from biqa_cli.models.catalog import DEFAULT_MODEL

if TYPE_CHECKING:
    from biqa_cli.culling.actions import How
    from biqa_cli.culling.plan import Plan, Wishes


def cull(
    paths: _options.Photos = None,
    keep: Annotated[
        int, typer.Option("--keep", metavar="N", min=1, help="Of each moment: not rejected.")
    ] = 1,
    reject_under: Annotated[
        float | None,
        typer.Option("--reject-under", metavar="S", min=0, max=100, help="Scores to reject."),
    ] = None,
    gap: Gap = 10,
    stars: Annotated[
        Stars, typer.Option("--stars", help="By fixed thresholds, or by shares of the shoot.")
    ] = Stars.absolute,
    xmp: Annotated[
        bool, typer.Option("--xmp", help="Stars, labels and flaws into XMP sidecars.")
    ] = False,
    mark_rejects: Annotated[
        bool, typer.Option("--mark-rejects", help="With --xmp: rejects have the rating -1.")
    ] = False,
    picks: Annotated[
        Path | None, typer.Option("--picks", metavar="DIR", help="Where picks go.")
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option("--rejects", metavar="DIR", help="Where rejects go.")
    ] = None,
    copy: Annotated[bool, typer.Option("--copy", help="They are copied there.")] = False,
    move: Annotated[bool, typer.Option("--move", help="They are moved there.")] = False,
    link: Annotated[bool, typer.Option("--link", help="They get a second name there.")] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Do it; without, nothing is touched.")
    ] = False,
    undo: Annotated[
        Path | None,
        typer.Option("--undo", metavar="JOURNAL", help="Take back what a journal says was done."),
    ] = None,
    journal: Annotated[
        Path | None, typer.Option("--journal", metavar="FILE", help="The journal, a new file.")
    ] = None,
    format: RecordFormatOption = None,  # noqa: A002
    output: _options.Output = None,
    exclude: _options.Exclude = None,
    store: _options.StoreFile = None,
    fresh: _options.Fresh = False,
    no_store: _options.NoStore = False,
    model: _options.Model = DEFAULT_MODEL,
    weights: _options.Weights = None,
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
    from biqa_cli.cli._applying import apply_plan, finish_interrupted, take_back
    from biqa_cli.culling.companions import photos_of
    from biqa_cli.culling.decisions import decide
    from biqa_cli.culling.looking import look
    from biqa_cli.culling.plan import Wishes, plan
    from biqa_cli.culling.shoot import not_below, shots_of
    from biqa_cli.images.discovery import find_images
    from biqa_cli.models.loading import load_model
    from biqa_cli.reports.culling import write_decisions
    from biqa_cli.scoring import score_and_look

    _output.set_up_logging(verbose)
    if undo is not None:
        take_back(undo, quiet=quiet)
        return
    if not paths:
        raise UsageError("nothing to cull: name photos or folders, or a journal with --undo")
    how = _how(copy=copy, move=move, link=link)
    wishes = Wishes(how, picks, rejects, xmp=xmp, mark_rejects=mark_rejects)
    _check(wishes, apply=apply)
    kind = choose_record_format(format, output)
    if apply and finish_interrupted(paths, journal, quiet=quiet):
        return
    # What was moved to the picks is of the shoot still; a copy would be a second frame.
    placed = picks if move and picks is not None and picks.is_dir() else None
    left_out = [folder for folder in (picks, rejects) if folder is not None and folder != placed]
    named = [*paths, str(placed)] if placed else paths
    found = not_below(find_images(named, exclude=exclude or ()), left_out)
    photos = photos_of(refuse_inputs(output, found))
    if not photos:
        msg = f"no photos found in {', '.join(paths)}"
        raise UsageError(msg)
    ready = load_model(
        model, engine=engine.value, device=device, threads=threads, weights=weights, offline=offline
    )
    limits = _options.limits_of(
        max_megapixels=max_megapixels, memory=memory, seconds=seconds_per_photo
    )
    with _options.store_of(store, fresh=fresh, unused=no_store) as known:
        scored = score_and_look(
            [files[0] for files in photos],
            ready,
            look=look,
            batch_size=batch_size,
            workers=workers,
            limits=limits,
            store=known,
        )
        watched = _progress.with_progress(scored, len(photos), unit="photo", quiet=quiet)
        shots = shots_of(photos, watched, gap=gap, picks=placed)
    rows = decide(shots, keep=keep, reject_under=reject_under, stars=stars)
    with _output.report_stream(output) as stream:
        write_decisions(stream, rows, kind)
    if not quiet:
        counts = Counter(row.decision.value for row in rows if row.path == row.shot.result.path)
        decided = ", ".join(f"{counts[name]} {name}" for name in ("pick", "keep", "reject"))
        of = _output.counted(len({shot.group for shot in shots}), "moment")
        _output.say(f"{_output.counted(len(shots), 'photo')} of {of}: {decided}")
    planned = plan(rows, wishes)
    _tell(planned, wishes, quiet=quiet, apply=apply)
    if apply:
        apply_plan(planned, journal, quiet=quiet)
    if planned.problems or any(shot.result.score is None for shot in shots):
        raise typer.Exit(SOME_FAILED)


def _how(*, copy: bool, move: bool, link: bool) -> "How | None":
    from biqa_cli.culling.actions import How

    asked = [
        how for how, wanted in ((How.copy, copy), (How.move, move), (How.link, link)) if wanted
    ]
    if len(asked) > 1:
        raise UsageError("--copy, --move and --link exclude each other: choose one")
    return asked[0] if asked else None


def _check(wishes: "Wishes", *, apply: bool) -> None:
    has_folder = wishes.picks is not None or wishes.rejects is not None
    if has_folder and wishes.how is None:
        raise UsageError("say how photos get into --picks or --rejects: --copy, --move or --link")
    if wishes.how is not None and not has_folder:
        msg = f"--{wishes.how.value} where to? name a folder with --picks or --rejects"
        raise UsageError(msg)
    if wishes.mark_rejects and not wishes.xmp:
        raise UsageError("--mark-rejects is about sidecars: add --xmp")
    if apply and not has_folder and not wishes.xmp:
        raise UsageError("nothing to apply: add --xmp, or --picks or --rejects and how")


def _tell(planned: "Plan", wishes: "Wishes", *, quiet: bool, apply: bool) -> None:
    from biqa_cli.culling.actions import Transfer, WriteSidecar

    for problem in planned.problems:
        _output.problem(problem)
    if quiet:
        return
    if planned.kept_ratings:
        sidecars = _output.counted(planned.kept_ratings, "sidecar")
        _output.say(f"what a person rated is kept in {sidecars}")
    if not apply and planned.actions:
        written, files = planned.count(WriteSidecar), planned.count(Transfer)
        parts = [f"write {_output.counted(written, 'sidecar')}"] if written else []
        if wishes.how is not None and files:
            parts.append(f"{wishes.how.value} {_output.counted(files, 'file')}")
        _output.say(f"nothing is touched; --apply would {' and '.join(parts)}")
