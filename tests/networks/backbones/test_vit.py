"""The encoder against torch's own transformer layers, and published weights by name."""

import pytest
import torch
from tiny_backbone import TinyBackbone
from torch import Tensor, nn

from biqa_cli.errors import UsageError
from biqa_cli.networks.backbones.vit import (
    PatchEmbedding,
    VisionTransformer,
    from_published_keys,
)
from biqa_cli.networks.transformer import Attention, EncoderBlock


def _copy_attention(ours: Attention, theirs: nn.MultiheadAttention) -> None:
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key_value.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key_value.bias]))
    theirs.out_proj.load_state_dict(ours.project.state_dict())


def test_attention_is_torchs_multi_head_attention() -> None:
    torch.manual_seed(0)
    ours, theirs = Attention(12, 3), nn.MultiheadAttention(12, 3, batch_first=True)
    _copy_attention(ours, theirs)
    queries, memory = torch.randn(2, 4, 12), torch.randn(2, 7, 12)
    expected, weights = theirs(queries, memory, memory)
    assert torch.allclose(ours(queries, memory), expected, atol=1e-6)
    assert torch.allclose(ours.weights(queries, memory), weights, atol=1e-6)
    mask = torch.rand(4, 7) > 0.5
    mask[:, 0] = True
    masked, _ = theirs(queries, memory, memory, attn_mask=~mask)
    assert torch.allclose(ours(queries, memory, mask), masked, atol=1e-6)


def test_a_block_with_layer_scale_1_is_torchs_encoder_layer() -> None:
    torch.manual_seed(0)
    ours = EncoderBlock(12, 3)
    theirs = nn.TransformerEncoderLayer(
        12, 3, 48, dropout=0.0, activation="gelu", layer_norm_eps=1e-6, norm_first=True,
        batch_first=True,
    )  # fmt: skip
    _copy_attention(ours.attention, theirs.self_attn)
    theirs.linear1.load_state_dict(ours.mlp[0].state_dict())
    theirs.linear2.load_state_dict(ours.mlp[2].state_dict())
    x = torch.randn(2, 5, 12)
    assert torch.allclose(ours(x), x, atol=1e-2)
    nn.init.ones_(ours.scale1)
    nn.init.ones_(ours.scale2)
    assert torch.allclose(ours(x), theirs(x), atol=1e-6)


def test_the_papers_encoder_has_21_674_496_parameters() -> None:
    encoder = VisionTransformer(PatchEmbedding())
    assert sum(p.numel() for p in encoder.parameters()) == 21_674_496


def test_a_hybrid_projects_the_maps_from_stride_16_on() -> None:
    encoder = VisionTransformer(TinyBackbone(), depth=1, width=12, heads=2, input_size=64)
    assert encoder.embedding.project.in_channels == 8 + 10
    assert encoder(torch.randn(2, 3, 64, 64)).shape == (2, 1 + 16, 12)


def test_patches_of_32_pixels_are_means_of_finer_maps() -> None:
    torch.manual_seed(0)
    backbone = TinyBackbone()
    encoder = VisionTransformer(
        backbone, depth=1, width=12, heads=2, input_size=64, patch=32, levels="all"
    )
    images = torch.randn(2, 3, 64, 64)
    maps = encoder.maps(images)
    assert maps.shape == (2, sum(backbone.channels), 2, 2)
    finest = backbone(images)[0]
    side = finest.shape[-1] // 2
    corner = finest[:, :, :side, side:].mean(dim=(2, 3))
    assert torch.allclose(maps[:, : backbone.channels[0], 0, 1], corner, atol=1e-5)
    assert encoder.embedding.project.in_channels == sum(backbone.channels)
    assert encoder(images).shape == (2, 1 + 4, 12)


