"""Blocks of transformers: attention that may be masked, LayerScale, and how they are initialised.

Reference:
    Touvron, Cord and Jégou, "DeiT III: Revenge of the ViT", ECCV 2022: LayerScale starts at 1e-4.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NORM_EPS = 1e-6
INIT_STD = 0.02
_LAYER_SCALE = 1e-4


class Attention(nn.Module):
    """Multi-head attention of queries on a memory, which may be the queries themselves.

    Args:
        width: Channels of a token.
        heads: Must divide the width.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.project = nn.Linear(width, width)

    def forward(self, queries: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map queries (B, Q, D) and memory (B, M, D) to (B, Q, D).

        Args:
            queries: What asks.
            memory: What is asked.
            mask: (Q, M), True where a query may attend. None: everywhere.
        """
        q, k, v = self._split(queries, memory)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return cast("Tensor", self.project(y.transpose(1, 2).flatten(2)))

    def weights(self, queries: Tensor, memory: Tensor) -> Tensor:
        """Return the attention weights (B, Q, M), the mean over the heads; each row sums to 1."""
        q, k, _ = self._split(queries, memory)
        return (q @ k.mT / math.sqrt(q.shape[-1])).softmax(dim=-1).mean(dim=1)

    def _split(self, queries: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q = self.query(queries).unflatten(2, (self.heads, -1)).transpose(1, 2)
        kv = self.key_value(memory).unflatten(2, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return q, kv[0], kv[1]


def feed_forward(width: int) -> nn.Sequential:
    """Build the two linear layers with GELU of a transformer, four times as wide inside."""
    return nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))


class EncoderBlock(nn.Module):
    """A pre-norm transformer block with LayerScale."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=NORM_EPS)
        self.attention = Attention(width, heads)
        self.scale1 = nn.Parameter(torch.full((width,), _LAYER_SCALE))
        self.norm2 = nn.LayerNorm(width, eps=NORM_EPS)
        self.mlp = feed_forward(width)
        self.scale2 = nn.Parameter(torch.full((width,), _LAYER_SCALE))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map tokens (B, S, D) to tokens (B, S, D); `mask` (S, S) is True where one attends."""
        normed = self.norm1(x)
        x = x + self.scale1 * self.attention(normed, normed, mask)
        return x + self.scale2 * cast("Tensor", self.mlp(self.norm2(x)))


def initialise_linear(module: nn.Module) -> None:
    """Set a linear layer to a truncated normal of 0.02 and no bias; leave other modules."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=INIT_STD)
        nn.init.zeros_(module.bias)
