"""ViT-S/16: an encoder of patch tokens, with room for further tokens and a mask.

References:
    Touvron, Cord and Jégou, "DeiT III: Revenge of the ViT", ECCV 2022: positions are added to
    the patches alone, LayerScale starts at 1e-4.
    Qin et al., "Data-Efficient Image Quality Assessment with Attention-Panel Decoder", AAAI 2023:
    the same encoder as the base of DEIQT.
"""

import math
from collections.abc import Mapping
from typing import Literal, TypedDict, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from biqa_cli.errors import UsageError
from biqa_cli.networks.backbones import Backbone
from biqa_cli.networks.transformer import INIT_STD, NORM_EPS, EncoderBlock, initialise_linear

PATCH = 16
Levels = Literal["deep", "all"]


class Sizes(TypedDict, total=False):
    """The arguments of a `VisionTransformer` but its backbone."""

    depth: int
    width: int
    heads: int
    input_size: int
    patch: int
    levels: Levels


class PatchEmbedding(nn.Module):
    """The ViT's own patch embedding as a backbone of one map: a 16×16 convolution at stride 16.

    Args:
        width: Channels of a token.
    """

    strides: tuple[int, ...] = (PATCH,)
    stage_prefixes: tuple[tuple[str, ...], ...] = ()

    def __init__(self, width: int = 384) -> None:
        super().__init__()
        self.channels: tuple[int, ...] = (width,)
        self.conv = nn.Conv2d(3, width, PATCH, stride=PATCH)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images (B, 3, H, W) to one map (B, width, H / 16, W / 16)."""
        return (self.conv(x),)


class BackboneEmbedding(nn.Module):
    """Tokens of square patches from any backbone.

    The backbone's maps are brought to the stride of the patches and concatenated. Where they are
    not yet `width` channels together, a 1×1 convolution makes them so.

    Args:
        backbone: A network with a map at stride 16.
        width: Channels of a token.
        patch: Side of a patch in pixels.
        levels: Which maps: those from stride 16 on, or all.
    """

    def __init__(
        self, backbone: Backbone, width: int, *, patch: int = PATCH, levels: Levels = "deep"
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.patch = patch
        self.first = backbone.strides.index(PATCH) if levels == "deep" else 0
        channels = sum(backbone.channels[self.first :])
        self.project = nn.Identity() if channels == width else nn.Conv2d(channels, width, 1)

    def maps(self, images: Tensor) -> Tensor:
        """Map images (B, 3, H, W) to what is read of the backbone, (B, C, H / patch, W / patch)."""
        height, width = images.shape[-2:]
        size = (height // self.patch, width // self.patch)
        read = self.backbone(images)[self.first :]
        return torch.cat([_brought_to(each, size) for each in read], dim=1)

    def from_maps(self, maps: Tensor) -> Tensor:
        """Map that to tokens (B, N, width), row by row."""
        return cast("Tensor", self.project(maps)).flatten(2).mT


def _brought_to(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Return maps (B, C, h, w) of another size: means of finer ones, coarser ones interpolated."""
    if maps.shape[-1] > size[1]:
        return F.adaptive_avg_pool2d(maps, size)
    return maps if maps.shape[-2:] == size else F.interpolate(maps, size=size, mode="bilinear")


