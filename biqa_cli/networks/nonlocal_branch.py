"""NLNet's non-local branch: attention within superpixels, then between those that are alike.

Reference:
    Jia et al., "No-reference Image Quality Assessment via Non-local Dependency Modeling",
    MMSP 2022. Equations as in the authors' slides, sizes as in their released code.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_HEADS = 4
_STAGE1_WIDTH, _STAGE2_WIDTH = 32, 64
_STAGE2_LAYERS = 3
_SUPERPIXEL_WIDTH = 2 * _HEADS * _STAGE1_WIDTH
_LEAKY_SLOPE = 0.2
_XAVIER_GAIN = 1.414
_ALIKE = 0.70
_NORM_FLOOR = 1e-5
_VARIANCE_FLOOR = 1e-20
# Superpixels whose attention is in memory at once: a CPU is fast where they fit its cache.
_AT_ONCE_CPU, _AT_ONCE_ELSEWHERE = 64, 8192


class GraphAttention(nn.Module):
    """h'_i = ELU(Σ_j α_ij W h_j + C_i), α_ij = softmax_j(a_ij) over the neighbours of i.

    a_ij = LeakyReLU(FC([W h_i ‖ W h_j])) + A_ij, with four heads side by side. The terms A, b and
    C belong to the nodes' places, so the layer is tied to their number and order.

    Args:
        nodes: Number of nodes N.
        width_in: Features of a node.
        width_out: Features of a node in each head.
        dropout: Of the input, of W h and of α.
    """

    def __init__(self, nodes: int, width_in: int, width_out: int, *, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(width_in, _HEADS * width_out)
        # FC of a pair, split into the part of i and the part of j.
        self.a1 = nn.Parameter(torch.empty(_HEADS, width_out))
        self.a2 = nn.Parameter(torch.empty(_HEADS, width_out))
        self.b1 = nn.Parameter(torch.zeros(_HEADS, nodes, 1))
        self.b2 = nn.Parameter(torch.zeros(_HEADS, nodes, 1))
        self.big_a = nn.Parameter(torch.empty(_HEADS, nodes, nodes))
        self.big_c = nn.Parameter(torch.zeros(_HEADS, nodes, width_out))
        for parameter in (self.project.weight, self.a1, self.a2, self.big_a):
            nn.init.xavier_uniform_(parameter, gain=_XAVIER_GAIN)
        # Constants at zero, or they drown the contrast; and a node starts as half itself, half
        # the mean of its neighbours, or their contrast averages out (our reading).
        nn.init.zeros_(self.project.bias)
        with torch.no_grad():
            self.big_a.add_(math.log(nodes) * torch.eye(nodes))

    def forward(self, h: Tensor, edges: Tensor | None = None) -> Tensor:
        """Map nodes (M, N, width_in) to (M, N, 4 · width_out).

        Args:
            h: The nodes of M graphs.
            edges: (M, N, N), True where j is a neighbour of i, no row empty; None: all are.
        """
        wh = self._projected(h)
        alpha = self.dropout(self._alpha(wh, edges))
        return elu(alpha @ wh + self.big_c).transpose(1, 2).flatten(2)

    def attention(self, h: Tensor, edges: Tensor | None = None) -> Tensor:
        """Return α (M, 4, N, N); rows sum to 1 over the neighbours and are 0 elsewhere."""
        return self._alpha(self._projected(h), edges)

    def _projected(self, h: Tensor) -> Tensor:
        wh = self.project(self.dropout(h)).unflatten(2, (_HEADS, -1)).transpose(1, 2)
        return cast("Tensor", self.dropout(wh.contiguous()))

    def _alpha(self, wh: Tensor, edges: Tensor | None) -> Tensor:
        of_i = (wh @ self.a1[..., None]) + self.b1 + self.b2
        of_j = (wh @ self.a2[..., None]).mT
        a = F.leaky_relu(of_i + of_j, _LEAKY_SLOPE) + self.big_a
        if edges is not None:
            a = a.masked_fill(~edges[:, None], -torch.inf)
        return a.softmax(dim=-1)


def elu(x: Tensor) -> Tensor:
    """Return x where it is positive, exp(x) - 1 elsewhere.

    torch's own takes half of the time of stage 1 on a CPU. At 0 itself the slope is 0, as relu's.
    """
    return F.relu(x) + (x.clamp_max(0).exp() - 1)


def node_norm(x: Tensor) -> Tensor:
    """Return features over the root of their standard deviation, node by node (…, D)."""
    _, std = _moments(x, dim=-1)
    return x / (std.sqrt() + _NORM_FLOOR)


def mean_and_std(x: Tensor) -> Tensor:
    """Return the mean and the standard deviation over the nodes (…, N, D) as (…, 2·D)."""
    return torch.cat(_moments(x, dim=-2), dim=-1).squeeze(-2)


def _moments(x: Tensor, *, dim: int) -> tuple[Tensor, Tensor]:
    """Return mean and unbiased standard deviation with `dim` kept.

    Ten times as fast as torch.std on a CPU, and with a gradient where nothing varies.
    """
    mean = x.mean(dim=dim, keepdim=True)
    squared = (x - mean).square().sum(dim=dim, keepdim=True) / (x.shape[dim] - 1)
    return mean, squared.clamp_min(_VARIANCE_FLOOR).sqrt()


def alike_nodes(x: Tensor) -> Tensor:
    """Return the edges of the inter-superpixel graph (M, N, N): cosine ≥ 0.70, and each self."""
    unit = F.normalize(x.detach().float(), dim=-1)
    itself = torch.eye(x.shape[1], dtype=torch.bool, device=x.device)
    return (unit @ unit.mT >= _ALIKE) | itself


class NonLocalBranch(nn.Module):
    """Superpixels as graphs: pixels within each (stage 1), then superpixels (stage 2).

    Args:
        nodes: Superpixels of a patch.
        pixels: Pixels of a superpixel.
        dropout: Of the attention layers.
    """

    def __init__(self, *, nodes: int, pixels: int, dropout: float) -> None:
        super().__init__()
        self.features = 2 * (_STAGE2_LAYERS + 1) * _SUPERPIXEL_WIDTH
        self.stage1 = GraphAttention(pixels, 3, _STAGE1_WIDTH, dropout=dropout)
        self.stage2 = nn.ModuleList(
            GraphAttention(nodes, _SUPERPIXEL_WIDTH, _STAGE2_WIDTH, dropout=dropout)
            for _ in range(_STAGE2_LAYERS)
        )

    def forward(self, nodes: Tensor) -> Tensor:
        """Map superpixels (P, nodes, pixels, 3) to features (P, 2048)."""
        x0 = self.superpixel_features(nodes)
        edges = alike_nodes(x0)
        states = [x0]
        for layer in self.stage2:
            states.append(self._next(layer, states[-1], x0, edges))
        return torch.cat([mean_and_std(x) for x in states], dim=-1)

    def superpixel_features(self, nodes: Tensor) -> Tensor:
        """Return X0 (P, nodes, 256): the pixels of each superpixel attend to each other."""
        at_once = _AT_ONCE_CPU if nodes.device.type == "cpu" else _AT_ONCE_ELSEWHERE
        x0 = [
            mean_and_std(node_norm(self.stage1(superpixels)))
            for superpixels in torch.split(nodes.flatten(0, 1), at_once)
        ]
        return torch.cat(x0).reshape(*nodes.shape[:2], -1)

    def attention(self, nodes: Tensor) -> Tensor:
        """Return α of the layers of stage 2 (3, P, 4, nodes, nodes)."""
        x = x0 = self.superpixel_features(nodes)
        edges = alike_nodes(x0)
        alphas = []
        for layer in self.stage2:
            alphas.append(cast("GraphAttention", layer).attention(x, edges))
            x = self._next(layer, x, x0, edges)
        return torch.stack(alphas)

    @staticmethod
    def _next(layer: nn.Module, x: Tensor, x0: Tensor, edges: Tensor) -> Tensor:
        return elu(0.8 * node_norm(layer(x, edges)) + 0.2 * x0)
