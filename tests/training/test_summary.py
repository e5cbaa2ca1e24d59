import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rated_photos import loaded, rated_greys
from tiny_training import quick_recipe, request, run
from torch import nn

from biqa_cli.blocks.grid import Block
from biqa_cli.datasets.validation_split import training_split
from biqa_cli.models.trained import read_trained
from biqa_cli.training.job import Job
from biqa_cli.training.summary import has_ended
from biqa_cli.training.validation import predict


def test_a_training_has_ended_where_its_summary_says_so(tmp_path: Path) -> None:
    assert not has_ended(tmp_path)
    for finished in (False, True):
        (tmp_path / "summary.json").write_text(json.dumps({"finished": finished}))
        assert has_ended(tmp_path) == finished


@pytest.mark.slow
def test_labels_of_which_lower_is_better_are_calibrated_on_the_common_scale(
    tmp_path: Path,
) -> None:
    noise = random.Random(0)
    labels = {value: 5 - value / 64 + noise.gauss(0, 0.2) for value in range(256)}
    data = loaded(rated_greys(tmp_path, labels))
    data = replace(data, scale=replace(data.scale, higher_is_better=False))
    settings = ("input.val_share=0.5", "schedule.epochs=10", "optimiser.rate=0.01")
    alone = ("monotonicity.weight=0", "input.noise=0")
    asked = request(data, quick_recipe(*settings, *alone), tmp_path / "out")
    outcome, _ = run(asked)
    assert outcome.weights is not None
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["weights"] == outcome.weights.name
    trained = read_trained(outcome.weights)
    assert trained is not None and trained.scale.calibration is not None
    scale = trained.scale
    assert scale.to_percent(0.1) > scale.to_percent(0.5) > scale.to_percent(0.9)
    interval = trained.scale.interval(50)
    assert interval is not None and interval[0] < 50 < interval[1]


@pytest.mark.slow
def test_stored_weights_are_judged_by_all_crops_however_few_the_epochs_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = []

    def counted(network: nn.Module, job: Job, blocks: Sequence[Block]) -> NDArray[np.float64]:
        looked_at.append(len(blocks))
        return predict(network, job, blocks)

    monkeypatch.setattr("biqa_cli.training.summary.predict", counted)
    monkeypatch.setattr("biqa_cli.training.sources.predict", counted)
    data = loaded(rated_greys(tmp_path, {value: value / 99 for value in range(0, 100, 5)}))
    settings = ("input.crop=32", "input.stride=32", "input.val_crops=1", "schedule.epochs=1")
    alone = ("monotonicity.weight=0", "input.noise=0")
    recipe = quick_recipe(*settings, *alone, "input.height=64", "input.width=64")
    run(request(data, recipe, tmp_path / "out"))
    assert looked_at == [1, 4]


@pytest.mark.slow
def test_photos_that_are_tested_have_scores_where_a_study_asks_for_them(tmp_path: Path) -> None:
    data = loaded(rated_greys(tmp_path, {value: value / 99 for value in range(0, 100, 5)}))
    asked = request(data, quick_recipe("monotonicity.weight=0"), tmp_path / "out", whole=True)
    outcome, _ = run(asked)
    tested = training_split(data, split=None, seed=1, val_share=asked.recipe.input.val_share)
    assert sorted(outcome.test_scores) == sorted(tested.parts["test"])
    assert all(np.isfinite(score) for score in outcome.test_scores.values())
