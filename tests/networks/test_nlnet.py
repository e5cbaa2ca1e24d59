"""What holds of NLNet without data and without weights."""

import numpy as np
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
from torch.nn import functional as F

from biqa_cli.errors import UsageError
from biqa_cli.networks.backbones.vgg import VGG16
from biqa_cli.networks.nlnet import (
    DeepHead,
    NLNet,
    NLNetOutput,
    patch_grid,
    reflect_to_patch,
)
from biqa_cli.networks.nonlocal_branch import (
    GraphAttention,
    NonLocalBranch,
    alike_nodes,
    elu,
    mean_and_std,
    node_norm,
)
from biqa_cli.networks.superpixels import paint_nodes, superpixel_nodes
from biqa_cli.training.families.nlnet import ranking_loss

_SMALL = {"nodes": 12, "pixels": 10}


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _small(**switches: object) -> NLNet:
    torch.manual_seed(0)
    return NLNet(TinyBackbone(), **{**_SMALL, **switches})  # type: ignore[arg-type]


def _photos(count: int, size: int = 112) -> Tensor:
    return miniature(size).images[:count]


def test_the_papers_network_has_20_25_million_parameters() -> None:
    with torch.device("meta"):
        network = NLNet(VGG16())
        assert network.nonlocal_branch is not None and network.local_branch is not None
        assert (network.nonlocal_branch.features, network.local_branch.features) == (2048, 2944)
        assert _count(network) == 17_693_057
        for types, total in ((5, 20_252_038), (6, 20_252_551), (24, 20_261_785), (25, 20_262_298)):
            assert _count(NLNet(VGG16(), types=types)) == total


def test_patches_lie_side_by_side_with_the_last_row_and_column() -> None:
    assert len(patch_grid(384, 512)) == 12
    grid = patch_grid(336, 448)
    assert grid.ys == (0, 112, 224) and grid.xs == (0, 112, 224, 336)
    assert len(patch_grid(112, 223)) == 1


@pytest.mark.parametrize("size", [(40, 150), (111, 112), (2, 3), (1, 1)])
def test_small_images_are_reflected_to_a_patch(size: tuple[int, int]) -> None:
    image = torch.rand(3, *size)
    bottom, right = (max(112 - side, 0) for side in size)
    expected = np.pad(image.numpy(), ((0, 0), (0, bottom), (0, right)), mode="reflect")
    assert np.array_equal(reflect_to_patch(image).numpy(), expected)


def test_elu_is_torchs_in_value_and_slope() -> None:
    x = torch.cat([torch.linspace(-30, 30, 600), torch.tensor([-1e-6, 1e-6])])
    ours, theirs = (x.clone().requires_grad_() for _ in range(2))
    y, expected = elu(ours), F.elu(theirs)
    y.sum().backward()  # type: ignore[no-untyped-call]
    expected.sum().backward()  # type: ignore[no-untyped-call]
    assert torch.allclose(y, expected, atol=1e-6)
    assert ours.grad is not None and theirs.grad is not None
    assert torch.allclose(ours.grad, theirs.grad, atol=1e-6)


@pytest.mark.parametrize("head", ["paper", "deep"])
@pytest.mark.parametrize("branches", ["both", "local", "nonlocal"])
def test_what_is_pooled_of_photos_is_scored_as_the_photos_are(branches: str, head: str) -> None:
    network = _small(branches=branches, head=head, types=3).eval()
    photos = _photos(2, 224)[..., :112]
    with torch.inference_mode():
        pooled = network.pooled(photos)
        expected, found = network(photos), network.from_pooled(pooled)
    of_nodes = 0 if branches == "local" else network.nodes * network.pixels * 3
    assert pooled.shape == (2, 2, network.local_features + of_nodes)
    assert torch.equal(found.scores, expected.scores)
    assert torch.allclose(found.patch_scores.mean(dim=1), found.scores)
    assert found.type_logits is not None and expected.type_logits is not None
    assert found.type_logits.shape == (2, 3)
    assert torch.equal(found.type_logits, expected.type_logits)


