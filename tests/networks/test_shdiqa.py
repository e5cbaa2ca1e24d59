"""What holds of SHDIQA without data and without weights."""

import math
from typing import get_args

import numpy as np
import pytest
import torch
from family_checks import (
    Loss,
    batch_and_alone,
    float32_and_bfloat16,
    overfit_srcc,
    parameters_without_gradient,
)
from miniature import miniature
from tiny_backbone import TinyBackbone
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from biqa_cli.distortions.blockwise import degrade_blocks
from biqa_cli.distortions.named_blocks import PARTITIONS, Partition
from biqa_cli.errors import UsageError
from biqa_cli.models.build import assemble_network
from biqa_cli.networks.backbones.vit import PatchEmbedding
from biqa_cli.networks.shdiqa import (
    SHDIQA,
    PanelDecoder,
    SHDIQAOutput,
    SHDIQATeacher,
    block_mask,
)
from biqa_cli.training.families.shdiqa import (
    affinity_loss,
    contrastive_loss,
    quality_loss,
    teacher_loss,
)

_ALL: tuple[Partition, ...] = get_args(Partition)
_SMALL = {"depth": 2, "width": 24, "heads": 2, "input_size": 64}


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _small(**switches: object) -> SHDIQA:
    torch.manual_seed(0)
    return SHDIQA(TinyBackbone(), **{**_SMALL, **switches})  # type: ignore[arg-type]


def test_the_network_has_24_192_384_parameters_and_deiqt_24_043_776() -> None:
    with torch.device("meta"):
        network = SHDIQA(PatchEmbedding())
        assert _count(network) == 24_192_384
        assert _count(network.decoder) == 2_366_592 + 6 * 384 + 384
        assert _count(SHDIQA(PatchEmbedding(), use_baf=False)) == 24_043_776
        assert _count(SHDIQA(PatchEmbedding(), partition="grid")) == 24_192_384 + 2 * 384


@pytest.mark.parametrize(
    ("use_baf", "layers", "with_attention"), [(True, 4.354, 4.720), (False, 4.311, 4.670)]
)
def test_the_macs_are_those_of_table_5(use_baf: bool, layers: float, with_attention: float) -> None:
    # Shapes suffice to count.
    with torch.device("meta"):
        network = SHDIQA(PatchEmbedding(), use_baf=use_baf).eval()
        image = torch.zeros(1, 3, 224, 224)
    unfused = sdpa_kernel(SDPBackend.MATH)
    with FlopCounterMode(display=False) as counter, torch.inference_mode(), unfused:
        network(image)
    counts = {str(name): n / 2e9 for name, n in counter.get_flop_counts()["Global"].items()}
    products = counts.pop("aten.bmm")
    assert sum(counts.values()) == pytest.approx(layers, abs=5e-4)
    assert sum(counts.values()) + products == pytest.approx(with_attention, abs=5e-4)


@pytest.mark.parametrize("partition", _ALL)
def test_the_mask_opens_to_each_block_token_itself_and_its_own_patches(
    partition: Partition,
) -> None:
    count = len(PARTITIONS[partition])
    mask = block_mask(partition, 14)
    assert mask.shape == (1 + count + 196, 1 + count + 196) and mask.any(dim=1).all()
    tokens = mask[1 : 1 + count]
    assert not tokens[:, 0].any()
    assert torch.equal(tokens[:, 1 : 1 + count], torch.eye(count, dtype=torch.bool))
    assert torch.equal(tokens[:, 1 + count :].sum(dim=0), torch.ones(196, dtype=torch.long))
    others = torch.cat([mask[:1], mask[1 + count :]])
    assert not others[:, 1 : 1 + count].any()
    assert others[:, 0].all() and others[:, 1 + count :].all()


def test_vertical_is_left_and_right_horizontal_top_and_bottom_grid_four_quarters() -> None:
    def patches(partition: Partition, k: int) -> Tensor:
        count = len(PARTITIONS[partition])
        return block_mask(partition, 4)[1 + k, 1 + count :].reshape(4, 4)

    assert patches("vertical", 0)[:, :2].all() and not patches("vertical", 0)[:, 2:].any()
    assert patches("horizontal", 1)[2:].all() and not patches("horizontal", 1)[:2].any()
    assert patches("grid", 1)[:2, 2:].all() and patches("grid", 1).sum() == 4


def test_patches_that_cannot_be_halved_are_refused() -> None:
    with pytest.raises(UsageError, match="3 patches a side cannot be halved"):
        _small(input_size=48)


