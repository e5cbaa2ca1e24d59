"""SHDIQA: a ViT that reads the quality of each block of an image through a token of its own.

Reference:
    Li et al., "Distilling Spatially-Heterogeneous Distortion Perception for Blind Image Quality
    Assessment", CVPR 2025, pp. 2344-2354: its abstract and its supplement. The base network is
    that of Qin et al., "Data-Efficient Image Quality Assessment with Attention-Panel Decoder"
    (DEIQT), AAAI 2023. docs/models/shdiqa.md says which parts are a reconstruction.
"""

from dataclasses import dataclass
from typing import Unpack, cast

import torch
from torch import Tensor, nn

from biqa_cli.distortions.named_blocks import PARTITIONS, Partition, block_slices
from biqa_cli.errors import UsageError
from biqa_cli.networks.backbones import Backbone
from biqa_cli.networks.backbones.vit import Sizes, VisionTransformer
from biqa_cli.networks.transformer import Attention, feed_forward, initialise_linear

PANELS = 6
DISTORTION_TYPES = 24
DISTORTION_LEVELS = 4
_INIT_STD = 0.02
# The K blocks of each partition, supplement, section 3. "vertical" cuts along a vertical line.


@dataclass(frozen=True, slots=True)
class SHDIQAOutput:
    """What one forward pass of SHDIQA returns, for B images and K blocks."""

    scores: Tensor
    """(B,), the mean of the panels, on the scale of the labels."""
    panel_scores: Tensor
    """(B, 6), one score from each query of the decoder."""
    block_tokens: Tensor | None
    """The filtered tokens t̂_k (B, K, D); None without BAF."""


@dataclass(frozen=True, slots=True)
class TeacherOutput:
    """What one forward pass of the quality-aware submodule returns."""

    block_tokens: Tensor
    """The filtered tokens t̂_k (B, K, D)."""
    type_logits: Tensor
    """(B, K, 24), which distortion the block has."""
    level_logits: Tensor
    """(B, K, 4), how strong it is."""


def block_mask(partition: Partition, side: int) -> Tensor:
    """Return the mask matrix of the block-wise aggregation, True where a row may attend.

    Rows and columns are the class token, K block tokens and side² patches. A block token sees
    itself and the patches of its block. Class token and patches do not see the block tokens, so
    that the encoder's own path is as without them.

    Returns:
        (1 + K + side², 1 + K + side²), boolean; no row is empty.

    Raises:
        UsageError: If the side is odd, so that a block would end within a patch.

    Example:
        >>> block_mask("vertical", 2)[1:3].int()
        tensor([[0, 1, 0, 1, 0, 1, 0],
                [0, 0, 1, 0, 1, 0, 1]], dtype=torch.int32)
    """
    if side % 2:
        msg = f"{side} patches a side cannot be halved: use another input_size"
        raise UsageError(msg)
    blocks = PARTITIONS[partition]
    inside = torch.zeros(len(blocks), side, side, dtype=torch.bool)
    for k, block in enumerate(blocks):
        rows, columns = block_slices(side, side, block=block)
        inside[k, rows, columns] = True
    tokens = slice(1, 1 + len(blocks))
    size = 1 + len(blocks) + side**2
    mask = torch.ones(size, size, dtype=torch.bool)
    mask[:, tokens] = False
    mask[tokens, 0] = False
    mask[tokens, tokens] = torch.eye(len(blocks), dtype=torch.bool)
    mask[tokens, 1 + len(blocks) :] = inside.flatten(1)
    return mask


class BlockEncoder(nn.Module):
    """The encoder with block-wise aggregation and filtering (BAF); teacher and student have one.

    Args:
        vit: What makes and relates patch tokens.
        partition: How the image is cut; None leaves BAF out, which is DEIQT.
    """

    mask: Tensor | None

    def __init__(self, vit: VisionTransformer, *, partition: Partition | None) -> None:
        super().__init__()
        self.vit = vit
        self.count = 0
        self.tokens: nn.Parameter | None = None
        self.filter: nn.Linear | None = None
        mask = None
        if partition is not None:
            mask = block_mask(partition, self.vit.side)
            self.count = len(PARTITIONS[partition])
            width = vit.sizes["width"]
            self.tokens = nn.Parameter(torch.empty(self.count, width))
            self.filter = nn.Linear(width, width)
            nn.init.trunc_normal_(self.tokens, std=_INIT_STD)
            initialise_linear(self.filter)
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Map normalised images (B, 3, S, S) to class token, patch tokens and t̂_1 … t̂_K.

        Returns:
            (B, 1, D), (B, N, D) and (B, K, D), the last None without BAF.
        """
        return self.from_maps(self.vit.maps(images))

    def from_maps(self, maps: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Map what is read of the backbone (B, C, √N, √N) to the tokens of `forward`."""
        x = self.vit.from_maps(maps, extra=self.tokens, mask=self.mask)
        sizes = [1, self.count, x.shape[1] - 1 - self.count]
        class_token, t, patches = torch.split(x, sizes, dim=1)
        if self.filter is None:
            return class_token, patches, None
        return class_token, patches, torch.sigmoid(self.filter(t)) * t