def test_a_larger_patch_is_cut_into_as_many_larger_superpixels() -> None:
    network = _small(patch=224).eval()
    photos = _photos(1, 224)
    with torch.inference_mode():
        assert network(photos).patch_scores.shape == (1, 1)
        seen = network.node_attention(photos)
        small = network(photos[..., :100, :100])
    assert seen.weights.shape == (1, 1, network.nodes)
    assert len(seen.grid) == 1 and seen.nodes.labels.shape == (1, 224, 224)
    regions = [len(np.unique(labels)) for labels in seen.nodes.labels]
    assert all(120 < count <= 196 for count in regions)
    assert small.patch_scores.shape == (1, 1), "reflected to the size of a patch"


def test_the_deep_head_starts_from_features_of_one_size() -> None:
    torch.manual_seed(0)
    head = DeepHead(6, 4, 1).train()
    features = torch.randn(64, 2, 10) * torch.logspace(-4, 3, 10) + 5
    assert head.narrow is not None
    seen: list[Tensor] = []
    head.norm.register_forward_hook(lambda _module, _given, found: seen.append(found))
    assert head(features).shape == (64, 2, 1)
    assert torch.allclose(seen[0].std(dim=0), torch.ones(132), atol=0.1)


def _literal(layer: GraphAttention, h: Tensor, edges: Tensor) -> Tensor:
    """Return the layer's output for one graph (N, F_in), node by node, as the paper writes it."""
    nodes, heads = len(h), len(layer.a1)
    out = []
    for i in range(nodes):
        of_heads = []
        for k in range(heads):
            wh = layer.project(h).reshape(nodes, heads, -1)[:, k]
            neighbours = [j for j in range(nodes) if edges[i, j]]
            a = torch.stack(
                [
                    F.leaky_relu(
                        layer.a1[k] @ wh[i]
                        + layer.a2[k] @ wh[j]
                        + layer.b1[k, i, 0]
                        + layer.b2[k, i, 0],
                        0.2,
                    )
                    + layer.big_a[k, i, j]
                    for j in neighbours
                ]
            )
            alpha = a.exp() / a.exp().sum()
            summed = sum(alpha[n] * wh[j] for n, j in enumerate(neighbours))
            of_heads.append(F.elu(summed + layer.big_c[k, i]))
        out.append(torch.cat(of_heads))
    return torch.stack(out)


def test_the_layer_is_the_equation_summed_over_the_neighbours() -> None:
    torch.manual_seed(0)
    layer = GraphAttention(5, 3, 2, dropout=0.35).eval()
    h = torch.randn(2, 5, 3)
    edges = (torch.rand(2, 5, 5) > 0.5) | torch.eye(5, dtype=torch.bool)
    expected = torch.stack([_literal(layer, h[m], edges[m]) for m in range(2)])
    assert torch.allclose(layer(h, edges), expected, atol=1e-6)
    everywhere = torch.ones(5, 5, dtype=torch.bool)
    full = torch.stack([_literal(layer, h[m], everywhere) for m in range(2)])
    assert torch.allclose(layer(h), full, atol=1e-6)


def test_alpha_sums_to_1_over_the_neighbours_and_is_0_elsewhere() -> None:
    torch.manual_seed(0)
    layer = GraphAttention(6, 3, 2, dropout=0.35).eval()
    edges = (torch.rand(2, 6, 6) > 0.5) | torch.eye(6, dtype=torch.bool)
    alpha = layer.attention(torch.randn(2, 6, 3), edges)
    assert alpha.shape == (2, 4, 6, 6)
    assert torch.allclose(alpha.sum(dim=-1), torch.ones(2, 4, 6))
    assert not alpha.masked_select(~edges[:, None].expand_as(alpha)).any()


def test_a_node_changes_its_neighbours_and_no_other() -> None:
    torch.manual_seed(0)
    layer = GraphAttention(3, 4, 2, dropout=0.35).eval()
    edges = torch.eye(3, dtype=torch.bool)
    edges[0, 2] = True
    h = torch.randn(1, 3, 4)
    changed = h.clone()
    changed[0, 2] += 1
    moved = (layer(h, edges[None]) - layer(changed, edges[None])).abs().amax(dim=2)[0] > 1e-4
    assert moved.tolist() == [True, False, True]


