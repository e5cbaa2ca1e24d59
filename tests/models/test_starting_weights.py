"""One start serves all backbones, or each has its own."""

import pytest
import torch
from torch import nn

from biqa_cli.errors import UsageError
from biqa_cli.models.backbone_slots import BackboneSlot
from biqa_cli.models.starting_weights import set_starting_weights

SLOTS = (BackboneSlot("first.", "resnet50"), BackboneSlot("second.", "efficientnet-lite0"))


def test_one_start_serves_all_backbones_and_chance_changes_nothing() -> None:
    network = nn.ModuleDict({"first": nn.Linear(2, 2), "second": nn.Linear(2, 2)})
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for starts in (["none"], ["none", "none"]):
        found = set_starting_weights(network, SLOTS, starts, family="qualitynet")
        assert found == (
            False,
            ["resnet50 starts at random", "efficientnet-lite0 starts at random"],
        )
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())


def test_three_starts_for_two_backbones_are_refused() -> None:
    with pytest.raises(UsageError, match="given 3 times, the network has 2 backbones"):
        set_starting_weights(nn.Identity(), SLOTS, ["none"] * 3, family="qualitynet")
