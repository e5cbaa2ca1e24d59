from pathlib import Path

import pytest
import torch
from msgspec import structs
from tiny_backbone import TinyBackbone
from torch import nn

from biqa_cli.errors import OutputError, UsageError
from biqa_cli.networks.qualitynet import QualityNet
from biqa_cli.recipes.files import load_recipe
from biqa_cli.training.optimisation import Moving, make_moving
from biqa_cli.training.state import Progress, read_progress, restore, save_state


def moving(curve: str = "cosine", *, ema: float = 0.9) -> Moving:
    learner = QualityNet(TinyBackbone(), TinyBackbone()).to(memory_format=torch.channels_last)
    recipe = load_recipe("qualitynet")
    recipe = structs.replace(
        recipe,
        schedule=structs.replace(recipe.schedule, curve=curve, every=1),
        optimiser=structs.replace(recipe.optimiser, ema=ema),
    )
    return make_moving(learner, recipe, (), epochs=2, steps=4)


def learn(state: Moving, steps: int) -> list[float]:
    losses = []
    for _ in range(steps):
        state.optimiser.zero_grad()
        loss = state.learner(torch.rand(4, 3, 32, 32)).scores.square().mean()
        loss.backward()
        state.optimiser.step()
        if state.averaged is not None:
            state.averaged.update_parameters(state.learner)
        metrics = (
            (loss.item(),)
            if isinstance(state.schedule, torch.optim.lr_scheduler.ReduceLROnPlateau)
            else ()
        )
        state.schedule.step(*metrics)
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("curve", ["cosine", "plateau"])
def test_a_restored_state_goes_on_with_the_very_next_step(curve: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    first = moving(curve)
    learn(first, 3)
    progress = Progress(epoch=1, step=2, sums={"loss": 0.1}, best=0.5, rows=[{"srcc": 0.5}])
    save_state(tmp_path / "last", progress, first)
    expected = learn(first, 3)

    torch.manual_seed(99)
    second = moving(curve)
    restore(tmp_path / "last", second)
    assert learn(second, 3) == expected
    assert read_progress(tmp_path / "last") == progress
    for one, other in zip(first.learner.parameters(), second.learner.parameters(), strict=True):
        assert torch.equal(one, other)
    assert first.averaged is not None and second.averaged is not None
    for one, other in zip(first.averaged.parameters(), second.averaged.parameters(), strict=True):
        assert torch.equal(one, other)
    rates = [state.optimiser.param_groups[0]["lr"] for state in (first, second)]
    assert rates[0] == rates[1]


def test_a_state_of_another_network_and_a_file_of_something_else_are_refused(
    tmp_path: Path,
) -> None:
    save_state(tmp_path / "last", Progress(), moving())
    learner = nn.Linear(2, 2)
    optimiser = torch.optim.Adam(learner.parameters())
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda _: 1.0)
    with pytest.raises(UsageError, match="is the state of another network"):
        restore(tmp_path / "last", Moving(learner, optimiser, schedule, averaged=None))
    (tmp_path / "other").write_bytes(b"pickle")
    with pytest.raises(UsageError, match="is no state of a training"):
        read_progress(tmp_path / "other")


def test_a_file_that_cannot_be_written_leaves_the_earlier_state_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = moving()
    save_state(tmp_path / "last", Progress(epoch=1), state)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match="cannot write .*last: No space left on device"):
        save_state(tmp_path / "last", Progress(epoch=2), state)
    assert read_progress(tmp_path / "last").epoch == 1


def test_a_state_of_a_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    save_state(tmp_path / "last", Progress(), moving())
    content = (tmp_path / "last").read_bytes()
    (tmp_path / "last").write_bytes(content[:-1])
    with pytest.raises(UsageError, match="is no state of a training"):
        read_progress(tmp_path / "last")
