"""Every family gives the same scores on every device."""

from collections.abc import Callable

import pytest
import torch
from tiny_backbone import TinyBackbone
from torch import nn

from biqa_cli.networks.blockiqa import BlockIQA
from biqa_cli.networks.nlnet import NLNet
from biqa_cli.networks.qualitynet import QualityNet
from biqa_cli.networks.reqa import REQA
from biqa_cli.networks.shdiqa import SHDIQA

FAMILIES: dict[str, tuple[Callable[[], nn.Module], int]] = {
    # A small network, and the side of its images in pixels.
    "blockiqa": (lambda: BlockIQA(TinyBackbone()), 64),
    "nlnet": (lambda: NLNet(TinyBackbone(), nodes=12, pixels=10), 112),
    "qualitynet": (lambda: QualityNet(TinyBackbone(), TinyBackbone()), 64),
    "reqa": (lambda: REQA(TinyBackbone(), input_size=112), 112),
    "shdiqa": (lambda: SHDIQA(TinyBackbone(), depth=2, width=24, heads=2, input_size=64), 64),
}
DEVICES = (
    "cpu",
    pytest.param(
        "cuda",
        marks=[
            pytest.mark.gpu,
            pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an accelerator"),
        ],
    ),
)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_and_an_image_alone_score_as_the_batch_does_on_the_cpu(
    family: str, device: str
) -> None:
    torch.manual_seed(0)
    build, side = FAMILIES[family]
    network, images = build().eval(), torch.rand(3, 3, side, side)
    # Convolutions in TF32 have three digits.
    with torch.inference_mode(), torch.backends.cudnn.flags(allow_tf32=False):
        expected = network(images).scores
        moved = network.to(device)
        together = moved(images.to(device)).scores
        alone = moved(images[:1].to(device)).scores
    assert expected.std() > 0
    assert together.device.type == device
    tolerance = 1e-4 * max(1.0, float(expected.abs().max()))
    torch.testing.assert_close(together.cpu(), expected, rtol=0, atol=tolerance)
    torch.testing.assert_close(alone.cpu(), expected[:1], rtol=0, atol=tolerance)
