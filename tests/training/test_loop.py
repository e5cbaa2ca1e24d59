"""The loop, on a network that fits on one line: what is stepped, kept, waited for and clipped."""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from tiny_training import Listener, quick_recipe
from torch import Tensor, nn
from training_jobs import UNIT, parted

from biqa_cli.errors import UsageError
from biqa_cli.images.view_store import ViewStore
from biqa_cli.models.spec import InputContract, ScoreScale
from biqa_cli.models.trained import TrainedNetwork
from biqa_cli.recipes.record import Recipe
from biqa_cli.training.batch import Batch
from biqa_cli.training.families.base import Phase, Setting, Terms
from biqa_cli.training.job import Job
from biqa_cli.training.loop import run_phase
from biqa_cli.training.outputs import BEST, LAST
from biqa_cli.training.photos import RatedPhotos
from biqa_cli.training.request import TimeIsUpError
from biqa_cli.training.state import Progress, read_progress

ALL_ALIKE = ("optimiser.trainable=all", "optimiser.ema=0", "optimiser.clip=0", "schedule.warmup=0")
NOT_CACHED = ("input.noise=0", "monotonicity.weight=0")
LABELS = np.array([0.0, 0.25, 0.5, 0.75, 1.0], np.float32)
SCORES = {
    1.0: (0, 1, 2, 3, 4),
    0.9: (0, 1, 2, 4, 3),
    0.6: (2, 1, 0, 3, 4),
    0.2: (2, 0, 3, 4, 1),
    -1.0: (4, 3, 2, 1, 0),
}
"""Validation scores by their correlation with the labels: ranks, so both are the same."""