def test_without_blocks_each_token_is_the_mean_of_the_patches_that_it_may_attend_to() -> None:
    torch.manual_seed(0)
    encoder = VisionTransformer(TinyBackbone(), depth=0, width=12, heads=2, input_size=64)
    images, extra = torch.randn(2, 3, 64, 64), torch.randn(1, 12)
    patches = encoder.embedding.from_maps(encoder.maps(images)) + encoder.positions
    mask = torch.ones(18, 18, dtype=torch.bool)
    mask[1, 2:14] = False
    tokens = encoder(images, extra=extra, mask=mask)
    assert torch.allclose(tokens[:, 2:], encoder.norm(patches), atol=1e-6)
    whole = encoder.norm(encoder.class_token[0, 0] + patches.mean(dim=1))
    assert torch.allclose(tokens[:, 0], whole, atol=1e-6)
    last_row = encoder.norm(extra[0] + patches[:, 12:].mean(dim=1))
    assert torch.allclose(tokens[:, 1], last_row, atol=1e-6)
    assert torch.allclose(encoder(images)[:, 0], whole, atol=1e-6)


def test_other_sizes_than_the_encoders_are_refused() -> None:
    encoder = VisionTransformer(TinyBackbone(), depth=1, width=12, heads=2, input_size=64)
    with pytest.raises(UsageError, match="reads 64×64 pixels, got 64×96"):
        encoder(torch.zeros(1, 3, 64, 96))
    with pytest.raises(UsageError, match="multiple of 16 pixels, got 70"):
        VisionTransformer(TinyBackbone(), input_size=70)


def _published(*, tokens: int) -> dict[str, Tensor]:
    """Return tensors with timm's names for a ViT of width 12 and one block."""
    shapes = {
        "cls_token": (1, 1, 12),
        "pos_embed": (1, tokens, 12),
        "patch_embed.proj.weight": (12, 3, 16, 16),
        "patch_embed.proj.bias": (12,),
        "blocks.0.norm1.weight": (12,),
        "blocks.0.norm1.bias": (12,),
        "blocks.0.attn.qkv.weight": (36, 12),
        "blocks.0.attn.qkv.bias": (36,),
        "blocks.0.attn.proj.weight": (12, 12),
        "blocks.0.attn.proj.bias": (12,),
        "blocks.0.ls1.gamma": (12,),
        "blocks.0.norm2.weight": (12,),
        "blocks.0.norm2.bias": (12,),
        "blocks.0.mlp.fc1.weight": (48, 12),
        "blocks.0.mlp.fc1.bias": (48,),
        "blocks.0.mlp.fc2.weight": (12, 48),
        "blocks.0.mlp.fc2.bias": (12,),
        "blocks.0.ls2.gamma": (12,),
        "norm.weight": (12,),
        "norm.bias": (12,),
        "head.weight": (1000, 12),
    }
    torch.manual_seed(0)
    return {name: torch.randn(shape).half() for name, shape in shapes.items()}


@pytest.mark.parametrize("tokens", [4, 5])
def test_published_tensors_load_strictly_with_and_without_a_position_of_the_class(
    tokens: int,
) -> None:
    published = _published(tokens=tokens)
    encoder = VisionTransformer(PatchEmbedding(12), depth=1, width=12, heads=3, input_size=32)
    encoder.load_state_dict(from_published_keys(published), strict=True)
    extra = tokens - 4
    token = published["cls_token"].float() + published["pos_embed"][:, :extra].float().sum(1)
    assert torch.equal(encoder.class_token.data, token)
    assert torch.equal(encoder.positions.data, published["pos_embed"][:, extra:].float())
    attention = encoder.blocks[0].attention  # type: ignore[union-attr]
    ours = torch.cat([attention.query.weight, attention.key_value.weight])  # type: ignore[union-attr]
    assert torch.equal(ours, published["blocks.0.attn.qkv.weight"].float())
    assert torch.equal(encoder.blocks[0].scale2.data, published["blocks.0.ls2.gamma"].float())  # type: ignore[union-attr]