def test_block_tokens_read_without_disturbing_the_encoder() -> None:
    with_baf, without = _small().eval(), _small(use_baf=False).eval()
    without.encoder.vit.load_state_dict(with_baf.encoder.vit.state_dict())
    images = torch.randn(2, 3, 64, 64)
    assert torch.allclose(
        torch.cat(with_baf.encoder(images)[:2], dim=1),
        torch.cat(without.encoder(images)[:2], dim=1),
        atol=1e-6,
    )


@pytest.mark.parametrize("partition", _ALL)
def test_after_one_layer_a_block_token_has_seen_its_own_block_alone(partition: Partition) -> None:
    torch.manual_seed(0)
    network = SHDIQA(
        PatchEmbedding(24), partition=partition, depth=1, width=24, heads=2, input_size=64
    ).eval()
    nn.init.ones_(network.encoder.vit.blocks[0].scale1)  # type: ignore[arg-type]
    images = torch.randn(1, 3, 64, 64)
    changed = images.clone()
    changed[..., :32, :32] += 1
    before, after = network.block_tokens(images)[0], network.block_tokens(changed)[0]
    moved = (before - after).abs().amax(dim=1) > 1e-4
    assert moved.tolist() == [k == 0 for k in range(len(before))]


def test_without_transformer_blocks_a_block_token_has_seen_its_own_block_alone() -> None:
    network = _small(depth=0).eval()
    images = torch.randn(1, 3, 64, 64)
    maps = network.pooled(images)
    changed = maps.clone()
    changed[..., : maps.shape[-1] // 2] += 1
    before, after = network.from_pooled(maps), network.from_pooled(changed)
    assert before.block_tokens is not None and after.block_tokens is not None
    moved = (before.block_tokens - after.block_tokens).abs().amax(dim=(0, 2)) > 1e-4
    assert moved.tolist() == [True, False]
    assert not torch.equal(before.scores, after.scores)


def test_a_vit_without_its_blocks_is_refused() -> None:
    with pytest.raises(UsageError, match="take another backbone, such as efficientnet-lite0"):
        assemble_network("shdiqa", ["vit-s16"], options={"encoder": "means"})


def test_the_filter_gates_each_token_with_its_own_sigmoid() -> None:
    network = _small().eval()
    assert network.encoder.filter is not None
    images = torch.randn(1, 3, 64, 64)
    nn.init.zeros_(network.encoder.filter.weight)
    network.encoder.filter.bias.data.fill_(math.log(3))
    tokens = network.encoder.vit(images, extra=network.encoder.tokens, mask=network.encoder.mask)
    assert torch.allclose(network.block_tokens(images), 0.75 * tokens[:, 1:3], atol=1e-6)


def test_the_decoder_is_torchs_decoder_layer_on_panels_plus_class_token() -> None:
    torch.manual_seed(0)
    ours = PanelDecoder(12, 3)
    theirs = nn.TransformerDecoderLayer(
        12, 3, 48, dropout=0.0, activation="gelu", norm_first=True, batch_first=True
    )
    for mine, other in (
        (ours.self_attention, theirs.self_attn),
        (ours.cross_attention, theirs.multihead_attn),
    ):
        other.in_proj_weight.data = torch.cat([mine.query.weight, mine.key_value.weight]).data
        other.in_proj_bias.data = torch.cat([mine.query.bias, mine.key_value.bias]).data
        other.out_proj.load_state_dict(mine.project.state_dict())
    theirs.linear1.load_state_dict(ours.mlp[0].state_dict())
    theirs.linear2.load_state_dict(ours.mlp[2].state_dict())
    class_token, memory = torch.randn(2, 1, 12), torch.randn(2, 9, 12)
    expected = ours.score(theirs(ours.panels + class_token, memory)).squeeze(-1)
    assert torch.allclose(ours(class_token, memory), expected, atol=1e-6)
    assert torch.allclose(ours.attention(class_token, memory).sum(dim=2), torch.ones(2, 6))


@pytest.mark.parametrize("partition", _ALL)
def test_outputs_have_their_shapes_and_the_score_is_the_mean_of_the_panels(
    partition: Partition,
) -> None:
    network = _small(partition=partition).eval()
    images = torch.randn(3, 3, 64, 64)
    output = network(images)
    assert output.scores.shape == (3,) and output.panel_scores.shape == (3, 6)
    assert output.block_tokens.shape == (3, len(PARTITIONS[partition]), 24)
    assert torch.equal(output.scores, output.panel_scores.mean(dim=1))
    assert torch.equal(output.block_tokens, network.block_tokens(images))


def test_panels_look_at_patches_and_block_tokens() -> None:
    images = torch.randn(2, 3, 64, 64)
    seen = _small().eval().panel_attention(images)
    assert seen.shape == (2, 6, 4, 4) and (seen > 0).all()
    assert (seen.sum(dim=(2, 3)) < 1).all()
    alone = _small(use_baf=False).eval().panel_attention(images)
    assert torch.allclose(alone.sum(dim=(2, 3)), torch.ones(2, 6))


def test_without_baf_there_are_no_block_tokens() -> None:
    network = _small(use_baf=False).eval()
    assert network(torch.randn(1, 3, 64, 64)).block_tokens is None
    with pytest.raises(UsageError, match="build it with use_baf=True"):
        network.block_tokens(torch.randn(1, 3, 64, 64))


def test_images_that_are_not_square_are_refused() -> None:
    with pytest.raises(UsageError, match="this network reads 64×64 pixels, got 64×96"):
        _small()(torch.zeros(1, 3, 64, 96))


def test_the_teacher_names_24_types_and_4_levels_of_each_block() -> None:
    teacher = SHDIQATeacher(TinyBackbone(), partition="grid", **_SMALL)  # type: ignore[arg-type]
    output = teacher.eval()(torch.randn(2, 3, 64, 64))
    assert output.block_tokens.shape == (2, 4, 24)
    assert output.type_logits.shape == (2, 4, 24) and output.level_logits.shape == (2, 4, 4)


def _normalised(images: Tensor) -> Tensor:
    return 4 * (images - 0.5)


def _own_loss(network: SHDIQA, images: Tensor, mos: Tensor, *, width: int) -> Loss:
    """Return the student's loss on degraded versions of the images, against a frozen teacher."""
    views = (images.permute(0, 2, 3, 1).numpy() * 255).round().astype(np.uint8)
    degraded = [
        degrade_blocks(view, np.random.default_rng(i), partition="vertical")
        for i, view in enumerate(views)
    ]
    pixels = np.stack([view for view, _, _ in degraded])
    crops = _normalised(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255)
    types = torch.from_numpy(np.stack([kinds for _, kinds, _ in degraded]))
    teacher = SHDIQATeacher(TinyBackbone(), **{**_SMALL, "width": width}).eval()  # type: ignore[arg-type]
    with torch.no_grad():
        wanted = teacher(crops).block_tokens
    projector = nn.Linear(width, width)

    def loss(output: SHDIQAOutput, chosen: Tensor) -> Tensor:
        learnt, taught = projector(network.block_tokens(crops[chosen])), wanted[chosen]
        distilled = contrastive_loss(learnt, taught, types[chosen]) + affinity_loss(learnt, taught)
        return quality_loss(output.scores, mos[chosen]) + 0.05 * distilled

    return loss


@pytest.mark.slow
def test_it_overfits_the_miniature_set_with_its_own_loss() -> None:
    data = miniature(64)
    network = _small(width=48, heads=4)
    loss = _own_loss(network, data.images, data.mos, width=48)
    images = _normalised(data.images)
    assert overfit_srcc(network, images, data.mos, loss, steps=150, rate=2e-3) > 0.95


def test_gradients_reach_every_parameter_of_student_and_teacher() -> None:
    data = miniature(64)
    network, images = _small(), _normalised(data.images[:8])
    loss = _own_loss(network, data.images[:8], data.mos[:8], width=24)
    assert parameters_without_gradient(network, loss(network(images), torch.arange(8))) == []
    teacher = SHDIQATeacher(TinyBackbone(), **_SMALL)  # type: ignore[arg-type]
    output, labels = teacher(images), torch.randint(4, (8, 2))
    of_teacher = teacher_loss(output.type_logits, output.level_logits, labels, labels)
    assert parameters_without_gradient(teacher, of_teacher) == []


def test_a_batch_scores_like_its_images_alone_and_twice_the_same() -> None:
    together, alone = batch_and_alone(_small(), torch.randn(8, 3, 64, 64))
    assert torch.allclose(together, alone, atol=1e-5)


def test_bfloat16_scores_differ_by_less_than_6_thousandths() -> None:
    # Measured: 0.002 for scores of the order of 1.
    torch.manual_seed(0)
    full, half = float32_and_bfloat16(_small(width=48), torch.randn(8, 3, 64, 64))
    assert torch.allclose(full, half, rtol=0, atol=6e-3)
