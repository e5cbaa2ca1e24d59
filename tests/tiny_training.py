"""Trainings of a fraction of a second: tiny networks, small views, two epochs of two steps."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from biqa_cli.datasets.base import Dataset
from biqa_cli.models.spec import Family
from biqa_cli.recipes.files import load_recipe, with_settings
from biqa_cli.recipes.record import Recipe
from biqa_cli.training.request import Outcome, TrainingRequest
from biqa_cli.training.run import train

SMALL: dict[Family, tuple[str, ...]] = {
    "blockiqa": ("input.height=64", "input.width=64"),
    "qualitynet": ("input.height=64", "input.width=64", "monotonicity.photos=4"),
    "reqa": ("input.height=128", "input.width=128", "input.crop=112", "input.stride=112"),
    "shdiqa": (
        *("input.height=64", "input.width=64"),
        *("loss.teacher_epochs=1", "loss.degraded_photos=6"),
    ),
    "nlnet": ("input.height=112", "input.width=112", "network.patch=112"),
}
"""What makes the recipes for two cores smaller still."""
SHORT = ("input.val_share=0.25", "schedule.epochs=2", "optimiser.batch=10")
"""Of the 32 photos of the miniature set, 20 train: two steps an epoch."""


def tiny_recipe(family: Family, *settings: str) -> Recipe:
    """Return the recipe for two cores with small views, two epochs and these settings."""
    recipe = load_recipe(family, config=f"{family}-cpu")
    return with_settings(recipe, [*SHORT, *SMALL[family], *settings])


def quick_recipe(*settings: str) -> Recipe:
    """Return the tiny recipe that trains fastest, for what holds of every family."""
    return tiny_recipe("qualitynet", "network.chains=1", *settings)


class Killed(BaseException):
    """The process ended here. Nothing may catch it."""


class Listener:
    """Takes note of what a training tells, and may kill it after some steps."""

    def __init__(self, *, killed_after: int | None = None) -> None:
        self.lines: list[str] = []
        self.steps = 0
        self._last = killed_after

    def step(self, done: int, total: int, loss: float) -> None:
        assert 0 < done <= total and np.isfinite(loss)
        self.steps += 1
        if self.steps == self._last:
            raise Killed

    def say(self, line: str) -> None:
        self.lines.append(line)


def request(dataset: Dataset, recipe: Recipe, out: Path, **more: Any) -> TrainingRequest:
    """Return a request that starts at random, with one thread."""
    return TrainingRequest(dataset, recipe, out, starts=("none",), workers=1, **more)


def run(asked: TrainingRequest) -> tuple[Outcome, Listener]:
    """Train; return the outcome and what was told."""
    listener = Listener()
    return train(asked, listener), listener


def run_in_pieces(asked: TrainingRequest) -> int:
    """Train with no time at all, again and again until the end; return how many runs it took."""
    asked, runs = replace(asked, minutes=0, resume=True), 1
    while not run(asked)[0].finished:
        runs += 1
        assert runs < 60, "the training does not end"
    return runs


def log_of(out: Path) -> list[dict[str, str]]:
    """Return the log without what a clock says."""
    with (out / "log.csv").open(newline="") as file:
        return [
            {key: value for key, value in row.items() if key != "seconds"}
            for row in csv.DictReader(file)
        ]


def assert_same_training(one: Path, other: Path) -> None:
    """Fail unless two folders hold the same training, to the last bit."""
    assert log_of(one) == log_of(other)
    weights = [path.name for path in sorted(one.glob("*-*.safetensors"))]
    assert len(weights) == 1
    for name in ("best.safetensors", "recipe.toml", "split.txt", *weights):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    states = [load_file(out / "last.safetensors") for out in (one, other)]
    assert states[0].keys() == states[1].keys()
    for name, tensor in states[0].items():
        assert np.array_equal(tensor, states[1][name]), name
