"""Section 9 of the specification of QualityNet: what holds without data and without weights."""

import doctest
from dataclasses import dataclass
from pathlib import Path
from typing import cast

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

from biqa_cli.distortions.flaws import FLAWS
from biqa_cli.errors import UsageError
from biqa_cli.models.build import assemble_network
from biqa_cli.models.catalog import IMAGENET_MEAN, IMAGENET_STD
from biqa_cli.networks.backbones.efficientnet_b7 import EfficientNetB7
from biqa_cli.networks.backbones.efficientnet_lite import efficientnet_lite0, efficientnet_lite2
from biqa_cli.networks.backbones.resnet import ResNet50
from biqa_cli.networks.qualitynet import QualityNet, lowered
from biqa_cli.training.families.qualitynet import quality_aware_loss

_PAGE = Path(__file__).parents[2] / "docs" / "models" / "qualitynet.md"


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _tiny(**options: object) -> QualityNet:
    torch.manual_seed(0)
    return QualityNet(TinyBackbone(), TinyBackbone(), **options).eval()  # type: ignore[arg-type]


def test_the_papers_network_has_96_710_263_parameters() -> None:
    with torch.device("meta"):
        network = QualityNet(ResNet50(), EfficientNetB7())
    assert _count(network) == 96_710_263
    assert [_count(backbone) for backbone in network.backbones] == [23_508_032, 63_786_960]
    assert [_count(sa) for sa in network.spatial] == [19, 19]
    assert [_count(ca) for ca in network.channel] == [1_575_168, 2_460_480]
    assert _count(network.head) == 5_379_585


@pytest.mark.slow
def test_efficientnet_b7_has_four_maps_at_the_strides_of_the_other_backbones() -> None:
    with torch.device("meta"):
        backbone = EfficientNetB7()
        maps = backbone(torch.zeros(1, 3, 224, 320))
    assert backbone.channels == (48, 80, 224, 2560)
    assert [tuple(m.shape[1:]) for m in maps] == [
        (c, 224 // s, 320 // s) for c, s in zip(backbone.channels, backbone.strides, strict=True)
    ]


def test_with_pooling_first_the_spatial_gate_is_one_number_for_each_image_and_chain() -> None:
    output = _tiny()(torch.randn(3, 3, 224, 224))
    assert output.scores.shape == (3,)
    assert output.features.shape == (3, 20)
    assert [tuple(m.shape) for m in output.maps] == [(3, 10, 7, 7)] * 2
    assert [tuple(gate.shape) for gate in output.spatial_gates] == [(3, 1, 1, 1)] * 2
    assert [tuple(gate.shape) for gate in output.channel_gates] == [(3, 10)] * 2
    for gate in (*output.spatial_gates, *output.channel_gates):
        assert ((gate > 0) & (gate < 1)).all()


def test_with_attention_first_the_spatial_gate_is_a_map() -> None:
    output = _tiny(attention_first=True)(torch.randn(3, 3, 224, 224))
    assert [tuple(gate.shape) for gate in output.spatial_gates] == [(3, 1, 7, 7)] * 2
    assert output.spatial_gates[0].flatten(1).std(dim=1).min() > 0


def test_the_features_follow_equations_1_to_24() -> None:
    network = _tiny()
    output = network(torch.randn(2, 3, 64, 64))
    expected = []
    for index, gap in enumerate(m.mean(dim=(2, 3)) for m in output.maps):
        # On a 1×1 map the 3×3 kernel touches nothing but its centre.
        conv = network.spatial[index].conv
        a, m = conv.weight[0, :, 1, 1]
        gate = torch.sigmoid(a * gap.mean(dim=1) + m * gap.amax(dim=1) + conv.bias)
        assert torch.allclose(output.spatial_gates[index].flatten(), gate)
        x = gate[:, None] * gap
        ca = network.channel[index]
        gates = torch.sigmoid(ca.fc2(torch.relu(ca.fc1(torch.cat([x, x], dim=1)))))
        assert torch.allclose(output.channel_gates[index], gates)
        expected.append(gates * x)
    assert torch.allclose(output.features, torch.cat(expected, dim=1), atol=1e-6)


@pytest.mark.parametrize("attention_first", [False, True])
def test_without_attention_the_order_does_not_matter(*, attention_first: bool) -> None:
    output = _tiny(attention="none", attention_first=attention_first)(torch.randn(2, 3, 64, 96))
    assert output.spatial_gates == output.channel_gates == ()
    pooled = torch.cat([m.mean(dim=(2, 3)) for m in output.maps], dim=1)
    assert torch.allclose(output.features, pooled, atol=1e-6)


@pytest.mark.parametrize(
    ("attention", "gates"), [("SA", (2, 0)), ("CA", (0, 2)), ("SA+CA", (2, 2))]
)
def test_each_attention_block_can_be_left_out(attention: str, gates: tuple[int, int]) -> None:
    output = _tiny(attention=attention)(torch.randn(2, 3, 64, 64))
    assert (len(output.spatial_gates), len(output.channel_gates)) == gates


@pytest.mark.parametrize(("chains", "widths"), [(1, [10]), (2, [352]), ("both", [10, 352])])
def test_one_chain_alone_has_no_part_of_the_other(chains: object, widths: list[int]) -> None:
    network = QualityNet(TinyBackbone(), efficientnet_lite2(), chains=chains).eval()  # type: ignore[arg-type]
    output = network(torch.zeros(1, 3, 64, 64))
    assert [m.shape[1] for m in output.maps] == widths
    assert len(output.spatial_gates) == len(network.backbones) == len(widths)


@pytest.mark.parametrize("attention_first", [False, True])
def test_all_levels_of_both_chains_are_read_each_with_gates_of_its_own(
    *, attention_first: bool
) -> None:
    network = _tiny(levels="all", attention_first=attention_first)
    output = network(torch.randn(2, 3, 64, 96))
    widths = [c for backbone in network.backbones for c in backbone.channels]  # type: ignore[union-attr]
    assert [m.shape[1] for m in output.maps] == widths and len(widths) == 8
    assert len(output.spatial_gates) == len(output.channel_gates) == 8
    assert output.features.shape == (2, sum(widths))
    last = _tiny(attention_first=attention_first)
    last.backbones = network.backbones
    assert torch.equal(
        last.maps(torch.ones(1, 3, 64, 64))[1], network.maps(torch.ones(1, 3, 64, 64))[7]
    )


@pytest.mark.parametrize(
    "options", [{"levels": 4}, {"chains": 3}, {"attention": "sa"}, {"levels": "first"}]
)
def test_an_unknown_variant_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="QualityNet has no variant .*: use one of"):
        _tiny(**options)


