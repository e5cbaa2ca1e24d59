"""`biqa heatmap`: which part of a photo is bad."""

from functools import partial

import typer

from biqa_cli.cli import _heatmap_options, _options, _output, _photos, _progress
from biqa_cli.cli._boundary import SOME_FAILED
from biqa_cli.cli._explanations import choose_outputs
from biqa_cli.cli._kinds import Kind, Options, choose_kind
from biqa_cli.models.catalog import DEFAULT_MODEL


def heatmap(
    images: _heatmap_options.Images,
    model: _options.Model = DEFAULT_MODEL,
    kind: _heatmap_options.KindOption = Kind.quality,
    grid: _heatmap_options.Grid = None,
    block_size: _heatmap_options.BlockSize = None,
    stride: _heatmap_options.Stride = None,
    output: _heatmap_options.Pictures = None,
    json: _heatmap_options.Json = None,
    npy: _heatmap_options.Npy = None,
    side_by_side: _heatmap_options.SideBySide = False,
    no_legend: _heatmap_options.NoLegend = False,
    exclude: _options.Exclude = None,
    device: _options.Device = "auto",
    engine: _options.EngineOption = _options.Engine.auto,
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
    """Show which part of a photo is bad, as a picture and as data.

    Every model scores blocks of the photo at native resolution, 0 to 100, higher is better. The
    same colour means the same score in every picture; frames mark the lowest blocks that show
    more than an empty sky.

    Exit codes: 0 all shown, 2 a wrong option or wrong weights, 3 some files could not be read.

    Example: biqa heatmap photo.jpg -o map.png --json map.json
    """
    from biqa_cli.explain.local_blocks import BlockChoice
    from biqa_cli.models.loading import load_model, specification

    _output.set_up_logging(verbose)
    choice = BlockChoice(rows=grid, size=block_size, stride=stride)
    only_onnx = engine is _options.Engine.onnx
    facts = choose_kind(kind, specification(model), choice=choice, only_onnx=only_onnx)
    photos = _photos.named_photos(images, exclude=exclude)
    outputs = choose_outputs(photos, tag=facts.tag, png=output, json=json, npy=npy)
    ready = load_model(
        model,
        engine="torch" if facts.needs_torch else engine.value,
        device=device,
        offline=offline,
    )
    with _options.store_of(store, fresh=fresh, unused=no_store) as known:
        options = Options(
            choice,
            limits=_options.limits_of(
                max_megapixels=max_megapixels, memory=memory, seconds=seconds_per_photo
            ),
            side_by_side=side_by_side,
            legend=not no_legend,
            watch=partial(_progress.with_progress_of, unit="block", quiet=quiet),
            store=known,
        )
        failed = outputs.write_all(
            zip(photos, _photos.sources(photos, images), strict=True),
            lambda source: facts.make(source, ready, options),
            quiet=quiet,
        )
    if failed:
        raise typer.Exit(SOME_FAILED)
