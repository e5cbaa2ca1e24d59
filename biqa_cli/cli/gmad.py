"""`biqa gmad`: which pairs of photos people should be asked about, to tell which model is right."""

import math
from collections.abc import Sequence
from functools import partial
from itertools import permutations
from typing import TYPE_CHECKING, Annotated

import typer

from biqa_cli.cli import _options, _output, _photos, _progress
from biqa_cli.cli._boundary import SOME_FAILED
from biqa_cli.cli._targets import refuse_inputs, refuse_to_overwrite
from biqa_cli.cli.group import RecordFormatOption, choose_record_format, refuse_stdin
from biqa_cli.errors import UsageError

if TYPE_CHECKING:
    from biqa_cli.metrics.gmad import GmadPair
    from biqa_cli.reports.rows import Value


def gmad(
    paths: _options.Photos = None,
    model: _options.Models = None,
    levels: Annotated[
        int, typer.Option("--levels", min=1, help="Levels of quality, a pair for each.")
    ] = 5,
    tolerance: Annotated[
        float,
        typer.Option("--tolerance", min=0, help="By how much the defender's scores may differ."),
    ] = 2.0,
    exclude: _options.Exclude = None,
    format: RecordFormatOption = None,  # noqa: A002
    output: _options.Output = None,
    store: _options.StoreFile = None,
    fresh: _options.Fresh = False,
    no_store: _options.NoStore = False,
    device: _options.Device = "auto",
    workers: _options.Workers = None,
    max_megapixels: _options.MaxMegapixels = _options.DEFAULT_MEGAPIXELS,
    memory: _options.Memory = _options.DEFAULT_MEMORY,
    seconds_per_photo: _options.SecondsPerPhoto = _options.DEFAULT_SECONDS,
    offline: _options.Offline = False,
    quiet: _options.Quiet = False,
    verbose: _options.Verbose = 0,
) -> None:
    """Find the pairs of photos that tell which of two models is right (gMAD).

    The defender finds both photos of a pair equally good, the attacker finds them as different as
    any. Each model defends and attacks. Show the pairs to people: whoever agrees with them wins.

    Example: biqa gmad photos/ -m qualitynet-lite -m reqa-lite
    """
    from biqa_cli.metrics.gmad import gmad_pairs
    from biqa_cli.models.loading import load_model
    from biqa_cli.reports.duels import write_duels
    from biqa_cli.scoring import score_files

    _output.set_up_logging(verbose)
    names = list(dict.fromkeys(model or ()))
    if not paths or len(names) < 2:  # noqa: PLR2004  one has nobody to compete with
        raise UsageError("name photos or folders, and two models or more: -m NAME -m NAME")
    refuse_stdin(paths)
    kind = choose_record_format(format, output)
    refuse_to_overwrite([output], _options.files_of(names))
    photos = list(refuse_inputs(output, _photos.named_photos(paths, exclude=exclude)))
    limits = _options.limits_of(
        max_megapixels=max_megapixels, memory=memory, seconds=seconds_per_photo
    )
    scores: dict[str, list[float]] = {}
    failed: dict[str, str] = {}
    with _options.store_of(store, fresh=fresh, unused=no_store) as known:
        score = partial(score_files, photos, workers=workers, limits=limits, store=known)
        for name in names:
            results = score(load_model(name, device=device, offline=offline))
            said = list(_progress.with_progress(results, len(photos), unit="photo", quiet=quiet))
            failed |= {one.path: one.error for one in said if one.score is None}
            scores[name] = [math.nan if one.score is None else one.score for one in said]
    found = [
        _record(defender, attacker, pair, photos)
        for defender, attacker in permutations(names, 2)
        for pair in gmad_pairs(
            scores[defender], scores[attacker], levels=levels, tolerance=tolerance
        )
    ]
    with _output.report_stream(output) as stream:
        write_duels(stream, found, kind=kind)
    if not quiet:
        _output.say(f"{_output.counted(len(found), 'pair')} of {len(photos)} photos")
    for path, error in failed.items():
        _output.problem(f"{path}: {error}")
    if failed:
        raise typer.Exit(SOME_FAILED)


def _record(
    defender: str, attacker: str, pair: "GmadPair", photos: Sequence[str]
) -> "dict[str, Value]":
    return {
        "defender": defender,
        "attacker": attacker,
        "level": pair.level,
        "defender_differs": pair.defended,
        "attacker_differs": pair.attacked,
        "better": photos[pair.better],
        "worse": photos[pair.worse],
    }