class VisionTransformer(nn.Module):
    """A class token and patch tokens through a transformer.

    Args:
        backbone: `PatchEmbedding` for the ViT itself; any other backbone makes a hybrid.
        depth: Transformer blocks. Without any, patches stay as they are embedded, and each other
            token is what is learnt of it plus the mean of the patches that it may attend to.
        width: Channels of a token.
        heads: Attention heads of a block.
        input_size: Side of the square images in pixels, a multiple of the patch.
        patch: Side of a patch in pixels.
        levels: Which maps of the backbone are read, see `BackboneEmbedding`.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        depth: int = 12,
        width: int = 384,
        heads: int = 6,
        input_size: int = 224,
        patch: int = PATCH,
        levels: Levels = "deep",
    ) -> None:
        super().__init__()
        if input_size % patch:
            msg = f"input_size must be a multiple of {patch} pixels, got {input_size}"
            raise UsageError(msg)
        self.input_size = input_size
        self.side = input_size // patch
        self.sizes = Sizes(
            depth=depth,
            width=width,
            heads=heads,
            input_size=input_size,
            patch=patch,
            levels=levels,
        )
        self.embedding = BackboneEmbedding(backbone, width, patch=patch, levels=levels)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, self.side**2, width))
        self.blocks = nn.ModuleList(EncoderBlock(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)
        nn.init.trunc_normal_(self.class_token, std=INIT_STD)
        nn.init.trunc_normal_(self.positions, std=INIT_STD)
        self.blocks.apply(initialise_linear)

    @property
    def stage_prefixes(self) -> tuple[tuple[str, ...], ...]:
        """See `Backbone`: the last two blocks, the two before, and what comes first."""
        blocks = [f"blocks.{n}." for n in range(len(self.blocks))]
        return (("embedding.", *blocks[:-4]), tuple(blocks[-4:-2]), (*blocks[-2:], "norm."))

    def forward(
        self, images: Tensor, *, extra: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Map normalised images (B, 3, S, S) to tokens: class, extra, patches row by row.

        Args:
            images: Square, of `input_size` pixels.
            extra: Learnt tokens (K, D) that stand between the class token and the patches.
            mask: (1 + K + N, 1 + K + N), True where a row may attend to a column.

        Returns:
            Tokens (B, 1 + K + N, D) after the last norm.

        Raises:
            UsageError: If the images are of another size.
        """
        return self.from_maps(self.maps(images), extra=extra, mask=mask)

    def maps(self, images: Tensor) -> Tensor:
        """Map images to what is read of the backbone, (B, C, √N, √N).

        Raises:
            UsageError: If the images are of another size.
        """
        if tuple(images.shape[-2:]) != (self.input_size, self.input_size):
            height, width = images.shape[-2:]
            msg = (
                f"this network reads {self.input_size}×{self.input_size} pixels, got "
                f"{height}×{width} (H×W): cut crops of that size, or build it with another "
                "input_size"
            )
            raise UsageError(msg)
        return self.embedding.maps(images)

    def from_maps(
        self, maps: Tensor, *, extra: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Map what is read of the backbone to tokens; otherwise as `forward`."""
        patches = self.embedding.from_maps(maps) + self.positions
        tokens: Tensor = self.class_token
        if extra is not None:
            tokens = torch.cat([tokens, extra[None]], dim=1)
        if not self.blocks:
            tokens = tokens + _means_seen(patches, mask, tokens.shape[1])
        x = torch.cat([tokens.expand(patches.shape[0], -1, -1), patches], dim=1)
        for block in self.blocks:
            x = block(x, mask)
        return cast("Tensor", self.norm(x))


def _means_seen(patches: Tensor, mask: Tensor | None, count: int) -> Tensor:
    """Return the mean of the patches that each of the first `count` tokens may attend to."""
    if mask is None:
        return patches.mean(dim=1, keepdim=True)
    sees = mask[:count, count:].to(patches)
    return sees / sees.sum(dim=1, keepdim=True) @ patches


_RENAMED = {
    "patch_embed.proj": "embedding.backbone.conv",
    "norm1": "norm1",
    "attn.proj": "attention.project",
    "norm2": "norm2",
    "mlp.fc1": "mlp.0",
    "mlp.fc2": "mlp.2",
    "norm": "norm",
}


def from_published_keys(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of a published ViT with LayerScale to those of `VisionTransformer`.

    Args:
        tensors: timm's names: `patch_embed.proj.*`, `cls_token`, `pos_embed`, `blocks.N.*` with
            `ls1.gamma` and `ls2.gamma`, `norm.*`; a classifier is ignored. Where the class token
            has a position of its own, as in DINOv2, the two are added.

    Returns:
        A state dict in float32, for a strict load where the patch embedding is the ViT's.
    """
    class_token, positions = tensors["cls_token"].float(), tensors["pos_embed"].float()
    if math.isqrt(positions.shape[1]) ** 2 != positions.shape[1]:
        class_token, positions = class_token + positions[:, :1], positions[:, 1:]
    state = {"class_token": class_token, "positions": positions}
    for name, tensor in tensors.items():
        module, _, leaf = name.rpartition(".")
        prefix = ""
        if module.startswith("blocks."):
            _, number, module = module.split(".", 2)
            prefix = f"blocks.{number}."
        if module == "attn.qkv":
            width = tensor.shape[0] // 3
            state[f"{prefix}attention.query.{leaf}"] = tensor[:width].float()
            state[f"{prefix}attention.key_value.{leaf}"] = tensor[width:].float()
        elif module in ("ls1", "ls2"):
            state[f"{prefix}scale{module[-1]}"] = tensor.float()
        elif module in _RENAMED:
            state[f"{prefix}{_RENAMED[module]}.{leaf}"] = tensor.float()
    return state
