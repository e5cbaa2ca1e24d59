"""Section 9 of the specification of REQA: what holds without data and without weights."""

import doctest
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from family_checks import (
    batch_and_alone,
    float32_and_bfloat16,
    overfit_srcc,
    parameters_without_gradient,
)
from miniature import miniature
from tiny_backbone import TinyBackbone
from torch import Tensor, nn

from biqa_cli.errors import UsageError
from biqa_cli.networks.backbones.resnet import ResNet50
from biqa_cli.networks.reqa import REQA, FeedbackBlock, REQAOutput
from biqa_cli.training.families.reqa import coarse_to_fine_loss, micro_batches, stage_weights

_PAGE = Path(__file__).parents[2] / "docs" / "models" / "reqa.md"


class NormalisedBackbone(nn.Module):
    """Coarse maps and batch norm, as real backbones have it: it learns in few steps."""

    channels: tuple[int, ...] = (8, 8, 12, 16)
    strides: tuple[int, ...] = (8, 8, 16, 32)

    def __init__(self) -> None:
        super().__init__()
        widths, strides = (3, *self.channels), (4, 1, 2, 2)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 5, stride, padding=2), nn.BatchNorm2d(b), nn.ReLU())
            for (a, b), stride in zip(pairwise(widths), strides, strict=True)
        )
        self.layers[0].append(nn.AvgPool2d(2))  # type: ignore[operator]

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        maps = []
        for layer in self.layers:
            x = layer(x)
            maps.append(x)
        return tuple(maps)


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _tiny(**options: object) -> REQA:
    torch.manual_seed(0)
    return REQA(TinyBackbone(), input_size=112, **options).eval()  # type: ignore[arg-type]


def test_the_papers_network_has_24_747_321_parameters() -> None:
    with torch.device("meta"):
        network = REQA(ResNet50())
    assert _count(network) == 24_747_321
    assert _count(network.feedback) == 424_800
    assert network.transformer is not None and _count(network.transformer) == 780_944
    assert _count(network.mlp_3) == 33_545


@pytest.mark.parametrize("steps", [2, 3, 4, 5])
def test_outputs_have_the_shapes_and_ranges_of_the_paper(steps: int) -> None:
    torch.manual_seed(0)
    network = REQA(TinyBackbone(), steps=steps).eval()
    output = network(torch.randn(2, 3, 224, 224))
    assert output.step_scores.shape == (2, steps)
    assert torch.equal(output.scores, output.step_scores[:, -1])
    assert (output.scores >= 0).all()
    assert output.v.shape == (2, steps, 3, 32)
    assert output.v_m.shape == (2, 128)
    shapes = [[tuple(h.shape) for h in block] for block in output.hidden]
    assert shapes == [
        [(2, 16, 56, 56)] * steps,
        [(2, 32, 28, 28)] * steps,
        [(2, 64, 14, 14)] * steps,
    ]
    assert all((h.abs() < 1).all() for block in output.hidden for h in block)
    assert output.attention.shape == (2, 14, 50, 50)
    assert torch.allclose(output.attention.sum(dim=-1), torch.ones(2, 14, 50))


