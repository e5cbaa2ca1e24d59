"""Section 9 of the specification of BlockIQA: what holds without data and without weights."""

import pytest
import torch
from family_checks import float32_and_bfloat16, overfit_srcc
from miniature import miniature
from tiny_backbone import TinyBackbone
from torch import nn
from torch.nn import functional as F

from biqa_cli.networks.backbones.efficientnet_lite import EfficientNetLite, efficientnet_lite0
from biqa_cli.networks.backbones.resnet import ResNet50
from biqa_cli.networks.blockiqa import BlockIQA, block_similarity
from biqa_cli.networks.feature_pyramid import FeaturePyramid


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_papers_network_has_27_757_250_parameters() -> None:
    network = BlockIQA(ResNet50())
    assert _count(network) == 27_757_250
    assert _count(network.backbone) == 23_508_032  # type: ignore[arg-type]
    assert _count(network.fpn) == 3_344_384
    assert network.afel is not None and _count(network.afel) == 10_112
    assert _count(network.fusion) == 590_336
    assert _count(network.block_score) == 164_353
    assert _count(network.aggregator) == 140_033


@pytest.mark.parametrize("blocks", [1, 2, 3, 4])
@pytest.mark.parametrize("similarity", ["gaussian", "gaussian_fixed", "cosine"])
def test_outputs_have_the_shapes_and_ranges_of_the_paper(blocks: int, similarity: str) -> None:
    torch.manual_seed(0)
    network = BlockIQA(TinyBackbone(), blocks=blocks, similarity=similarity).eval()  # type: ignore[arg-type]
    output = network(torch.randn(3, 3, 96, 128))
    count = blocks**2
    assert output.scores.shape == (3,)
    assert output.block_scores.shape == (3, blocks, blocks)
    assert output.similarity.shape == (3, count, count)
    assert ((output.block_scores > 0) & (output.block_scores < 1)).all()
    assert torch.allclose(output.similarity, output.similarity.mT, atol=1e-6)
    assert torch.allclose(output.similarity.diagonal(dim1=1, dim2=2), torch.ones(3, count))
    if similarity != "cosine":
        assert ((output.similarity >= 0) & (output.similarity <= 1)).all()
        assert ((output.scores > 0) & (output.scores < 1)).all()


def test_identical_blocks_are_fully_alike_and_the_score_is_the_mean_of_theirs() -> None:
    torch.manual_seed(0)
    network = BlockIQA(TinyBackbone()).eval()
    output = network(torch.randn(2, 3, 48, 48).repeat(1, 1, 2, 2))
    assert torch.allclose(output.similarity, torch.ones(2, 4, 4), atol=1e-6)
    assert torch.allclose(output.scores, output.block_scores.mean(dim=(1, 2)), atol=1e-6)


@pytest.mark.parametrize("use_afel", [True, False])
def test_read_literally_similarity_and_aggregator_see_the_fused_feature(use_afel: bool) -> None:
    torch.manual_seed(0)
    network = BlockIQA(TinyBackbone(), use_afel=use_afel, wiring="fused").eval()
    f_fpn = torch.randn(8, 1024)
    f_afel = torch.randn(8, 128) if use_afel else None
    output = network.from_features(f_fpn, f_afel)
    f = f_fpn if f_afel is None else torch.cat([f_fpn, f_afel], dim=1)
    s = network.block_score(network.fusion(f))
    big_s = network.aggregator(torch.cat([f, s], dim=1))
    assert torch.equal(output.block_scores.flatten(), big_s.flatten())
    similarity = block_similarity(f.reshape(2, 4, -1), kind="gaussian")
    assert torch.equal(output.similarity, similarity)
    released = BlockIQA(TinyBackbone(), use_afel=use_afel)
    more = _count(network.aggregator) - _count(released.aggregator)
    assert more == (128 * 128 if use_afel else 0)


