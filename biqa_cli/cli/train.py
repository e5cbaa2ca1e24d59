"""`biqa train`: a model from one's own ratings, or a paper's from its data set."""

import math
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biqa_cli.cli import _options, _output
from biqa_cli.cli._boundary import SOME_FAILED
from biqa_cli.cli._progress import TrainingTalk
from biqa_cli.errors import UsageError

if TYPE_CHECKING:
    from biqa_cli.datasets.base import Dataset
    from biqa_cli.training.recipe import Recipe


def train(
    family: Annotated[str, typer.Argument(help="blockiqa, qualitynet, reqa, shdiqa or nlnet.")],
    dataset: _options.DatasetOption,
    out: Annotated[Path, typer.Option("--out", help="Folder for weights, log and state.")],
    root: _options.Root = None,
    label_range: _options.LabelRange = None,
    config: Annotated[
        str | None,
        typer.Option("--config", help="A TOML file, or a recipe's name such as blockiqa-cpu."),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SECTION.KEY=VALUE",
            help="Change a value of the recipe, such as optimiser.rate=1e-4; repeatable.",
        ),
    ] = None,
    start: Annotated[
        list[str] | None,
        typer.Option(
            "--init",
            metavar="imagenet|FILE|none",
            help="Starting weights: one, or one for each backbone.",
        ),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(
            "--also",
            metavar="DATASET=ROOT",
            help="A further data set, for recipes that learn from such; repeatable.",
        ),
    ] = None,
    clean: Annotated[
        list[Path] | None,
        typer.Option(
            "--clean",
            metavar="DIR",
            help="Photos without flaws, for recipes with examples; repeatable.",
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option("--split", metavar="PROTOCOL|FILE", help="As in `biqa evaluate`, no part."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the training in --out, if there is one.")
    ] = False,
    finish: Annotated[
        bool,
        typer.Option("--finish", help="End the training in --out: its best epoch is the result."),
    ] = False,
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", min=0, help="Stop after so long; --resume goes on."),
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option("--photos", metavar="DIR", help="Where decoded photos are kept."),
    ] = None,
    device: _options.Device = "auto",
    workers: _options.Workers = None,
    quiet: _options.Quiet = False,
    verbose: _options.Verbose = 0,
) -> None:
    """Train a model on photos that people have rated.

    Exit codes: 0 finished, 2 it cannot be trained, 3 the time was up before the end.

    Example: biqa train blockiqa --config blockiqa-cpu --dataset csv:ratings.csv --out run
    """
    from biqa_cli.models.installed_torch import require_torch

    require_torch("training")
    from biqa_cli.datasets.loading import load_dataset
    from biqa_cli.models.devices import resolve_device
    from biqa_cli.threads import default_workers
    from biqa_cli.training.recipe_files import load_recipe, with_settings
    from biqa_cli.training.request import TrainingRequest
    from biqa_cli.training.run import RECIPE
    from biqa_cli.training.run import train as run

    _output.set_up_logging(verbose)
    settings = list(setting or ())
    if (resume or finish) and (out / RECIPE).is_file():
        recipe = load_recipe(family, config=out / RECIPE)
        _refuse_changes(recipe, config=config, settings=settings)
    else:
        recipe = with_settings(load_recipe(family, config=config), settings)
    data = load_dataset(dataset, root, keep_missing=True)
    if label_range is not None:
        data = replace(data, scale=data.scale.with_ends(label_range))
    talk = TrainingTalk(quiet=quiet)
    outcome = run(
        TrainingRequest(
            dataset=data,
            recipe=recipe,
            out=out,
            split=split,
            starts=tuple(start or ("imagenet",)),
            device=resolve_device(device),
            resume=resume,
            finish=finish,
            minutes=math.inf if minutes is None else minutes,
            workers=workers or default_workers(),
            photos=photos,
            also=tuple(_further(each) for each in also or ()),
            clean=tuple(clean or ()),
            command=" ".join(["biqa", *sys.argv[1:]]),
        ),
        talk,
    )
    if not outcome.finished:
        _output.say("the time was up: the same command with --resume goes on")
        raise typer.Exit(SOME_FAILED)
    if outcome.weights is not None:
        _output.print_line(str(outcome.weights))
        own = ["-m", outcome.model, "--weights", str(outcome.weights)]
        talk.say(f"score with: biqa score PHOTOS {shlex.join(own)}")
        if outcome.test_part:
            given = {"--dataset": dataset, "--root": root, "--label-range": label_range}
            data_options = [str(v) for o in given.items() if o[1] is not None for v in o]
            test = ["biqa", "evaluate", *data_options, *own, "--split", outcome.test_part]
            talk.say(f"test with: {shlex.join(test)}")


def _further(given: str) -> "Dataset":
    """Return the data set of an --also option."""
    from biqa_cli.datasets.loading import load_dataset

    name, _, root = given.partition("=")
    return load_dataset(name, Path(root) if root else None, keep_missing=True)


def _refuse_changes(recipe: "Recipe", *, config: str | None, settings: list[str]) -> None:
    """Raise UsageError if the options ask for another recipe than the one that began."""
    from biqa_cli.training.recipe_files import load_recipe, with_settings

    asked = recipe if config is None else load_recipe(recipe.family, config=config)
    if with_settings(asked, settings) != recipe:
        raise UsageError(
            "the training began with another recipe: leave --config and --set out with --resume, "
            "or begin anew in another --out"
        )
