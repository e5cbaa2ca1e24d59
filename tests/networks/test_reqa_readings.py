"""REQA as its equations say, to the letter, where the default differs."""

from typing import get_args

import torch
from tiny_backbone import TinyBackbone

from biqa_cli.networks.reqa import REQA, FeedbackBlock, ReadOut, TransformerEncoder


def test_read_literally_v_comes_from_the_output_gate() -> None:
    torch.manual_seed(0)
    block = FeedbackBlock(5, 3, side=7, reads_gate=True)
    fm = torch.randn(4, 5, 7, 7)
    states, gates = block.states_and_gates(fm, steps=3)
    h = c = torch.zeros(4, 3, 7, 7)
    for state, gate in zip(states, gates, strict=True):
        i, f, o, candidate = (block.from_map(fm) + block.from_state(h)).split(3, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * candidate.tanh()
        h = o.sigmoid() * c.tanh()
        assert torch.allclose(gate, o.sigmoid(), atol=1e-6)
        assert torch.allclose(state, gate * c.tanh(), atol=1e-6)
    images, outputs = torch.randn(2, 3, 224, 224), []
    for read_out in get_args(ReadOut):
        torch.manual_seed(1)
        outputs.append(REQA(TinyBackbone(), read_out=read_out).eval()(images))
    state, gate = outputs
    # The states are the same whatever is read; what v makes of them is not.
    assert torch.equal(state.hidden[0][0], gate.hidden[0][0])
    assert not torch.allclose(state.v, gate.v)


def test_read_literally_the_norm_follows_the_residual_sum() -> None:
    torch.manual_seed(0)
    for post_norm in (False, True):
        encoder = TransformerEncoder(16, side=7, post_norm=post_norm).eval()
        with torch.no_grad():
            encoder.norm_mlp.weight.uniform_(0.5, 2)
            encoder.norm_mlp.bias.uniform_(-1, 1)
        fm = torch.randn(2, 16, 7, 7)
        tokens = torch.cat([encoder.quality.expand(2, -1, -1), encoder.embed(fm).flatten(2).mT], 1)
        x = tokens + encoder.position
        total = x[:, 0] + encoder.attend(encoder.norm_attention(x))[0][:, 0]
        normed = encoder.norm_mlp(total)
        xi = (normed if post_norm else total) + encoder.mlp_1(normed)
        assert torch.allclose(encoder(fm)[0], encoder.mlp_2(xi), atol=1e-6)