def test_a_feedback_block_follows_equation_2() -> None:
    torch.manual_seed(0)
    block = FeedbackBlock(5, 3, side=7)
    fm = torch.randn(4, 5, 7, 7)
    with torch.no_grad():
        for norm in (block.from_map[1], block.from_state[1]):
            norm.weight.uniform_(0.5, 2)  # type: ignore[union-attr,operator]
            norm.bias.uniform_(-1, 1)  # type: ignore[union-attr,operator]
    states = block(fm, steps=3)
    # The paper's way: four pairs of "conv blocks", and zeros for the first state.
    h = c = torch.zeros(4, 3, 7, 7)
    for state in states:
        a = block.from_map(fm) + block.from_state(h)
        i, f, o, candidate = a.split(3, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * candidate.tanh()
        h = o.sigmoid() * c.tanh()
        assert torch.allclose(state, h, atol=1e-6)


def test_the_first_step_is_the_same_in_training_and_evaluation() -> None:
    torch.manual_seed(0)
    block = FeedbackBlock(5, 3, side=7)
    fm = torch.randn(8, 5, 7, 7)
    for _ in range(200):
        trained = block(fm, steps=4)
    assert torch.allclose(trained[0], block.eval()(fm, steps=4)[0], atol=0.02)


def test_the_map_is_convolved_once_not_at_every_step() -> None:
    calls = []
    block = FeedbackBlock(5, 3, side=7)
    block.from_map.register_forward_hook(lambda *_: calls.append(1))
    block(torch.randn(2, 5, 7, 7), steps=4)
    assert len(calls) == 1
    assert block.from_map[1].num_batches_tracked == 1  # type: ignore[union-attr]


def test_the_attention_follows_equation_6() -> None:
    transformer = _tiny().transformer
    assert transformer is not None
    x = torch.randn(2, 17, 224)
    ours, attention = transformer.attend(x)
    oracle = nn.MultiheadAttention(224, 14, batch_first=True)
    oracle.load_state_dict(
        {
            "in_proj_weight": transformer.qkv.weight,
            "in_proj_bias": transformer.qkv.bias,
            "out_proj.weight": transformer.w_ma.weight,
            "out_proj.bias": transformer.w_ma.bias,
        }
    )
    expected, weights = oracle(x, x, x, average_attn_weights=False)
    assert torch.allclose(ours, expected, atol=1e-6)
    assert torch.allclose(attention, weights, atol=1e-6)


@pytest.mark.parametrize(
    ("feedback", "transformer", "features"),
    [(True, True, 224), (True, False, 96), (False, True, 128), (False, False, 224)],
)
def test_each_module_can_be_left_out(feedback: bool, transformer: bool, features: int) -> None:
    network = _tiny(feedback=feedback, transformer=transformer)
    assert network.mlp_3[0].in_features == features
    output = network(torch.randn(2, 3, 112, 112))
    assert output.step_scores.shape == (2, 4)
    assert (output.v is not None, len(output.hidden)) == (feedback, 3 * feedback)
    assert (output.v_m is not None) == (output.attention is not None) == transformer
    same = torch.equal(output.step_scores, output.scores[:, None].expand(2, 4))
    assert same == (not feedback)
    top_is_read = transformer or not feedback
    network.train()
    loss = _loss(network(torch.randn(10, 3, 112, 112)), torch.linspace(0, 100, 10))
    # Without the transformer nothing looks at the top map.
    unused = {"backbone.layers.3.weight", "backbone.layers.3.bias"} if not top_is_read else set()
    assert set(parameters_without_gradient(network, loss)) == unused


def _loss(output: REQAOutput, mos: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    groups = micro_batches(mos, generator=generator)
    weights = stage_weights(4, steps=output.step_scores.shape[1])
    return coarse_to_fine_loss(output.step_scores, mos, groups=groups, weights=weights)


def test_every_random_start_scores_near_the_middle_of_the_scale() -> None:
    torch.manual_seed(0)
    images = torch.randn(2, 3, 112, 112)
    for seed in range(10):
        torch.manual_seed(seed)
        scores = REQA(TinyBackbone(), input_size=112)(images).step_scores
        assert ((scores > 20) & (scores < 80)).all()


def test_the_state_starts_anew_with_every_image() -> None:
    network = _tiny()
    images = torch.randn(2, 3, 112, 112)
    first = network(images).step_scores
    network(torch.randn(2, 3, 112, 112))
    assert torch.equal(network(images).step_scores, first)


@pytest.mark.parametrize("size", [(224, 112), (112, 224), (128, 128)])
def test_crops_of_another_size_are_refused(size: tuple[int, int]) -> None:
    expected = rf"reads crops of 112×112 pixels, got {size[0]}×{size[1]} \(H×W\): cut crops"
    with pytest.raises(UsageError, match=expected):
        _tiny()(torch.zeros(1, 3, *size))


def test_sizes_and_steps_that_cannot_be_are_refused() -> None:
    with pytest.raises(UsageError, match="use steps of 2 to 5, not 1"):
        REQA(TinyBackbone(), steps=1)
    for size in (0, 64, 256):
        with pytest.raises(UsageError, match=f"a multiple of 112, as 224 is, got {size}"):
            REQA(TinyBackbone(), input_size=size)


@dataclass(frozen=True, slots=True)
class Trained:
    """A small network after training on the miniature set, whose scores spread over 0 to 100."""

    network: REQA
    images: Tensor
    srcc: float


@pytest.fixture(scope="module")
def trained() -> Trained:
    small = miniature(112)
    images, mos = (small.images - 0.5) / 0.25, 100 * small.mos
    torch.manual_seed(0)
    network = REQA(NormalisedBackbone(), input_size=112)
    srcc = overfit_srcc(
        network,
        images,
        mos,
        lambda output, chosen: _loss(output, mos[chosen]),
        steps=120,
        rate=1e-3,
    )
    return Trained(network, images, srcc)


@pytest.mark.slow
def test_it_learns_the_miniature_set_with_its_own_loss(trained: Trained) -> None:
    assert trained.srcc > 0.95


@pytest.mark.slow
def test_every_image_counts_alone_and_a_second_pass_gives_the_same(trained: Trained) -> None:
    together, alone = batch_and_alone(trained.network, trained.images[::4])
    assert together.std() > 10
    # 1e-6 of the scale of 0 to 100.
    assert torch.allclose(together, alone, rtol=0, atol=1e-4)


@pytest.mark.slow
def test_bfloat16_agrees_with_float32_to_three_hundredths_of_the_scale(trained: Trained) -> None:
    full, half = float32_and_bfloat16(trained.network, trained.images)
    assert torch.allclose(full, half, rtol=0, atol=3.0)


@pytest.mark.slow
def test_the_examples_of_its_page_are_true() -> None:
    torch.manual_seed(0)
    results = doctest.testfile(str(_PAGE), module_relative=False)
    assert results.attempted > 3 and results.failed == 0


def test_weights_for_other_crops_say_the_same_of_an_even_map_and_keep_their_places() -> None:
    torch.manual_seed(0)
    small, large = REQA(TinyBackbone()).eval(), REQA(TinyBackbone(), input_size=448).eval()
    large.load_state_dict(large.fitted(small.state_dict()))
    hidden = torch.tanh(torch.randn(2, 16, 1, 1))
    blocks = [network.feedback[0] for network in (small, large)]
    near, far = (
        block.details([hidden.expand(-1, -1, side, side)])  # type: ignore[operator]
        for block, side in zip(blocks, (56, 112), strict=True)
    )
    torch.testing.assert_close(near, far)
    # Detail in a corner of the small map is read in the same corner of the large one.
    corners = [torch.zeros(1, 16, side, side) for side in (56, 112)]
    for corner in corners:
        corner[..., : corner.shape[-1] // 4, -corner.shape[-1] // 4 :] = 1
    near, far = (
        block.details([corner]) - block.read_out.bias  # type: ignore[operator, union-attr]
        for block, corner in zip(blocks, corners, strict=True)
    )
    assert torch.cosine_similarity(near.flatten(), far.flatten(), dim=0) > 0.95
    assert small.transformer is not None and large.transformer is not None
    torch.testing.assert_close(
        large.transformer.position[:, 1:].mean(dim=1), small.transformer.position[:, 1:].mean(dim=1)
    )
    same = small.fitted(small.state_dict())
    assert all(torch.equal(same[name], t) for name, t in small.state_dict().items())
