from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from tiny_backbone import TinyBackbone
from torch import nn

from biqa_cli.errors import WeightsError
from biqa_cli.models.catalog import find_model
from biqa_cli.models.options import with_defaults
from biqa_cli.models.spec import Calibration, InputContract, ScoreScale
from biqa_cli.models.trained import TrainedNetwork, read_trained
from biqa_cli.networks.blockiqa import BlockIQA
from biqa_cli.training.checkpoints import (
    read_row,
    read_weights,
    write_small,
    write_weights,
)
from biqa_cli.weights.checkpoint import read_checkpoint
from biqa_cli.weights.header import read_header

TRAINED = TrainedNetwork(
    family="blockiqa",
    backbones=("efficientnet-lite0",),
    options=with_defaults("blockiqa", {"blocks": 1}),
    input=InputContract(64, 48, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2)),
    scale=ScoreScale(1, 5, higher_is_better=True, meaning="MOS"),
    dataset="csv:mine.csv",
)


def test_the_row_of_their_epoch_is_kept_with_weights_that_have_one(tmp_path: Path) -> None:
    row = {"epoch": 2, "srcc": 0.5}
    write_weights(tmp_path / "best", nn.Linear(2, 2), TRAINED, row=row)
    assert read_row(tmp_path / "best") == row and read_trained(tmp_path / "best") == TRAINED
    write_weights(tmp_path / "teacher", nn.Linear(2, 2), TRAINED)
    assert read_row(tmp_path / "teacher") == {}
    assert read_header(tmp_path / "teacher").metadata == TRAINED.to_metadata()


def test_weights_come_back_and_say_what_they_are(tmp_path: Path) -> None:
    network = BlockIQA(TinyBackbone(), blocks=1)
    write_weights(tmp_path / "exact", network, TRAINED)
    assert read_trained(tmp_path / "exact") == TRAINED
    other = BlockIQA(TinyBackbone(), blocks=1)
    read_weights(tmp_path / "exact", other)
    assert all(
        torch.equal(a, b)
        for a, b in zip(network.state_dict().values(), other.state_dict().values(), strict=True)
    )
    with pytest.raises(WeightsError, match="cannot go on from"):
        read_weights(tmp_path / "exact", nn.Linear(2, 2))


def test_stored_weights_are_smaller_and_nearly_the_same(tmp_path: Path) -> None:
    write_weights(tmp_path / "exact", BlockIQA(TinyBackbone(), blocks=1), TRAINED)
    write_small(tmp_path / "small", tmp_path / "exact", TRAINED)
    assert (tmp_path / "small").stat().st_size < 0.4 * (tmp_path / "exact").stat().st_size
    assert read_trained(tmp_path / "small") == TRAINED

    exact, small = (read_checkpoint(tmp_path / n, sha256=None) for n in ("exact", "small"))
    assert exact.keys() == small.keys()
    for name, tensor in exact.items():
        step = np.abs(tensor).max() / 127
        assert np.allclose(tensor, small[name], atol=step, rtol=0), name


def test_a_file_of_weights_knows_its_calibration(tmp_path: Path) -> None:
    calibration = Calibration((100, 0, 50, 10), places=(40.0, 60.0), widths=(9.5, 8.0), photos=200)
    known = replace(TRAINED, scale=replace(TRAINED.scale, calibration=calibration))
    write_weights(tmp_path / "exact", nn.Linear(2, 2), known)
    assert read_trained(tmp_path / "exact") == known


def test_a_file_knows_the_model_that_is_closest_to_its_network() -> None:
    assert TRAINED.model == "blockiqa-lite"
    spec = TRAINED.fit(find_model(TRAINED.model))
    assert (spec.input, spec.scale) == (TRAINED.input, TRAINED.scale)
    rare = replace(TRAINED, backbones=("efficientnet-lite2",))
    spec = rare.fit(find_model(rare.model))
    assert (spec.family, spec.backbones) == ("blockiqa", ("efficientnet-lite2",))


def test_a_file_of_an_unknown_option_asks_for_an_update(tmp_path: Path) -> None:
    odd = replace(TRAINED, options={"blocks": 1, "colour": True})
    write_weights(tmp_path / "odd", BlockIQA(TinyBackbone(), blocks=1), odd)
    with pytest.raises(WeightsError, match="written by another version of biqa"):
        read_trained(tmp_path / "odd")


def test_weights_without_a_description_say_nothing(tmp_path: Path) -> None:
    save_file({"w": np.zeros(1, np.float32)}, tmp_path / "file")
    assert read_trained(tmp_path / "file") is None