@pytest.mark.parametrize("attention_first", [False, True])
def test_gradients_reach_every_parameter(*, attention_first: bool) -> None:
    network = _tiny(attention_first=attention_first).train()
    images, mos = torch.randn(8, 3, 64, 64), torch.rand(8)
    loss = quality_aware_loss(network(images).scores, mos)
    assert parameters_without_gradient(network, loss) == []


def test_grad_cam_needs_no_hook() -> None:
    network = _tiny(attention_first=True)
    output = network(torch.randn(2, 3, 64, 96))
    gradients = torch.autograd.grad(output.scores.sum(), output.maps)
    for gradient, m in zip(gradients, output.maps, strict=True):
        assert gradient.shape == m.shape
        assert gradient.abs().amax(dim=(1, 2, 3)).min() > 0
    again = network.from_maps(output.maps)
    assert torch.equal(again.scores, output.scores)


@dataclass(frozen=True, slots=True)
class Trained:
    """A small network after training on the miniature set, whose scores spread over 0 to 1."""

    network: QualityNet
    images: Tensor
    srcc: float


@pytest.fixture(scope="module")
def trained() -> Trained:
    small = miniature(64)
    images = (small.images - 0.5) / 0.25
    network = _tiny()
    # Keras' slow statistics take thousands of batches to settle; here are 400.
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = 0.1
    srcc = overfit_srcc(
        network,
        images,
        small.mos,
        lambda output, chosen: quality_aware_loss(output.scores, small.mos[chosen], mae_weight=10),
        steps=400,
        rate=3e-3,
        batch=16,
    )
    return Trained(network, images, srcc)


@pytest.mark.slow
def test_it_learns_the_miniature_set_with_its_own_loss(trained: Trained) -> None:
    assert trained.srcc > 0.95