class PanelDecoder(nn.Module):
    """The attention-panel decoder of DEIQT: six queries ask the tokens about quality.

    One pre-norm transformer decoder layer.

    Args:
        width: Channels of a token.
        heads: Attention heads.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.panels = nn.Parameter(torch.empty(PANELS, width))
        self.norm1 = nn.LayerNorm(width)
        self.self_attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.cross_attention = Attention(width, heads)
        self.norm3 = nn.LayerNorm(width)
        self.mlp = feed_forward(width)
        self.score = nn.Linear(width, 1, bias=False)
        nn.init.trunc_normal_(self.panels, std=_INIT_STD)
        for module in (self.self_attention, self.cross_attention, self.mlp):
            module.apply(initialise_linear)

    def forward(self, class_token: Tensor, memory: Tensor) -> Tensor:
        """Map class token (B, 1, D) and memory (B, M, D) to panel scores (B, 6)."""
        q = self._queries(class_token)
        q = q + self.cross_attention(self.norm2(q), memory)
        q = q + self.mlp(self.norm3(q))
        return cast("Tensor", self.score(q)).squeeze(-1)

    def attention(self, class_token: Tensor, memory: Tensor) -> Tensor:
        """Return how much each panel looks at each token of the memory (B, 6, M)."""
        return self.cross_attention.weights(self.norm2(self._queries(class_token)), memory)

    def _queries(self, class_token: Tensor) -> Tensor:
        q = self.panels + class_token
        normed = self.norm1(q)
        return cast("Tensor", q + self.self_attention(normed, normed))


class SHDIQA(nn.Module):
    """SHDIQA, the student: what scores images.

    Args:
        backbone: `PatchEmbedding` for the paper's ViT-S/16. Any other backbone with a map at stride
            16 makes a hybrid, where less depth suffices (our reading).
        partition: How BAF cuts the image (supplement, Table 3).
        use_baf: Whether there are block tokens; without them the network is DEIQT.
        sizes: Of the encoder, see `VisionTransformer`; images of another size are refused. Other
            patches and levels than its own are for hybrids (our extension).
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        partition: Partition = "vertical",
        use_baf: bool = True,
        **sizes: Unpack[Sizes],
    ) -> None:
        super().__init__()
        vit = VisionTransformer(backbone, **sizes)
        self.encoder = BlockEncoder(vit, partition=partition if use_baf else None)
        self.decoder = PanelDecoder(vit.sizes["width"], vit.sizes["heads"])

    def forward(self, images: Tensor) -> SHDIQAOutput:
        """Score normalised images (B, 3, input_size, input_size)."""
        return self.from_pooled(self.pooled(images))

    def pooled(self, images: Tensor) -> Tensor:
        """Map images to what is read of the backbone, (B, C, √N, √N)."""
        return self.encoder.vit.maps(images)

    def from_pooled(self, pooled: Tensor) -> SHDIQAOutput:
        """Score images by what `pooled` has returned for them; equal to `forward`."""
        class_token, patches, block_tokens = self.encoder.from_maps(pooled)
        panel_scores = self.decoder(class_token, _memory(patches, block_tokens))
        return SHDIQAOutput(
            scores=panel_scores.mean(dim=1), panel_scores=panel_scores, block_tokens=block_tokens
        )

    def block_tokens(self, images: Tensor) -> Tensor:
        """Return the filtered tokens t̂_k (B, K, D) alone: what distillation compares.

        Raises:
            UsageError: If the network has no BAF.
        """
        return self.block_tokens_of(self.pooled(images))

    def block_tokens_of(self, pooled: Tensor) -> Tensor:
        """Return the block tokens by what `pooled` has returned; otherwise as `block_tokens`."""
        *_, block_tokens = self.encoder.from_maps(pooled)
        if block_tokens is None:
            raise UsageError("without BAF there are no block tokens: build it with use_baf=True")
        return block_tokens

    def panel_attention(self, images: Tensor) -> Tensor:
        """Return where each panel looks: (B, 6, S / 16, S / 16), the mean over the heads.

        A panel's map sums to 1 less what it gives the block tokens.
        """
        class_token, patches, block_tokens = self.encoder(images)
        weights = self.decoder.attention(class_token, _memory(patches, block_tokens))
        side = self.encoder.vit.side
        return weights[..., : side**2].reshape(-1, PANELS, side, side)


def _memory(patches: Tensor, block_tokens: Tensor | None) -> Tensor:
    return patches if block_tokens is None else torch.cat([patches, block_tokens], dim=1)


class SHDIQATeacher(nn.Module):
    """The quality-aware submodule: names the distortion and the level of each block.

    It is trained on degraded crops alone, frozen while the student learns, and not needed to
    score. Arguments as for `SHDIQA`.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        partition: Partition = "vertical",
        **sizes: Unpack[Sizes],
    ) -> None:
        super().__init__()
        vit = VisionTransformer(backbone, **sizes)
        self.encoder = BlockEncoder(vit, partition=partition)
        width = vit.sizes["width"]
        self.type_head = nn.Linear(width, DISTORTION_TYPES)
        self.level_head = nn.Linear(width, DISTORTION_LEVELS)

    def forward(self, images: Tensor) -> TeacherOutput:
        """Read the distortions of normalised, block-wise degraded images (B, 3, S, S)."""
        return self.from_pooled(self.pooled(images))

    def pooled(self, images: Tensor) -> Tensor:
        """Map images to what is read of the backbone, (B, C, √N, √N)."""
        return self.encoder.vit.maps(images)

    def from_pooled(self, pooled: Tensor) -> TeacherOutput:
        """Read distortions by what `pooled` has returned; equal to `forward`."""
        _, _, t = self.encoder.from_maps(pooled)
        assert t is not None, "a teacher has BAF"  # noqa: S101  our invariant
        return TeacherOutput(
            block_tokens=t, type_logits=self.type_head(t), level_logits=self.level_head(t)
        )
