"""What turns a batch into a loss; the losses themselves have their own tests."""

import torch
from tiny_trunk import TinyTrunk
from torch import nn

from biqa_cli.models.loading import assemble_network
from biqa_cli.models.options import OPTIONS
from biqa_cli.models.reqa import REQA
from biqa_cli.models.spec import Family, InputContract
from biqa_cli.training.config import load_recipe, with_settings
from biqa_cli.training.families import reqa
from biqa_cli.training.families.base import Batch, Setting
from biqa_cli.training.losses.reqa import coarse_to_fine_loss, micro_batches, stage_weights

CONTRACT = InputContract(112, 112, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def test_every_option_of_the_table_is_an_argument_of_its_network() -> None:
    trunks: dict[Family, tuple[str, ...]] = {
        "blockiqa": ("efficientnet-lite0",),
        "qualitynet": ("efficientnet-lite0", "efficientnet-lite0"),
        "reqa": ("efficientnet-lite0",),
        "shdiqa": ("efficientnet-lite0",),
        "nlnet": ("efficientnet-lite0",),
    }
    with torch.device("meta"):
        for family, options in OPTIONS.items():
            for name, option in options.items():
                for value in option.choices:
                    network = assemble_network(family, trunks[family], options={name: value})  # type: ignore[arg-type]
                    assert isinstance(network, nn.Module), (family, name, value)


def test_reqa_moves_through_four_stages_of_equal_length() -> None:
    recipe = with_settings(load_recipe("reqa"), ["epochs=8"])
    torch.manual_seed(0)
    network = REQA(TinyTrunk(), input_size=112)
    setting = Setting(recipe, CONTRACT, label_span=100, build=lambda: network)
    (phase,) = reqa.phases(setting)
    network.eval()
    images, labels = torch.rand(10, 3, 112, 112), torch.linspace(0, 90, 10)
    for epoch, stage in ((0, 1), (1, 1), (2, 2), (5, 3), (7, 4)):
        generator = torch.Generator().manual_seed(epoch)
        found = phase.loss(Batch(images, labels, labels, {}, epoch, generator))["loss"]
        groups = micro_batches(labels, generator=torch.Generator().manual_seed(epoch))
        expected = coarse_to_fine_loss(
            network(images).step_scores, labels, groups=groups, weights=stage_weights(stage)
        )
        assert torch.equal(found, expected)