@pytest.mark.slow
def test_every_image_counts_alone_and_a_second_pass_gives_the_same(trained: Trained) -> None:
    together, alone = batch_and_alone(trained.network, trained.images[::4])
    assert together.std() > 0.1
    assert torch.allclose(together, alone, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_bfloat16_agrees_with_float32_to_three_hundredths_of_the_scale(trained: Trained) -> None:
    full, half = float32_and_bfloat16(trained.network, trained.images)
    assert torch.allclose(full, half, rtol=0, atol=0.03)


@pytest.mark.slow
def test_the_examples_of_its_page_are_true() -> None:
    torch.manual_seed(0)
    results = doctest.testfile(str(_PAGE), module_relative=False)
    assert results.attempted > 3 and results.failed == 0


def test_each_backbone_sees_the_normalisation_that_it_was_trained_with() -> None:
    pixels = torch.rand(1, 3, 64, 64)
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    network = cast("QualityNet", assemble_network("qualitynet", ("resnet50", "efficientnet-lite2")))
    seen: list[Tensor] = []
    for backbone in network.backbones:
        backbone.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        network.eval()((pixels - mean) / std)
    assert torch.allclose(seen[0], (pixels - mean) / std)
    assert torch.allclose(seen[1], (255 * pixels - 127) / 128, atol=1e-5)


def test_a_chain_alone_keeps_its_own_normalisation() -> None:
    images = torch.rand(2, 3, 64, 64)
    affine = ((2.0, 3.0, 4.0), (0.1, 0.2, 0.3))
    torch.manual_seed(0)
    both = QualityNet(TinyBackbone(), TinyBackbone(), chains=2, inputs=(None, affine)).eval()
    by_hand = torch.stack([s * x + t for s, t, x in zip(*affine, images.unbind(1), strict=True)], 1)
    with torch.inference_mode():
        assert torch.equal(both.maps(images)[0], both.backbones[0](by_hand)[-1])


def test_deviations_stand_behind_the_means_of_each_level() -> None:
    network = QualityNet(
        efficientnet_lite0(), efficientnet_lite0(), chains=1, levels="all", pooling="mean+std"
    ).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        maps, pooled = network.maps(images), network.pooled(images)
        output, again = network(images), network.from_pooled(pooled)
    expected = torch.cat(
        [part for x in maps for part in (x.mean((2, 3)), x.std((2, 3), unbiased=False))], dim=1
    )
    assert torch.allclose(pooled, expected, atol=1e-4)
    assert pooled.shape[1] == 2 * sum(x.shape[1] for x in maps) == output.features.shape[1]
    assert torch.allclose(again.scores, output.scores, atol=1e-4)


def test_deviations_have_a_gradient_where_a_channel_is_constant() -> None:
    network = QualityNet(efficientnet_lite0(), efficientnet_lite0(), chains=1, pooling="mean+std")
    maps = torch.zeros(2, 320, 2, 2, requires_grad=True)
    network.from_maps([maps]).scores.sum().backward()
    assert maps.grad is not None
    assert torch.isfinite(maps.grad).all()


def test_flaws_lower_what_a_photo_would_be_rated() -> None:
    network = QualityNet(efficientnet_lite0(), efficientnet_lite0(), chains=1, flaws=True).eval()
    plain = QualityNet(efficientnet_lite0(), efficientnet_lite0(), chains=1).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        told, untold = network(images), plain(images)
    assert told.scores.shape == told.ceilings.shape == (2,)
    assert told.flaws.shape == (2, len(FLAWS))
    assert 0 < told.flaws.min() <= told.flaws.max() < 1
    assert (untold.ceilings, untold.flaws) == (None, None)
    assert torch.equal(told.scores, lowered(told.rated, told.ceilings, told.flaws))
    assert torch.equal(untold.scores, untold.rated)


def test_in_training_the_head_for_flaws_sees_nothing_but_what_it_is_shown() -> None:
    network = QualityNet(TinyBackbone(), TinyBackbone(), chains=1, flaws=True)
    network.backbones.eval()
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    said = network(torch.randn(4, 3, 64, 64))
    assert (said.ceilings, said.flaws) == (None, None)
    assert torch.equal(said.scores, said.rated)
    moved = {n for n, buffer in network.named_buffers() if not torch.equal(buffer, before[n])}
    assert moved and all(name.startswith("head.") for name in moved)
    network.flaws_of(torch.randn(4, sum(network.widths)))
    assert not torch.equal(network.flaw_head[2].running_mean, before["flaw_head.2.running_mean"])


def test_flaws_lower_a_score_towards_its_ceiling_by_their_strength() -> None:
    flaws = torch.zeros(5, 12)
    flaws[1:, 3], flaws[3, 4] = torch.tensor([0.25, 0.25, 0.5, 0.9]) / 1.5, 0.8 / 1.5
    rated, ceilings = torch.full((5,), 0.8), torch.tensor([0.2, 0.4, 0.9, 0.2, -0.2])
    # No flaw; a weak one; none that matters; two that are more than enough; one that is nearly so.
    assert lowered(rated, ceilings, flaws).tolist() == pytest.approx([0.8, 0.7, 0.8, 0.2, -0.1])


def test_deviations_are_refused_where_attention_comes_first() -> None:
    with pytest.raises(UsageError, match="attention_first gates maps"):
        QualityNet(
            efficientnet_lite0(), efficientnet_lite0(), pooling="mean+std", attention_first=True
        )


def test_means_and_deviations_of_bfloat16_maps_are_as_precise_as_the_maps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = QualityNet(TinyBackbone(), TinyBackbone(), chains=1, pooling="mean+std")
    coarse = (100 + torch.randn(2, 10, 8, 8, generator=torch.Generator().manual_seed(0))).bfloat16()
    monkeypatch.setattr(network, "maps", lambda _: (coarse,))
    exact = coarse.double()
    found = network.pooled(torch.empty(2, 3, 64, 64)).double()
    expected = torch.cat([exact.mean(dim=(2, 3)), exact.std(dim=(2, 3), correction=0)], dim=1)
    assert torch.allclose(found, expected, rtol=1e-4)
