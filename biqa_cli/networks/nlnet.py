"""NLNet: attention between superpixels beside a CNN, patch by patch.

Reference:
    Jia et al., "No-reference Image Quality Assessment via Non-local Dependency Modeling",
    MMSP 2022. Equations as in the authors' slides, sizes as in their released code.
"""

from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn

from biqa_cli.blocks.extraction import block_views
from biqa_cli.blocks.grid import BlockGrid
from biqa_cli.errors import UsageError
from biqa_cli.networks.backbones import Backbone
from biqa_cli.networks.nonlocal_branch import NonLocalBranch, mean_and_std
from biqa_cli.networks.qualitynet import dense_layers
from biqa_cli.networks.superpixels import SuperpixelNodes, superpixel_nodes

Branches = Literal["local", "nonlocal", "both"]
Head = Literal["paper", "deep"]

PATCH = 112
_HEAD_WIDTH, _NARROW = 512, 128
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class NLNetOutput:
    """What one forward pass of NLNet returns, for B images of P patches."""

    scores: Tensor
    """(B,), the mean of the patches, on the scale of the labels."""
    patch_scores: Tensor
    """(B, P), row by row."""
    type_logits: Tensor | None
    """(B, types), which distortion the image has, the mean of the patches; None without types."""


@dataclass(frozen=True, slots=True)
class NodeAttention:
    """How much the superpixels of the patches are looked at."""

    weights: Tensor
    """(B, P, nodes), the mean over rows, heads and the layers of stage 2; sums to 1 a patch."""
    nodes: SuperpixelNodes
    """Superpixels of the B·P patches: `paint_nodes(weights.flatten(0, 1), nodes)` is a map."""
    grid: BlockGrid
    """Where the patches lie in the image (after the padding of small ones)."""


def patch_grid(height: int, width: int, *, side: int = PATCH) -> BlockGrid:
    """Return the square patches of an image, side by side, the last row and column included.

    Less than a patch at the bottom and on the right belongs to none.

    Example:
        >>> len(patch_grid(384, 512)), len(patch_grid(336, 448))
        (12, 12)
    """
    return BlockGrid(
        image_height=height,
        image_width=width,
        height=side,
        width=side,
        ys=tuple(range(0, height - side + 1, side)),
        xs=tuple(range(0, width - side + 1, side)),
    )


def reflect_to_patch(images: Tensor, *, side: int = PATCH) -> Tensor:
    """Return images (…, H, W) of at least a patch a side, by reflection below and right."""
    for axis in (-2, -1):
        length = images.shape[axis]
        if length < side:
            # There and back again, however often: the edge itself is not repeated.
            period = max(2 * (length - 1), 1)
            index = torch.arange(side, device=images.device) % period
            images = images.index_select(axis, torch.minimum(index, period - index))
    return images