def test_the_similarity_follows_equations_1_to_3() -> None:
    f = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])
    # cos = 0, ‖f₁ - f₂‖² = 5, D = 2, so σ² = 2 · (1/2 + k) ≈ 1.
    assert block_similarity(f, kind="gaussian")[0, 0, 1].item() == pytest.approx(
        torch.tensor(-2.5).exp().item(), rel=1e-5
    )
    fixed = block_similarity(f, kind="gaussian_fixed")[0, 0, 1].item()
    assert fixed == pytest.approx(torch.tensor(-1.25).exp().item(), rel=1e-6)
    assert block_similarity(f, kind="cosine")[0, 0, 1].item() == 0


def test_opposite_features_have_a_finite_similarity_and_gradient() -> None:
    f = torch.tensor([[[0.01, 0.0], [-0.01, 0.0]]], requires_grad=True)
    similarity = block_similarity(f, kind="gaussian")
    similarity.sum().backward()
    assert torch.isfinite(similarity).all()
    assert f.grad is not None and torch.isfinite(f.grad).all()


@pytest.mark.parametrize("size", [(64, 64), (75, 43), (33, 100)])
def test_the_pooled_pyramid_is_the_pyramid_pooled(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    backbone = TinyBackbone()
    maps = [m.double() for m in backbone(torch.randn(2, 3, *size))]
    pyramid = FeaturePyramid(backbone.channels).double()
    literal = torch.cat([f.mean(dim=(2, 3)) for f in pyramid(maps)], dim=1)
    assert torch.allclose(pyramid.pooled(maps), literal, atol=1e-12)


def test_without_afel_the_fusion_sees_the_pyramid_alone() -> None:
    network = BlockIQA(TinyBackbone(), use_afel=False)
    assert network.afel is None
    assert network.fusion[0].in_features == 1024  # type: ignore[union-attr]
    assert network.eval()(torch.randn(1, 3, 64, 64)).scores.shape == (1,)


def test_a_batch_scores_like_its_images_alone_and_twice_the_same() -> None:
    torch.manual_seed(0)
    network = BlockIQA(efficientnet_lite0()).eval()
    images = torch.randn(8, 3, 64, 96)
    with torch.inference_mode():
        together = network(images).scores
        alone = torch.cat([network(image[None]).scores for image in images])
        assert torch.equal(together, network(images).scores)
    assert torch.allclose(together, alone, atol=1e-5)


def test_gradients_reach_every_parameter() -> None:
    torch.manual_seed(0)
    network = BlockIQA(TinyBackbone())
    network(torch.randn(8, 3, 64, 64)).scores.sum().backward()
    missing = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert missing == []


def test_efficientnet_lite_has_the_published_widths_and_strides() -> None:
    lite0, lite2 = EfficientNetLite(), EfficientNetLite(width=1.1, depth=1.2)
    assert (lite0.channels, _count(lite0)) == ((24, 40, 112, 320), 2_958_848)
    assert (lite2.channels, _count(lite2)) == ((24, 48, 120, 352), 4_357_952)
    for backbone in (lite0, ResNet50()):
        maps = backbone.eval()(torch.zeros(1, 3, 64, 96))
        assert [tuple(m.shape[1:]) for m in maps] == [
            (c, 64 // s, 96 // s) for c, s in zip(backbone.channels, backbone.strides, strict=True)
        ]


@pytest.fixture(scope="module")
def learnt() -> tuple[BlockIQA, float]:
    torch.manual_seed(0)
    data = miniature(64)
    network = BlockIQA(TinyBackbone())
    srcc = overfit_srcc(
        network,
        4 * (data.images - 0.5),
        data.mos,
        lambda output, chosen: F.mse_loss(output.scores, data.mos[chosen]),
        steps=200,
        rate=3e-3,
    )
    return network, srcc


@pytest.mark.slow
def test_it_learns_the_miniature_set_by_heart(learnt: tuple[BlockIQA, float]) -> None:
    assert learnt[1] > 0.95


@pytest.mark.slow
def test_bfloat16_agrees_with_float32_to_three_hundredths(learnt: tuple[BlockIQA, float]) -> None:
    full, half = float32_and_bfloat16(learnt[0], 4 * (miniature(64).images - 0.5))
    assert full.std() > 0.1
    assert (full - half).abs().max() < 0.03