def test_nodes_are_neighbours_from_a_cosine_of_0_7() -> None:
    x = torch.tensor([[[1.0, 0.0], [0.72, 0.69], [0.69, 0.72], [0.0, 0.0]]])
    edges = alike_nodes(x)[0]
    assert edges[0].tolist() == [True, True, False, False]
    assert edges.diagonal().all() and torch.equal(edges, edges.T)


def test_the_layers_between_superpixels_keep_a_fifth_of_what_they_start_from() -> None:
    torch.manual_seed(0)
    branch = NonLocalBranch(nodes=6, pixels=5, dropout=0).eval()
    nodes = torch.randn(2, 6, 5, 3)
    with torch.inference_mode():
        x = x0 = branch.superpixel_features(nodes)
        read = [x0]
        for layer in branch.stage2:
            y = layer(x, alike_nodes(x0))
            x = F.elu(0.8 * y / (y.std(dim=2, keepdim=True).sqrt() + 1e-5) + 0.2 * x0)
            read.append(x)
        expected = torch.cat([part for y in read for part in (y.mean(dim=1), y.std(dim=1))], dim=1)
        assert len(read) == 4
        torch.testing.assert_close(branch(nodes), expected, rtol=0, atol=1e-5)


def test_many_superpixels_have_the_features_of_each_alone() -> None:
    torch.manual_seed(0)
    branch = NonLocalBranch(nodes=35, pixels=5, dropout=0).eval()
    nodes = torch.randn(2, 35, 5, 3)
    with torch.inference_mode():
        alone = [[branch.superpixel_features(n[None, None])[0, 0] for n in p] for p in nodes]
        expected = torch.stack([torch.stack(row) for row in alone])
        torch.testing.assert_close(branch.superpixel_features(nodes), expected)


def test_norm_and_read_out_are_torchs_mean_and_unbiased_deviation() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 7, 5)
    expected = torch.cat([x.mean(dim=1), x.std(dim=1)], dim=1)
    assert torch.allclose(mean_and_std(x), expected, atol=1e-6)
    assert torch.allclose(node_norm(x), x / (x.std(dim=2, keepdim=True).sqrt() + 1e-5), atol=1e-5)


def test_a_flat_photo_has_a_finite_score_and_gradient() -> None:
    network = _small()
    network(torch.full((2, 3, 112, 112), 0.5)).scores.sum().backward()
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_outputs_have_their_shapes_and_the_score_is_the_mean_of_the_patches() -> None:
    network = _small(types=5).eval()
    output = network(torch.rand(2, 3, 230, 340))
    assert output.patch_scores.shape == (2, 6) and output.type_logits.shape == (2, 5)
    assert torch.equal(output.scores, output.patch_scores.mean(dim=1))
    assert _small().eval()(torch.rand(1, 3, 112, 112)).type_logits is None


def test_each_patch_scores_as_if_it_were_the_image() -> None:
    network = _small().eval()
    image = torch.rand(1, 3, 112, 224)
    halves = [network(image[..., :112]).scores, network(image[..., 112:]).scores]
    assert torch.allclose(network(image).patch_scores[0], torch.cat(halves), atol=1e-5)


@pytest.mark.parametrize(("branches", "features"), [("local", 56), ("nonlocal", 2048)])
def test_each_branch_works_alone(branches: str, features: int) -> None:
    network = _small(branches=branches).eval()
    assert network.quality_head[0].in_features == features
    assert torch.isfinite(network(_photos(2)).scores).all()
    if branches == "local":
        with pytest.raises(UsageError, match="there is no attention to show"):
            network.node_attention(_photos(1))
    else:
        assert network.local_branch is None
        with pytest.raises(UsageError, match="needs the superpixels"):
            network.from_nodes(torch.rand(1, 1, 3, 112, 112), None)


def test_node_attention_can_be_drawn_on_the_superpixels() -> None:
    network = _small().eval()
    with torch.inference_mode():
        seen = network.node_attention(torch.rand(2, 3, 112, 230))
    assert seen.weights.shape == (2, 2, 12) and len(seen.grid) == 2
    assert torch.allclose(seen.weights.sum(dim=2), torch.ones(2, 2))
    painted = paint_nodes(seen.weights.flatten(0, 1).numpy(), seen.nodes)
    assert painted.shape == (4, 112, 112)
    chosen = ~np.isnan(painted[0])
    assert 0 < chosen.sum() <= 12 * 200 and (painted[0][chosen] > 0).all()