class LocalBranch(nn.Module):
    """A CNN's maps by the mean and standard deviation of each channel.

    Args:
        backbone: VGG-16 in the paper.
        mean: Of the channels R, G, B in [0, 1], as the backbone expects.
        std: The same.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: Backbone,
        *,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.features = 2 * sum(backbone.channels)
        self.register_buffer("mean", torch.tensor(mean).reshape(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).reshape(3, 1, 1), persistent=False)

    def forward(self, patches: Tensor) -> Tensor:
        """Map patches (P, 3, 112, 112) in [0, 1] to features (P, 2944)."""
        maps = self.backbone((patches - self.mean) / self.std)
        return torch.cat([mean_and_std(m.flatten(2).mT) for m in maps], dim=-1)


class DeepHead(nn.Module):
    """QualityNet's head on the features of both branches (our extension).

    The non-local features are narrowed first, or they drown the others while there is little to
    learn from; and all are normalised over the batch, since the levels of a backbone differ in
    size.

    Args:
        of_superpixels: Non-local features, which come first; 0 without that branch.
        of_maps: Local features; 0 without that branch.
        outputs: What the head says of a patch.
    """

    def __init__(self, of_superpixels: int, of_maps: int, outputs: int) -> None:
        super().__init__()
        self.of_superpixels = of_superpixels
        self.narrow = nn.Linear(of_superpixels, _NARROW) if of_superpixels else None
        features = of_maps + (_NARROW if of_superpixels else 0)
        self.norm = nn.BatchNorm1d(features)
        self.layers = dense_layers(features, outputs)

    def forward(self, features: Tensor) -> Tensor:
        """Map features (B, P, F) to (B, P, outputs)."""
        x = features.flatten(0, 1)
        if self.narrow is not None:
            of_superpixels = self.narrow(x[:, : self.of_superpixels])
            x = torch.cat([of_superpixels, x[:, self.of_superpixels :]], dim=1)
        said = self.layers(self.norm(x))
        return cast("Tensor", said.reshape(*features.shape[:2], -1))


class NLNet(nn.Module):
    """NLNet on any backbone.

    Args:
        backbone: The CNN of the local branch; not kept where there is none.
        types: Distortion types that the type head tells apart; 0 leaves the head out.
        branches: "both", or one alone.
        patch: Side of a patch; larger ones than the paper's have larger superpixels.
        head: "paper", or "deep" for `DeepHead`.
        nodes: Superpixels of a patch.
        pixels: Pixels of a superpixel.
        mean: What the backbone's input is normalised with; ImageNet's.
        std: The same.
        dropout: Of the graph attention. The released code has 0.35, which moves the deviations
            that are read out: what is learnt with it does not hold without (docs/models/nlnet.md).
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        types: int = 0,
        branches: Branches = "both",
        patch: int = PATCH,
        head: Head = "paper",
        nodes: int = 100,
        pixels: int = 60,
        mean: tuple[float, float, float] = _IMAGENET_MEAN,
        std: tuple[float, float, float] = _IMAGENET_STD,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.patch = patch
        self.nodes = nodes
        self.pixels = pixels
        self.local_branch = (
            None if branches == "nonlocal" else LocalBranch(backbone, mean=mean, std=std)
        )
        self.nonlocal_branch = (
            None
            if branches == "local"
            else NonLocalBranch(nodes=nodes, pixels=pixels, dropout=dropout)
        )
        of_superpixels = 0 if self.nonlocal_branch is None else self.nonlocal_branch.features
        of_maps = self.local_features

        def make_head(outputs: int) -> nn.Module:
            if head == "deep":
                return DeepHead(of_superpixels, of_maps, outputs)
            return _head(of_superpixels + of_maps, outputs)

        self.quality_head = make_head(1)
        self.type_head = make_head(types) if types else None

    @property
    def local_features(self) -> int:
        """How many features of a patch the local branch makes."""
        return 0 if self.local_branch is None else self.local_branch.features

    def forward(self, images: Tensor) -> NLNetOutput:
        """Score images (B, 3, H, W) in [0, 1] by their patches.

        Smaller images are reflected to the size of a patch. Superpixels are found on the CPU,
        on pixels rounded to 8 bits.
        """
        return self.from_pooled(self.pooled(images))

    def from_nodes(self, patches: Tensor, nodes: Tensor | None) -> NLNetOutput:
        """Score patches whose superpixels are known.

        Args:
            patches: (B, P, 3, side, side) in [0, 1].
            nodes: `superpixel_nodes(…).features` as (B, P, nodes, pixels, 3); None without the
                non-local branch.

        Raises:
            UsageError: If the network has a non-local branch and there are no nodes.
        """
        return self.from_pooled(self._read(patches, nodes))

    def pooled(self, images: Tensor) -> Tensor:
        """Return what is read of each patch of images (B, P, …).

        First the features of the local branch, then the pixels of the superpixels, nodes · pixels
        · 3, each as far as the network has the branch.
        """
        patches, _ = self._patches(images)
        nodes = None if self.nonlocal_branch is None else self._superpixels(patches)
        return self._read(patches, None if nodes is None else _on(patches, nodes))

    def from_pooled(self, pooled: Tensor) -> NLNetOutput:
        """Score images by what `pooled` has returned for them; equal to `forward`."""
        local, nodes = pooled.tensor_split([self.local_features], dim=-1)
        features = local
        if self.nonlocal_branch is not None:
            nodes = nodes.reshape(-1, self.nodes, self.pixels, 3)
            of_superpixels = self.nonlocal_branch(nodes).reshape(*pooled.shape[:2], -1)
            features = torch.cat([of_superpixels.float(), local], dim=-1)
        patch_scores = self.quality_head(features).squeeze(-1)
        types = None if self.type_head is None else self.type_head(features).mean(dim=1)
        return NLNetOutput(
            scores=patch_scores.mean(dim=1), patch_scores=patch_scores, type_logits=types
        )

    def _read(self, patches: Tensor, nodes: Tensor | None) -> Tensor:
        read = []
        if self.local_branch is not None:
            local = self.local_branch(patches.flatten(0, 1))
            read.append(local.reshape(*patches.shape[:2], -1).float())
        if self.nonlocal_branch is not None:
            if nodes is None:
                raise UsageError("the non-local branch needs the superpixels of the patches")
            read.append(nodes.flatten(2))
        return torch.cat(read, dim=-1)

    def node_attention(self, images: Tensor) -> NodeAttention:
        """Return how much each superpixel of images (B, 3, H, W) is looked at.

        Raises:
            UsageError: If the network has no non-local branch.
        """
        if self.nonlocal_branch is None:
            raise UsageError('there is no attention to show with branches="local"')
        patches, grid = self._patches(images)
        nodes = self._superpixels(patches)
        alpha = self.nonlocal_branch.attention(_on(patches, nodes).flatten(0, 1))
        received = alpha.mean(dim=(0, 2, 3)).reshape(*patches.shape[:2], -1)
        return NodeAttention(weights=received, nodes=nodes, grid=grid)

    def _patches(self, images: Tensor) -> tuple[Tensor, BlockGrid]:
        """Return the patches (B, P, 3, side, side) of images, and where they lie."""
        images = reflect_to_patch(images, side=self.patch)
        grid = patch_grid(images.shape[-2], images.shape[-1], side=self.patch)
        return torch.stack(block_views(images, grid), dim=1), grid

    def _superpixels(self, patches: Tensor) -> SuperpixelNodes:
        pixels = (patches.detach().flatten(0, 1) * 255).round().clamp(0, 255).to(torch.uint8)
        array = pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
        return superpixel_nodes(array, nodes=self.nodes, pixels=self.pixels)


def _on(patches: Tensor, nodes: SuperpixelNodes) -> Tensor:
    features = torch.from_numpy(nodes.features).to(patches.device)
    return features.reshape(*patches.shape[:2], *features.shape[1:])


def _head(features: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(features, _HEAD_WIDTH), nn.ELU(), nn.Linear(_HEAD_WIDTH, outputs)
    )
