"""`biqa train`: a model from one's own ratings, or a paper's from its data set."""

import math
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biqa_cli.cli import _output
from biqa_cli.errors import UsageError

if TYPE_CHECKING:
    from biqa_cli.training.recipe import Recipe

NOT_FINISHED = 3
_SECONDS_BETWEEN_LINES = 20.0


def train(
    family: Annotated[str, typer.Argument(help="blockiqa, qualitynet, reqa, shdiqa or nlnet.")],
    dataset: Annotated[
        str, typer.Option("--dataset", help="See `biqa datasets list`, or csv:FILE for your own.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for weights, log and state.")],
    root: Annotated[
        Path | None, typer.Option("--root", help="The folder that the data set was unpacked to.")
    ] = None,
    label_range: Annotated[
        str | None,
        typer.Option("--label-range", metavar="LOW:HIGH", help="Of the labels of a csv:FILE."),
    ] = None,
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
    device: Annotated[
        str, typer.Option("-d", "--device", metavar="auto|cpu|cuda|mps", help="Where to train.")
    ] = "auto",
    workers: Annotated[
        int | None, typer.Option("-j", "--workers", min=1, help="Threads that read photos.")
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress, no talk.")] = False,
) -> None:
    """Train a model on photos that people have rated.

    Exit codes: 0 finished, 2 it cannot be trained, 3 the time was up before the end.

    Example: biqa train blockiqa --config blockiqa-cpu --dataset csv:ratings.csv --out run
    """
    from biqa_cli.datasets.loading import load_dataset
    from biqa_cli.models.devices import resolve_device
    from biqa_cli.threads import default_workers
    from biqa_cli.training.recipe_files import load_recipe, with_settings
    from biqa_cli.training.run import RECIPE, TrainingRequest
    from biqa_cli.training.run import train as run

    settings = list(setting or ())
    if (resume or finish) and (out / RECIPE).is_file():
        recipe = load_recipe(family, config=out / RECIPE)
        _refuse_changes(recipe, config=config, settings=settings)
    else:
        recipe = with_settings(load_recipe(family, config=config), settings)
    data = load_dataset(dataset, root, keep_missing=True)
    if label_range is not None:
        data = replace(data, scale=data.scale.with_ends(label_range))
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
            command=" ".join(["biqa", *sys.argv[1:]]),
        ),
        _Talk(quiet=quiet),
    )
    if not outcome.finished:
        _output.say("the time was up: the same command with --resume goes on")
        raise typer.Exit(NOT_FINISHED)
    if outcome.weights is not None:
        _output.print_line(str(outcome.weights))
        talk = _Talk(quiet=quiet)
        own = ["-m", outcome.model, "--weights", str(outcome.weights)]
        talk.say(f"score with: biqa score PHOTOS {shlex.join(own)}")
        if outcome.test_part:
            given = {"--dataset": dataset, "--root": root, "--label-range": label_range}
            data_options = [str(v) for o in given.items() if o[1] is not None for v in o]
            test = ["biqa", "evaluate", *data_options, *own, "--split", outcome.test_part]
            talk.say(f"test with: {shlex.join(test)}")


class _Talk:
    """Says on stderr how a training goes: a line each epoch, and now and then between."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._first: tuple[float, int] | None = None
        self._last = time.monotonic()

    def say(self, line: str) -> None:
        if not self._quiet:
            _output.say(line)

    def step(self, done: int, total: int, loss: float) -> None:
        now = time.monotonic()
        if self._first is None or done <= self._first[1]:
            # Of the run or of a phase: the first step of all is slow, so that it does not count.
            self._first = (now, done)
        elif now - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = now
            began, before = self._first
            left = (total - done) * (now - began) / (done - before)
            self.say(f"step {done} of {total}, loss {loss:.4f}, {_words(left)} left")


def _words(seconds: float) -> str:
    """Return a time as people say it.

    Example:
        >>> _words(42), _words(600), _words(9000)
        ('42 s', '10 min', '2.5 h')
    """
    if seconds < 100:  # noqa: PLR2004
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"  # noqa: PLR2004


def _refuse_changes(recipe: "Recipe", *, config: str | None, settings: list[str]) -> None:
    """Raise UsageError if the options ask for another recipe than the one that began."""
    from biqa_cli.training.recipe_files import load_recipe, with_settings

    asked = recipe if config is None else load_recipe(recipe.family, config=config)
    if with_settings(asked, settings) != recipe:
        raise UsageError(
            "the training began with another recipe: leave --config and --set out with --resume, "
            "or begin anew in another --out"
        )
