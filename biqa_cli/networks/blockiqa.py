"""BlockIQA: scores of image blocks, weighted by how alike the blocks are.

Reference:
    Pang et al., "BlockIQA: Local Sensitivity-Enhanced Blind Image Quality Assessment through
    Deep Block Analysis", ICMR 2025, https://doi.org/10.1145/3731715.3733280
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from biqa_cli.blocks.extraction import block_views
from biqa_cli.blocks.grid import partition_grid
from biqa_cli.networks.backbones import Backbone
from biqa_cli.networks.feature_pyramid import PYRAMID_WIDTH, FeaturePyramid

Similarity = Literal["gaussian", "gaussian_fixed", "cosine"]
Wiring = Literal["released", "fused"]

_AFEL_FILTERS, _AFEL_FEATURES = 64, 128
_NORM_FLOOR = 1e-6
# Eq. 3 asks for a k "positive, infinitely close to zero": it keeps σ above 0 at cos = -1.
_SIGMA_FLOOR = 1e-6


@dataclass(frozen=True, slots=True)
class BlockIQAOutput:
    """What one forward pass of BlockIQA returns; N = blocks² and B images."""

    scores: Tensor
    """S_f (B,), in (0, 1], on the scale of the normalised labels (eq. 11)."""
    block_scores: Tensor
    """S_i (B, blocks, blocks), in (0, 1) (eq. 9)."""
    block_raw: Tensor
    """s_i (B, blocks, blocks), unbounded (eq. 8)."""
    block_weights: Tensor
    """m_i (B, blocks, blocks), the mean similarity of block i to all blocks (eq. 10)."""
    similarity: Tensor
    """GS (B, N, N), symmetric with a unit diagonal (eq. 2)."""


class AuxiliaryFeatures(nn.Module):
    """AFEL, the auxiliary feature extraction layer of section 3.3 and figure 5."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, _AFEL_FILTERS, 3, stride=2, padding=1)
        self.project = nn.Linear(_AFEL_FILTERS, _AFEL_FEATURES)

    def forward(self, blocks: Tensor) -> Tensor:
        """Map blocks (B, 3, h, w) to f_AFEL (B, 128)."""
        return self.from_responses(self.responses(blocks))

    def responses(self, blocks: Tensor) -> Tensor:
        """Map blocks (B, 3, h, w) to the mean rectified filter responses (B, 64)."""
        # Rows first: ONNX Runtime sums in one float32, and 16,384 equal numbers would drift.
        return F.relu(self.conv(blocks)).mean(dim=3).mean(dim=2)

    def from_responses(self, responses: Tensor) -> Tensor:
        """Map the mean responses (B, 64) to f_AFEL (B, 128)."""
        return F.relu(self.project(responses))