def test_the_attention_of_a_superpixel_is_what_the_others_give_to_it() -> None:
    network = _small().eval()
    branch = network.nonlocal_branch
    assert branch is not None
    with torch.no_grad():
        for layer in branch.stage2:
            assert isinstance(layer, GraphAttention)
            # Whoever is alike superpixel 5 looks at nothing else.
            layer.big_a[:, :, 5] = 100.0
        photos = _photos(1)
        seen = network.node_attention(photos)
        features = torch.from_numpy(seen.nodes.features)
        alike = int(alike_nodes(branch.superpixel_features(features))[0, 5].sum())
    assert alike > 1
    assert seen.weights[0, 0, 5].item() == pytest.approx(alike / network.nodes, abs=1e-5)


class _OnKnownNodes(nn.Module):
    """Maps indices of the miniature set to scores: superpixels are found once, as in training."""

    def __init__(self, network: NLNet, images: Tensor) -> None:
        super().__init__()
        self.network, self.images = network, images
        array = (255 * images).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
        found = superpixel_nodes(array, nodes=network.nodes, pixels=network.pixels)
        self.known = torch.from_numpy(found.features)

    def forward(self, chosen: Tensor) -> NLNetOutput:
        return self.network.from_nodes(self.images[chosen][:, None], self.known[chosen][:, None])


def test_photos_differ_in_the_features_from_the_start() -> None:
    branch = _small().nonlocal_branch
    assert branch is not None
    features = branch.eval()(_OnKnownNodes(_small(), _photos(8)).known)
    assert features.std(dim=0).mean() > 0.2 * features.abs().mean()


def test_dropout_moves_the_deviations_that_are_read_out() -> None:
    branch = _small(dropout=0.35).nonlocal_branch
    assert branch is not None
    known = _OnKnownNodes(_small(), _photos(8)).known
    last_deviations = (slice(None), slice(-256, None))
    training, evaluated = branch.train()(known), branch.eval()(known)
    assert training[last_deviations].mean() > 1.5 * evaluated[last_deviations].mean()


def test_known_nodes_score_as_the_image_does() -> None:
    network, images = _small().eval(), _photos(3)
    on_nodes = _OnKnownNodes(network, images)
    assert torch.equal(on_nodes(torch.arange(3)).scores, network(images).scores)


def _own_loss(output: NLNetOutput, mos: Tensor, types: Tensor) -> Tensor:
    """Return 100 times the smooth L1 distance, ranking, and type of distortion."""
    assert output.type_logits is not None
    of_type = F.cross_entropy(output.type_logits, types)
    return 100 * F.smooth_l1_loss(output.scores, mos) + ranking_loss(output.scores, mos) + of_type


@pytest.mark.slow
def test_it_overfits_the_miniature_set_with_its_own_loss() -> None:
    data = miniature(112)
    network = _OnKnownNodes(_small(types=2), data.images)

    def loss(output: NLNetOutput, chosen: Tensor) -> Tensor:
        return _own_loss(output, data.mos[chosen], data.kinds[chosen])

    assert overfit_srcc(network, torch.arange(32), data.mos, loss, steps=120, rate=2e-3) > 0.95


def test_gradients_reach_every_parameter() -> None:
    network, data = _small(types=2), miniature(112)
    output = network(data.images[:6])
    loss = _own_loss(output, data.mos[:6], data.kinds[:6])
    assert parameters_without_gradient(network, loss) == []


def test_a_batch_scores_like_its_images_alone_and_twice_the_same() -> None:
    together, alone = batch_and_alone(_small(), _photos(4))
    assert torch.allclose(together, alone, atol=1e-5)


def test_bfloat16_scores_differ_by_less_than_2_thousandths() -> None:
    # Measured: 0.0006 for scores that spread by 0.02.
    full, half = float32_and_bfloat16(_small(), _photos(8))
    assert torch.allclose(full, half, rtol=0, atol=2e-3)