class Line(nn.Module):
    """The score is w · x + b, x one number."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return cast("Tensor", self.linear(x))[:, 0]


class LinePhase(Phase):
    """Squared error, a thousand times: the gradients are large."""

    def loss(self, batch: Batch) -> Terms:
        return {"loss": 1000 * (self.learner(batch.inputs) - batch.labels).square().mean()}

    def val_loss(self, predicted: Tensor, labels: Tensor) -> Tensor:
        return (predicted - labels).abs().mean()


class Script:
    """A source of two steps an epoch whose validation scores are written down."""

    def __init__(self, correlations: Sequence[float]) -> None:
        self.correlations = list(correlations)
        self.seen: list[dict[str, Tensor]] = []
        self.features: Tensor | None = None

    def batches(self, *, epoch: int, before: int, start: int) -> Iterator[Batch]:
        for step in range(start, 2):
            generator = torch.Generator().manual_seed(100 * (before + epoch) + step)
            inputs = torch.rand(4, 1, generator=generator)
            labels = 3 * inputs[:, 0] - 1
            types = torch.full((4,), -1)
            yield Batch(inputs, labels, types, epoch, torch.Generator())

    def scores(self, network: nn.Module) -> NDArray[np.float64]:
        self.seen.append({name: t.detach().clone() for name, t in network.state_dict().items()})
        return np.array(SCORES[self.correlations[len(self.seen) - 1]], dtype=np.float64)

    def head_features(self) -> Tensor | None:
        return self.features


class Watch(Listener):
    """Keeps the weights and the norm of the gradient after each step."""

    def __init__(self, learner: nn.Module) -> None:
        super().__init__()
        self.learner = learner
        self.weights: list[Tensor] = []
        self.norms: list[float] = []

    def step(self, done: int, total: int, loss: float) -> None:
        super().step(done, total, loss)
        self.weights.append(torch.cat([p.detach().flatten() for p in self.learner.parameters()]))
        grads = [cast("Tensor", p.grad).flatten() for p in self.learner.parameters()]
        self.norms.append(float(torch.cat(grads).norm()))


class Bench:
    """A job in a folder, its phase, its script and who watches."""

    def __init__(
        self,
        out: Path,
        monkeypatch: pytest.MonkeyPatch,
        *settings: str,
        correlations: Sequence[float] = (1.0,) * 20,
    ) -> None:
        torch.manual_seed(0)
        recipe = quick_recipe(*ALL_ALIKE, *NOT_CACHED, "optimiser.batch=4", *settings)
        self.source = Script(correlations)
        monkeypatch.setattr("biqa_cli.training.loop.open_source", lambda *_: self.source)
        monkeypatch.setattr("biqa_cli.training.loop.slots_of", lambda *_, **__: ())
        contract = InputContract(8, 8, (0.0,) * 3, (1.0,) * 3)
        self.phase = LinePhase(Setting(recipe, contract, UNIT, Line()), Line())
        self.watch = Watch(self.phase.learner)
        self.job = job_of(recipe, contract, out, self.watch)
        self.progress = Progress()

    def run(self) -> None:
        run_phase(self.job, self.phase, self.progress, before=0)

    @property
    def best(self) -> dict[str, Tensor]:
        return load_file(self.job.out / BEST)


def job_of(recipe: Recipe, contract: InputContract, out: Path, watch: Any) -> Job:
    scale = ScoreScale(0, 1, higher_is_better=True, meaning="MOS")
    trained = TrainedNetwork("qualitynet", ("resnet50",), {}, contract, scale, "lines")
    store = ViewStore(out, np.zeros((13, 8, 8, 3), np.uint8), {n: n for n in range(13)}, {})
    train, val = tuple(range(8)), tuple(range(8, 13))
    labels, types = np.zeros(8, np.float32), np.full(8, -1)
    photos = RatedPhotos(store, train, labels, types, val, LABELS)
    dataset, split = parted(out, train, val)
    return Job(recipe, trained, dataset, split, photos, out, "cpu", 1, math.inf, watch)


@pytest.mark.parametrize("select", ["srcc", "plcc"])
def test_the_epoch_with_the_highest_correlation_is_kept(
    select: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ("schedule.epochs=4", f"schedule.select={select}")
    bench = Bench(tmp_path, monkeypatch, *settings, correlations=[0.2, 0.9, -1.0, 0.6])
    bench.run()
    assert bench.progress.best_row["epoch"] == 2
    assert bench.progress.best == pytest.approx(0.9, abs=1e-6)
    for name, tensor in bench.source.seen[1].items():
        assert torch.equal(bench.best[name], tensor)
        assert not torch.equal(bench.best[name], bench.source.seen[3][name])
    found = [row[select] for row in bench.progress.rows]
    assert found == pytest.approx([0.2, 0.9, -1.0, 0.6], abs=1e-6)


def test_the_correlation_that_selects_is_the_recipes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In perfect order, but for one outlier; in the wrong order, but near.
    monkeypatch.setitem(SCORES, 2.0, (0, 1, 2, 3, 400))
    for select, epoch in (("srcc", 1), ("plcc", 2)):
        settings = ("schedule.epochs=2", f"schedule.select={select}")
        bench = Bench(tmp_path / select, monkeypatch, *settings, correlations=[2.0, 0.9])
        (tmp_path / select).mkdir()
        bench.run()
        assert bench.progress.best_row["epoch"] == epoch


def test_the_last_epoch_is_kept_where_a_recipe_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ("schedule.epochs=4", "schedule.select=last", "schedule.patience=1")
    bench = Bench(tmp_path, monkeypatch, *settings, correlations=[0.2, 0.9, -1.0, 0.6])
    bench.run()
    assert bench.progress.best_row["epoch"] == 4
    assert bench.progress.best_row["srcc"] == pytest.approx(0.6, abs=1e-6)


def test_the_first_of_equally_good_epochs_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, monkeypatch, "schedule.epochs=3", correlations=[0.6, 0.9, 0.9])
    bench.run()
    assert bench.progress.best_row["epoch"] == 2 and bench.progress.waited == 1


@pytest.mark.parametrize(
    ("patience", "least", "epochs"), [(2, 0, 3), (1, 0, 2), (2, 5, 5), (0, 0, 8)]
)
def test_training_ends_after_so_many_epochs_without_a_better_one(
    patience: int, least: int, epochs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = (f"schedule.patience={patience}", f"schedule.least_epochs={least}")
    worse = [0.9, 0.6, 0.6, 0.2, 0.2, 0.2, 0.2, 0.2]
    bench = Bench(tmp_path, monkeypatch, "schedule.epochs=8", *settings, correlations=worse)
    bench.run()
    assert len(bench.progress.rows) == epochs


def test_a_better_epoch_starts_the_waiting_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ("schedule.epochs=8", "schedule.patience=2", "schedule.least_epochs=0")
    correlations = [0.2, -1.0, 0.6, -1.0, 0.9, 0.6, 0.6, 1.0]
    bench = Bench(tmp_path, monkeypatch, *settings, correlations=correlations)
    bench.run()
    assert len(bench.progress.rows) == 7


def test_the_norm_of_the_gradient_is_clipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = Bench(tmp_path / "a", monkeypatch, "schedule.epochs=2")
    free.job.out.mkdir()
    free.run()
    assert min(free.watch.norms) > 10
    clipped = Bench(tmp_path / "b", monkeypatch, "schedule.epochs=2", "optimiser.clip=0.5")
    clipped.job.out.mkdir()
    clipped.run()
    assert clipped.watch.norms == pytest.approx([0.5] * 4, rel=1e-4)


def test_the_mean_of_the_weights_is_what_is_validated_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ("optimiser.ema=0.75", "optimiser.rate=0.3", "schedule.epochs=3")
    bench = Bench(tmp_path, monkeypatch, *settings, correlations=[0.2, 0.6, 0.9])
    bench.run()
    weights = bench.watch.weights
    mean = weights[0]
    for after in weights[1:]:
        mean = 0.75 * mean + 0.25 * after
    assert not torch.allclose(mean, weights[-1], atol=0.01)
    kept = torch.cat([bench.best["linear.weight"].flatten(), bench.best["linear.bias"]])
    assert torch.allclose(kept, mean, atol=1e-6)
    state = load_file(tmp_path / LAST)
    assert torch.equal(
        state["learner.linear.bias"], bench.phase.learner.get_parameter("linear.bias")
    )
    assert torch.equal(state["mean.module.linear.bias"], bench.best["linear.bias"])


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_phase_that_is_stopped_goes_on_with_the_very_next_step(
    steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ("schedule.epochs=2", "optimiser.rate=0.1")
    whole = Bench(tmp_path / "whole", monkeypatch, *settings)
    whole.job.out.mkdir()
    whole.run()
    out = tmp_path / "stopped"
    out.mkdir()
    seen: list[Tensor] = []
    for _ in range(4):
        bench = Bench(out, monkeypatch, *settings)
        bench.source.seen = [{}] * len(bench.progress.rows)
        if (out / LAST).is_file():
            bench.progress = read_progress(out / LAST)
        # The clock says that the time is up after so many steps.
        clock = count(-steps)
        monkeypatch.setattr("biqa_cli.training.loop.time.monotonic", lambda now=clock: next(now))
        bench.job = replace(bench.job, deadline=0)
        with suppress(TimeIsUpError):
            bench.run()
        seen += bench.watch.weights
    assert len(seen) == len(whole.watch.weights) == 4
    assert all(torch.equal(*pair) for pair in zip(seen, whole.watch.weights, strict=True))


def test_a_new_head_meets_the_features_once_when_its_phase_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: list[Tensor] = []
    for head_is_new, resumes in ((True, False), (False, False), (True, True)):
        bench = Bench(tmp_path, monkeypatch, "schedule.epochs=2")
        bench.source.features = torch.ones(3)
        bench.phase.setting = replace(bench.phase.setting, head_is_new=head_is_new)
        monkeypatch.setattr(bench.phase, "init_head", met.append)
        if resumes:
            bench.progress = replace(read_progress(tmp_path / LAST), epoch=1)
        bench.run()
    assert len(met) == 1 and torch.equal(met[0], torch.ones(3))


def test_rates_follow_the_validation_loss_on_a_plateau(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ("schedule.curve=plateau", "schedule.every=1", "schedule.factor=0.5")
    rate = ("optimiser.rate=0.01", "schedule.lowest=0")
    bench = Bench(tmp_path, monkeypatch, "schedule.epochs=6", *settings, *rate)
    bench.run()
    # The loss never falls: a step every second epoch, shown from the next one on.
    expected = [0.01, 0.01, 0.01, 0.005, 0.005, 0.0025]
    assert [row["rate"] for row in bench.progress.rows] == pytest.approx(expected)


def test_the_rate_changes_with_every_step_on_a_curve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ("schedule.curve=cosine", "optimiser.rate=0.01", "schedule.epochs=2")
    bench = Bench(tmp_path, monkeypatch, *settings)
    bench.run()
    # After two and after four of four steps; the recipe's lowest is 1e-8.
    assert [row["rate"] for row in bench.progress.rows] == pytest.approx([0.005, 1e-8])


def test_the_log_has_the_mean_of_the_losses_of_an_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, monkeypatch, "schedule.epochs=1", "optimiser.rate=0")
    bench.run()
    batches = list(bench.source.batches(epoch=0, before=0, start=0))
    with torch.no_grad():
        losses = [bench.phase.loss(batch)["loss"].item() for batch in batches]
    (row,) = bench.progress.rows
    assert row["loss"] == pytest.approx(np.mean(losses))
    assert row["val_loss"] == pytest.approx(np.abs(np.arange(5) - LABELS).mean())


def test_the_seconds_of_a_training_are_those_of_its_epochs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A clock that goes on by a second whenever it is read.
    clock = SimpleNamespace(monotonic=count(1000.0).__next__)
    monkeypatch.setattr("biqa_cli.training.loop.time", clock)
    bench = Bench(tmp_path, monkeypatch, "schedule.epochs=2")
    bench.run()
    # Two steps and the validation.
    assert [row["seconds"] for row in bench.progress.rows] == [3, 3]
    assert bench.progress.seconds == 6


def test_a_loss_that_is_not_finite_names_its_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, monkeypatch)
    with torch.no_grad():
        bench.phase.learner.get_parameter("linear.bias").fill_(math.nan)
    with pytest.raises(UsageError, match="the loss became nan in epoch 1, step 1"):
        bench.run()
    assert not (tmp_path / LAST).exists()
