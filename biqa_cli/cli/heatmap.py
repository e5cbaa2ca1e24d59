"""`biqa heatmap`: which part of a photo is bad."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biqa_cli.cli import _output
from biqa_cli.cli._options import Engine
from biqa_cli.cli._targets import targets
from biqa_cli.cli.score import SOME_FAILED
from biqa_cli.errors import ImageError, UsageError
from biqa_cli.models.catalog import DEFAULT_MODEL, find_model
from biqa_cli.models.spec import Family, ModelSpec
from biqa_cli.whole_files import write_whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from biqa_cli.explain.local_scores import BlockChoice
    from biqa_cli.models.loading import LoadedModel


class Kind(StrEnum):
    """What is shown."""

    quality = "quality"
    similarity = "similarity"
    gradcam = "gradcam"
    feedback = "feedback"
    attention = "attention"


@dataclass(frozen=True, slots=True)
class _Options:
    """What the kinds need to know."""

    choice: "BlockChoice"
    max_pixels: int
    side_by_side: bool
    legend: bool
    quiet: bool


@dataclass(frozen=True, slots=True)
class _Shown:
    """One photo, ready to be written."""

    picture: "Image.Image"
    facts: dict[str, Any]
    values: "NDArray[np.float32]"


def _quality(path: str, model: "LoadedModel", options: _Options) -> _Shown:
    from biqa_cli.blocks.grid import Block
    from biqa_cli.explain.local_scores import map_file
    from biqa_cli.reports.heatmap import draw_heatmap, heatmap_facts
    from biqa_cli.scoring import run_info

    def watch(blocks: Sequence[Block]) -> Any:  # noqa: ANN401
        return _output.with_progress(blocks, total=len(blocks), unit="block", quiet=options.quiet)

    found = map_file(path, model, choice=options.choice, max_pixels=options.max_pixels, watch=watch)
    picture = draw_heatmap(found, side_by_side=options.side_by_side, legend=options.legend)
    return _Shown(picture, heatmap_facts(found, run_info(model)), found.values)


def _similarity(path: str, model: "LoadedModel", options: _Options) -> _Shown:
    from biqa_cli.explain.similarity import similarity_of_file
    from biqa_cli.reports.similarity_matrix import draw_similarity, similarity_facts
    from biqa_cli.scoring import run_info

    found = similarity_of_file(path, model, max_pixels=options.max_pixels)
    picture = draw_similarity(found, legend=options.legend)
    return _Shown(picture, similarity_facts(found, run_info(model)), found.values)


def _inside(path: str, model: "LoadedModel", options: _Options) -> _Shown:
    import numpy as np

    from biqa_cli.explain.inner_maps import inner_maps_of_file
    from biqa_cli.reports.inner_maps import draw_inner_maps, inner_map_facts
    from biqa_cli.scoring import run_info

    found = inner_maps_of_file(path, model, max_pixels=options.max_pixels)
    picture = draw_inner_maps(found, side_by_side=options.side_by_side, legend=options.legend)
    values = np.stack([panel.values for panel in found.panels])
    return _Shown(picture, inner_map_facts(found, run_info(model)), values)


@dataclass(frozen=True, slots=True)
class _KindFacts:
    """Which models a kind applies to, and how it is made."""

    make: "Callable[[str, LoadedModel, _Options], _Shown]"
    tag: str
    """What the names of its files end with."""
    families: frozenset[Family] | None = None
    """None: every family."""
    needs_torch: bool = False
    """Whether it takes more than the scores that an ONNX graph gives."""


_KINDS: dict[Kind, _KindFacts] = {
    Kind.quality: _KindFacts(_quality, "heatmap"),
    Kind.similarity: _KindFacts(
        _similarity, "similarity", frozenset({"blockiqa"}), needs_torch=True
    ),
    Kind.gradcam: _KindFacts(_inside, "gradcam", frozenset({"qualitynet"}), needs_torch=True),
    Kind.feedback: _KindFacts(_inside, "feedback", frozenset({"reqa"}), needs_torch=True),
    Kind.attention: _KindFacts(
        _inside, "attention", frozenset({"shdiqa", "nlnet"}), needs_torch=True
    ),
}


def heatmap(
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="Photos and folders of photos.")
    ],
    model: Annotated[
        str, typer.Option("-m", "--model", help="See `biqa models list`.")
    ] = DEFAULT_MODEL,
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Your own safetensors file for the model.")
    ] = None,
    kind: Annotated[
        Kind,
        typer.Option(
            "--kind",
            help="Local quality; how alike BlockIQA's blocks are; or what QualityNet (gradcam), "
            "REQA (feedback), SHDIQA and NLNet (attention) look at.",
        ),
    ] = Kind.quality,
    grid: Annotated[
        int | None,
        typer.Option(
            "--grid", min=1, help="So many blocks along the shorter side, overlapping by half."
        ),
    ] = None,
    block_size: Annotated[
        int | None, typer.Option("--block-size", min=8, help="Side of a block in pixels.")
    ] = None,
    stride: Annotated[
        int | None,
        typer.Option("--stride", min=1, help="Pixels between blocks.  [default: half a block]"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="PNG, or a folder.  [default: NAME-heatmap.png in this folder]"
        ),
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", help="Blocks and scores: a file, a folder, or - .")
    ] = None,
    npy: Annotated[
        Path | None, typer.Option("--npy", help="The map as a NumPy array: a file or a folder.")
    ] = None,
    side_by_side: Annotated[
        bool, typer.Option("--side-by-side", help="Show the photo itself beside the map.")
    ] = False,
    no_legend: Annotated[bool, typer.Option("--no-legend", help="Draw no scale.")] = False,
    device: Annotated[
        str,
        typer.Option("-d", "--device", metavar="auto|cpu|cuda|mps", help="Where the model runs."),
    ] = "auto",
    engine: Annotated[Engine, typer.Option("--engine", help="What runs it.")] = Engine.auto,
    max_megapixels: Annotated[
        float, typer.Option("--max-megapixels", min=0.001, help="Larger photos are refused.")
    ] = 200,
    offline: Annotated[bool, typer.Option("--offline", help="Open no socket.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress, no news.")] = False,
    verbose: Annotated[int, typer.Option("-v", "--verbose", count=True, help="Tell more.")] = 0,
) -> None:
    """Show which part of a photo is bad, as a picture and as data.

    Every model scores blocks of the photo at native resolution, 0 to 100, higher is better. The
    same colour means the same score in every picture; frames mark the lowest blocks.

    Exit codes: 0 all shown, 2 a wrong option or wrong weights, 3 some files could not be read.

    Example: biqa heatmap photo.jpg -o map.png --json map.json
    """
    from biqa_cli.explain.local_scores import BlockChoice
    from biqa_cli.images.discovery import find_images
    from biqa_cli.models.loading import load_model

    _output.set_up_logging(verbose)
    facts = _choose_kind(kind, find_model(model), engine)
    choice = BlockChoice(rows=grid, size=block_size, stride=stride)
    if kind is not Kind.quality and choice != BlockChoice():
        raise UsageError("--grid, --block-size and --stride are for --kind quality")
    paths = list(find_images(images))
    if not paths:
        msg = f"no photos found in {', '.join(images)}"
        raise UsageError(msg)
    if output is None and json is None and npy is None:
        output = Path()
    on_stdout = json == Path("-")
    outputs = [
        (targets(paths, wanted, suffix=suffix, tag=facts.tag), content)
        for wanted, suffix, content in (
            (output, ".png", _png),
            (None if on_stdout else json, ".json", _json),
            (npy, ".npy", _npy),
        )
        if wanted is not None
    ]
    ready = load_model(
        model,
        engine="torch" if facts.needs_torch else engine.value,
        device=device,
        weights=weights,
        offline=offline,
    )
    options = _Options(
        choice,
        max_pixels=round(max_megapixels * 1_000_000),
        side_by_side=side_by_side,
        legend=not no_legend,
        quiet=quiet,
    )
    failed = 0
    for index, path in enumerate(paths):
        try:
            shown = facts.make(path, ready, options)
        except ImageError as error:
            _output.problem(f"{path}: {error}")
            failed += 1
            continue
        if on_stdout:
            _output.print_json(shown.facts)
        for files, content in outputs:
            write_whole(files[index], content(shown))
            if not quiet:
                _output.say(f"wrote {files[index]}")
    if failed:
        raise typer.Exit(SOME_FAILED)


def _choose_kind(kind: Kind, spec: ModelSpec, engine: Engine) -> _KindFacts:
    """Return what is known of a kind, once it is known to suit the model and the engine."""
    fitting = [
        other.value
        for other, facts in _KINDS.items()
        if facts.families is None or spec.family in facts.families
    ]
    if kind.value not in fitting:
        shown_by = " or ".join(_KINDS[kind].families or ())
        msg = (
            f"--kind {kind.value} does not apply to {spec.name}: use --kind {', '.join(fitting)}, "
            f"or -m with a model of {shown_by}"
        )
        raise UsageError(msg)
    if _KINDS[kind].needs_torch and engine is Engine.onnx:
        msg = f"--kind {kind.value} takes more than scores: use --engine torch"
        raise UsageError(msg)
    return _KINDS[kind]


def _png(shown: _Shown) -> bytes:
    file = BytesIO()
    shown.picture.save(file, "PNG")
    return file.getvalue()


def _json(shown: _Shown) -> bytes:
    return (dumps(shown.facts, indent=1) + "\n").encode()


def _npy(shown: _Shown) -> bytes:
    import numpy as np

    file = BytesIO()
    np.save(file, shown.values)
    return file.getvalue()
