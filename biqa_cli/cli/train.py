"""`biqa train`: a model from one's own ratings, or a paper's from its data set."""

import math
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from biqa_cli.cli import _options, _output, _train_options
from biqa_cli.cli._boundary import SOME_FAILED
from biqa_cli.cli._progress import TrainingTalk
from biqa_cli.errors import UsageError

if TYPE_CHECKING:
    from biqa_cli.datasets.base import Dataset
    from biqa_cli.recipes.record import Recipe


def train(
    family: _train_options.Family,
    dataset: _options.DatasetOption,
    out: _train_options.Out,
    root: _options.Root = None,
    label_range: _options.LabelRange = None,
    config: _train_options.Config = None,
    setting: _train_options.Setting = None,
    start: _train_options.Start = None,
    also: _train_options.Also = None,
    clean: _train_options.Clean = None,
    split: _train_options.Split = None,
    resume: _train_options.Resume = False,
    finish: _train_options.Finish = False,
    minutes: _train_options.Minutes = None,
    photos: _train_options.Photos = None,
    device: _options.Device = "auto",
    workers: _options.Workers = None,
    offline: _options.Offline = False,
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
    from biqa_cli.recipes.files import load_recipe, with_settings
    from biqa_cli.threads import default_workers
    from biqa_cli.training.outputs import RECIPE
    from biqa_cli.training.request import TrainingRequest
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
            offline=offline,
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
        own = ["-m", str(outcome.weights)]
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
    from biqa_cli.recipes.files import load_recipe, with_settings

    asked = recipe if config is None else load_recipe(recipe.family, config=config)
    if with_settings(asked, settings) != recipe:
        raise UsageError(
            "the training began with another recipe: leave --config and --set out with --resume, "
            "or begin anew in another --out"
        )