class BlockIQA(nn.Module):
    """BlockIQA on any backbone.

    Args:
        backbone: A network that maps images to four feature maps, finest first.
        blocks: Blocks per side of the image, 1 to 4 in the paper, 2 by default (Table 2).
        similarity: The paper's Gaussian with dynamic σ, that with σ² = D (Table 4), or the
            raw cosine (Table 3).
        use_afel: Whether blocks also pass through AFEL (Table 5).
        wiring: What similarity and aggregator see of a block. The paper writes f_i for both, which
            eq. 8 makes of pyramid and AFEL: "fused". The released code gives them the pyramid alone
            (and the aggregator the block score), so AFEL reaches the score through s_i only.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        blocks: int = 2,
        similarity: Similarity = "gaussian",
        use_afel: bool = True,
        wiring: Wiring = "released",
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.blocks = blocks
        self.wiring: Wiring = wiring
        self.similarity: Similarity = similarity
        self.fpn = FeaturePyramid(backbone.channels)
        self.afel = AuxiliaryFeatures() if use_afel else None
        features = PYRAMID_WIDTH * len(backbone.channels)
        fused = features + (_AFEL_FEATURES if use_afel else 0)
        self.fusion = nn.Sequential(
            nn.Linear(fused, 512),
            nn.ReLU(),
            nn.Dropout(0.5),
        )
        self.block_score = nn.Sequential(
            nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 1)
        )
        seen = (fused if wiring == "fused" else features) + 1
        self.aggregator = nn.Sequential(
            *(nn.Linear(seen, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(0.5)),
            *(nn.Linear(128, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.5)),
            *(nn.Linear(64, 1), nn.Sigmoid()),
        )

    def forward(self, images: Tensor) -> BlockIQAOutput:
        """Score normalised images (B, 3, H, W); the remainder of H and W by `blocks` is dropped."""
        blocks = self._blocks_of(images)
        f_fpn = self.fpn.pooled(self.backbone(blocks))
        f_afel = None if self.afel is None else self.afel(blocks)
        return self.from_features(f_fpn, f_afel)

    def _blocks_of(self, images: Tensor) -> Tensor:
        grid = partition_grid(images.shape[-2], images.shape[-1], blocks=self.blocks)
        blocks = torch.stack(block_views(images, grid), dim=1).flatten(0, 1)
        # Stacking loses the order in which convolutions are fastest.
        return blocks.contiguous(memory_format=torch.channels_last)

    def pooled(self, images: Tensor) -> Tensor:
        """Return all that backbone and AFEL's filters make of images (B, 3, H, W), as (B, N, K).

        Window means of each level, then AFEL's mean responses: what `from_pooled` needs.
        """
        blocks = self._blocks_of(images)
        levels = self.fpn.window_means(self.backbone(blocks))
        parts = [means.flatten(1) for level in levels for means in level]
        parts += [] if self.afel is None else [self.afel.responses(blocks)]
        features = torch.cat([part.float() for part in parts], dim=1)
        return features.reshape(len(images), -1, features.shape[1])

    def from_pooled(self, pooled: Tensor) -> BlockIQAOutput:
        """Score images by what `pooled` has returned for them; equal to `forward`."""
        levels, responses = self.parts_of(pooled)
        f_afel = None if self.afel is None else self.afel.from_responses(responses)
        return self.from_features(self.fpn.from_windows(levels), f_afel)

    def parts_of(self, pooled: Tensor) -> tuple[list[list[Tensor]], Tensor]:
        """Return the window means and AFEL's responses (B·N, 64) that `pooled` has put together."""
        widths = [c + 1 for c in self.backbone.channels]
        sizes = [9 * width for first in range(len(widths)) for width in widths[first:]]
        afel = 0 if self.afel is None else _AFEL_FILTERS
        *means, responses = torch.split(pooled.flatten(0, 1), [*sizes, afel], dim=1)
        parts = iter([part.reshape(len(part), 9, -1) for part in means])
        levels = [[next(parts) for _ in widths[first:]] for first in range(len(widths))]
        return levels, responses

    def from_features(self, f_fpn: Tensor, f_afel: Tensor | None) -> BlockIQAOutput:
        """Aggregate the features of B·N blocks, image by image, row by row (eqs. 8 to 11).

        Args:
            f_fpn: Pooled pyramids (B·N, 1024).
            f_afel: Auxiliary features (B·N, 128), None where the model has no AFEL.
        """
        fused = f_fpn if f_afel is None else torch.cat([f_fpn, f_afel], dim=1)
        s = self.block_score(self.fusion(fused))
        f = fused if self.wiring == "fused" else f_fpn
        big_s = self.aggregator(torch.cat([f, s], dim=1))
        count = self.blocks**2
        similarity = block_similarity(f.reshape(-1, count, f.shape[1]), kind=self.similarity)
        m = similarity.mean(dim=2)
        grid = (-1, self.blocks, self.blocks)
        return BlockIQAOutput(
            scores=(big_s.reshape(-1, count) * m).mean(dim=1),
            block_scores=big_s.reshape(grid),
            block_raw=s.reshape(grid),
            block_weights=m.reshape(grid),
            similarity=similarity,
        )


def block_similarity(features: Tensor, *, kind: Similarity) -> Tensor:
    """Return the similarity of each block to each other (B, N, N) (eqs. 1 to 3).

    Args:
        features: Block features f (B, N, D). The result is computed in float32.
        kind: "gaussian" has σ² = D·((1 + cos)/2 + k), "gaussian_fixed" σ² = D, "cosine" is raw.
    """
    features = features.float()
    dimension = features.shape[-1]
    gram = features @ features.mT
    squared = gram.diagonal(dim1=1, dim2=2)
    lengths = squared.clamp_min(_NORM_FLOOR**2).sqrt()
    cosine = (gram / (lengths[:, :, None] * lengths[:, None, :])).clamp(-1, 1)
    if kind == "cosine":
        return cosine
    distance = (squared[:, :, None] + squared[:, None, :] - 2 * gram).clamp_min(0)
    if kind == "gaussian_fixed":
        return torch.exp(-distance / (2 * dimension))
    variance = dimension * ((1 + cosine) / 2 + _SIGMA_FLOOR)
    return torch.exp(-distance / (2 * variance))
