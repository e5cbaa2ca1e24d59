"""BlockIQA's feature pyramid, and its means without building it.

References:
    Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017;
    Pang et al., ICMR 2025, section 3.2.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PYRAMID_WIDTH = 256
"""Channels of each of its maps."""


class FeaturePyramid(nn.Module):
    """The FPN of section 3.2: lateral 1×1, top-down sum, 3×3 smoothing (eqs. 4 to 6).

    Args:
        channels: Channels of the backbone's maps, finest first.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(c, PYRAMID_WIDTH, 1) for c in channels)
        self.smooth = nn.ModuleList(
            nn.Conv2d(PYRAMID_WIDTH, PYRAMID_WIDTH, 3, padding=1) for _ in channels
        )

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Map C_1 … C_4 to F_1 … F_4 (B, 256, H_i, W_i), literally as the paper writes it."""
        fused = [cast("Tensor", self.lateral[-1](maps[-1]))]
        for lateral, finer in zip(reversed(self.lateral[:-1]), reversed(maps[:-1]), strict=True):
            upsampled = F.interpolate(fused[0], size=finer.shape[-2:], mode="bilinear")
            fused.insert(0, upsampled + lateral(finer))
        return tuple(smooth(p) for smooth, p in zip(self.smooth, fused, strict=True))

    def pooled(self, maps: Sequence[Tensor]) -> Tensor:
        """Return f_FPN = GAP(F_1) ‖ … ‖ GAP(F_4) (B, 1024) without building the pyramid (eq. 7).

        The pyramid has no activation, so its mean over an image is linear in the backbone's maps.
        A 3×3 convolution only ever sees nine window means of its input, and the mean of an
        upsampled map is a weighted mean of the map itself. The result is that of `forward`
        and a global average pool, at a hundredth of the cost.
        """
        return self.from_windows(self.window_means(maps))

    @staticmethod
    def window_means(maps: Sequence[Tensor]) -> tuple[tuple[Tensor, ...], ...]:
        """Return, for F_i and each map C_j it draws on (j ≥ i), its window means.

        Returns:
            One tuple for each F_i, of tensors (B, 9, C_j + 1). The last channel is the mean
            of a map of ones: it carries the bias of the lateral convolution.
        """
        weights = _window_weights([(m.shape[-2], m.shape[-1]) for m in maps], like=maps[0])
        return tuple(
            tuple(
                _weighted_means(c, rows, columns)
                for c, (rows, columns) in zip(maps[i:], pairs, strict=True)
            )
            for i, pairs in enumerate(weights)
        )

    def from_windows(self, levels: Sequence[Sequence[Tensor]]) -> Tensor:
        """Return the pooled pyramid (B, 1024) from what `window_means` returns."""
        pooled = []
        for i, (smooth, means) in enumerate(zip(_convolutions(self.smooth), levels, strict=True)):
            fused = torch.zeros_like(means[0][..., :1])
            for lateral, mean in zip(_convolutions(self.lateral[i:]), means, strict=True):
                fused = fused + F.linear(mean, _weight_and_bias(lateral))
            kernel = smooth.weight.permute(0, 2, 3, 1).flatten(1)
            pooled.append(F.linear(fused.flatten(1), kernel, smooth.bias))
        return torch.cat(pooled, dim=1)


def _convolutions(modules: nn.ModuleList) -> list[nn.Conv2d]:
    return cast("list[nn.Conv2d]", list(modules))


def _weight_and_bias(lateral: nn.Conv2d) -> Tensor:
    """Return a 1×1 convolution as one matrix (out, in + 1), for inputs with a channel of ones."""
    bias = cast("Tensor", lateral.bias)
    return torch.cat([lateral.weight.flatten(1), bias[:, None]], dim=1)


def _window_weights(
    sizes: Sequence[tuple[int, int]], *, like: Tensor
) -> list[list[tuple[Tensor, Tensor]]]:
    """Return the row and column weights of the window means of each pair i ≤ j of levels.

    Args:
        sizes: (H_i, W_i) of the maps, finest first.
        like: A tensor whose type and device the weights take.

    Returns:
        For each i and each j ≥ i, the weights (3, H_j) and (3, W_j).
    """
    levels = []
    for i, (height, width) in enumerate(sizes):
        rows, columns = _shifted_windows(height, like), _shifted_windows(width, like)
        pairs = [(rows, columns)]
        for (finer_h, finer_w), (height_j, width_j) in pairwise(sizes[i:]):
            rows = rows @ _upsampling(height_j, finer_h, like)
            columns = columns @ _upsampling(width_j, finer_w, like)
            pairs.append((rows, columns))
        levels.append(pairs)
    return levels


def _weighted_means(c: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return nine weighted means of a map (B, C, H, W) and of a map of ones, as (B, 9, C + 1)."""
    means = (rows @ c @ columns.T).flatten(2).mT
    ones = torch.outer(rows.sum(1), columns.sum(1)).reshape(1, 9, 1)
    return torch.cat([means, ones.expand(c.shape[0], 9, 1)], dim=2)


def _shifted_windows(size: int, like: Tensor) -> Tensor:
    """Return the (3, size) weights of the means that the rows of a padded 3×3 kernel see."""
    weights = torch.full((3, size), 1 / size, dtype=like.dtype, device=like.device)
    weights[0, -1] = weights[2, 0] = 0
    return weights


def _upsampling(size: int, finer: int, like: Tensor) -> Tensor:
    """Return the (finer, size) matrix of bilinear upsampling along one axis."""
    basis = torch.eye(size, dtype=like.dtype, device=like.device)
    return F.interpolate(basis[None], size=finer, mode="linear")[0].T
