"""REQA: quality in T steps, from coarse to fine, by feedback over three scales.

Reference:
    Li and Huo, "REQA: Coarse-to-fine assessment of image quality to alleviate the range effect",
    Journal of Visual Communication and Image Representation 98, 2024,
    https://doi.org/10.1016/j.jvcir.2023.104043
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isqrt, sqrt
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from biqa_cli.errors import UsageError
from biqa_cli.networks.backbones import Backbone

_HIDDEN = (16, 32, 64)
_POOL = 7
_DETAIL = 32
_EMBEDDING, _HEADS, _MLP_1, _CONTEXT = 224, 14, 176, 128
_DROPOUT = 0.1
_MLP_3 = (112, 56, 28, 14)
_OUTPUT_SCALE, _FIRST_SCORE = 10, 50
# The third map of a crop of this size is 7×7, one window of the read-out.
_SIZE_UNIT = 112

ReadOut = Literal["state", "gate"]


@dataclass(frozen=True, slots=True)
class REQAOutput:
    """What one forward pass of REQA returns, for T steps and N patches of the top map."""

    scores: Tensor
    """F_T (B,), at least 0, on a scale of 0 to 100 (eq. 8)."""
    step_scores: Tensor
    """F_t (B, T), on the same scale; all columns are equal without feedback."""
    v: Tensor | None
    """v_{d,t} (B, T, 3, 32), unbounded; None without feedback."""
    v_m: Tensor | None
    """(B, 128), unbounded; None without the transformer."""
    hidden: tuple[tuple[Tensor, ...], ...]
    """h_{d,t} as `hidden[d - 1][t - 1]` (B, C_d, H_d, W_d), in (-1, 1); empty without feedback."""
    attention: Tensor | None
    """A (B, 14, N + 1, N + 1), rows sum to 1 (eq. 6); None without the transformer."""


class FeedbackBlock(nn.Module):
    """G_d, a ConvLSTM cell that looks at one map T times (eqs. 1 and 2).

    The four gates i, f, o, c̃ are the quarters of one convolution and its batch norm, which is
    the same as four of each.

    Args:
        channels: Channels of the map fm_d.
        hidden: Channels C_d of the hidden state.
        side: Height and width of the map.
        reads_gate: Whether v_{d,t} is read from the output gate (eq. 1), not from the hidden state.
    """

    def __init__(self, channels: int, hidden: int, *, side: int, reads_gate: bool = False) -> None:
        super().__init__()
        self.reads_gate = reads_gate
        self.from_map = _conv_norm(channels, 4 * hidden)
        self.from_state = _conv_norm(hidden, 4 * hidden)
        self.pool = nn.AvgPool2d(_POOL)
        self.read_out = nn.Linear(hidden * (side // _POOL) ** 2, _DETAIL)
        nn.init.kaiming_normal_(self.read_out.weight)

    def forward(self, fm: Tensor, *, steps: int) -> tuple[Tensor, ...]:
        """Map fm_d (B, C, H, W) to the hidden states h_{d,1} … h_{d,T} (B, C_d, H, W)."""
        return self.states_and_gates(fm, steps=steps)[0]

    def states_and_gates(
        self, fm: Tensor, *, steps: int
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Return the hidden states, and the output gates fo_{d,1} … fo_{d,T}, of the same shape."""
        w_x = self.from_map(fm)
        # h_0 is 0 and so is its convolution; the batch norm of a constant is its bias.
        w_h = cast("nn.BatchNorm2d", self.from_state[1]).bias[:, None, None]
        c = torch.zeros_like(w_x.chunk(4, dim=1)[0])
        states, gates = [], []
        for _ in range(steps):
            i, f, o, candidate = (w_x + w_h).chunk(4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(candidate)
            gates.append(torch.sigmoid(o))
            h = gates[-1] * torch.tanh(c)
            states.append(h)
            if len(states) < steps:
                w_h = self.from_state(h)
        return tuple(states), tuple(gates)

    def details(self, read: Sequence[Tensor]) -> Tensor:
        """Map hidden states, or output gates, to v_{d,t} (B, T, 32); weights are shared over t."""
        pooled = torch.stack([self.pool(h).flatten(1) for h in read], dim=1)
        return cast("Tensor", self.read_out(pooled))


def _conv_norm(inputs: int, outputs: int) -> nn.Sequential:
    """Return a "conv block" of figure 4: a 1×1 convolution without bias, and batch norm."""
    conv = nn.Conv2d(inputs, outputs, 1, bias=False)
    nn.init.kaiming_normal_(conv.weight)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


class TransformerEncoder(nn.Module):
    """TE, which relates the places of the top map to each other (section III-B).

    Args:
        channels: Channels of the map fm_4.
        side: Height and width of the map; N = side².
        post_norm: Whether the second norm follows the residual sum of the attention, as in eq. 7,
            and not only what MLP-I reads, as in the released code.
    """

    def __init__(self, channels: int, *, side: int, post_norm: bool = False) -> None:
        super().__init__()
        self.post_norm = post_norm
        self.embed = nn.Conv2d(channels, _EMBEDDING, 1)
        self.quality = nn.Parameter(torch.zeros(1, 1, _EMBEDDING))
        self.position = nn.Parameter(torch.zeros(1, side**2 + 1, _EMBEDDING))
        self.dropout = nn.Dropout(_DROPOUT)
        self.norm_attention = nn.LayerNorm(_EMBEDDING, eps=1e-6)
        self.qkv = nn.Linear(_EMBEDDING, 3 * _EMBEDDING)
        self.w_ma = nn.Linear(_EMBEDDING, _EMBEDDING)
        self.norm_mlp = nn.LayerNorm(_EMBEDDING, eps=1e-6)
        self.mlp_1 = nn.Sequential(
            *(nn.Linear(_EMBEDDING, _MLP_1), nn.GELU(), nn.Dropout(_DROPOUT)),
            *(nn.Linear(_MLP_1, _EMBEDDING), nn.Dropout(_DROPOUT)),
        )
        self.mlp_2 = nn.Linear(_EMBEDDING, _CONTEXT)

    def forward(self, fm: Tensor) -> tuple[Tensor, Tensor]:
        """Map fm_4 (B, C, H, W) to v_m (B, 128) and A (B, 14, N + 1, N + 1)."""
        zeta = self.embed(fm).flatten(2).mT
        tokens = torch.cat([self.quality.expand(fm.shape[0], -1, -1), zeta], dim=1)
        x = self.dropout(tokens + self.position)
        attended, attention = self.attend(self.norm_attention(x))
        # Only the quality token is read from here on.
        xi = x[:, 0] + attended[:, 0]
        normed = self.norm_mlp(xi)
        xi = (normed if self.post_norm else xi) + self.mlp_1(normed)
        return self.mlp_2(xi), attention

    def attend(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return what 14 heads collect for tokens (B, N + 1, 224), and A (eqs. 6 and 7)."""
        split = self.qkv(x).unflatten(2, (3, _HEADS, _EMBEDDING // _HEADS))
        q, k, v = split.permute(2, 0, 3, 1, 4).unbind(0)
        attention = torch.softmax(q @ k.mT / sqrt(_EMBEDDING // _HEADS), dim=-1)
        return self.w_ma((attention @ v).transpose(1, 2).flatten(2)), attention


class REQA(nn.Module):
    """REQA on any backbone with four maps at strides 4, 8, 16 and 32.

    Args:
        backbone: A network that maps images to four feature maps, finest first.
        steps: T, 4 in the paper, 2 to 5 in Table V.
        feedback: Whether three feedback blocks look at the first three maps (Table V, FN).
        transformer: Whether the encoder looks at the top map (Table V, TE). Without both,
            the top map is averaged and mapped to 224 numbers.
        read_out: What v_{d,t} is read from: the hidden "state", as in the released code, or the
            output "gate", as eq. 1 has it.
        post_norm: See `TransformerEncoder`; true is eq. 7.
        input_size: Height and width of the crops that it reads, a multiple of 112. Read-outs
            and position embedding are made for it.

    Raises:
        UsageError: If there are fewer than two steps, or input_size is no multiple of 112.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        steps: int = 4,
        feedback: bool = True,
        transformer: bool = True,
        read_out: ReadOut = "state",
        post_norm: bool = False,
        input_size: int = 224,
    ) -> None:
        super().__init__()
        if steps < 2:  # noqa: PLR2004  one coarse step and at least one fine
            msg = (
                f"REQA has one coarse step and fine ones after it: use steps of 2 to 5, not {steps}"
            )
            raise UsageError(msg)
        if input_size < _SIZE_UNIT or input_size % _SIZE_UNIT:
            msg = f"input_size must be a multiple of {_SIZE_UNIT}, as 224 is, got {input_size}"
            raise UsageError(msg)
        self.backbone = backbone
        self.steps = steps
        self.input_size = input_size
        sides = [-(-input_size // stride) for stride in backbone.strides]
        self.feedback = nn.ModuleList(
            FeedbackBlock(channels, hidden, side=side, reads_gate=read_out == "gate")
            for channels, hidden, side in zip(
                backbone.channels[:3], _HIDDEN, sides[:3], strict=True
            )
            if feedback
        )
        top = backbone.channels[-1]
        self.transformer = (
            TransformerEncoder(top, side=sides[-1], post_norm=post_norm) if transformer else None
        )
        both_off = not feedback and not transformer
        self.baseline = nn.Linear(top, _EMBEDDING) if both_off else None
        features = _DETAIL * len(self.feedback) + (_CONTEXT if transformer else 0)
        self.mlp_3 = _mlp_3(features or _EMBEDDING)

    def forward(self, images: Tensor) -> REQAOutput:
        """Score normalised crops (B, 3, input_size, input_size).

        Raises:
            UsageError: If the crops are of another size.
        """
        height, width = images.shape[-2:]
        if (height, width) != (self.input_size, self.input_size):
            msg = (
                f"this REQA reads crops of {self.input_size}×{self.input_size} pixels, got "
                f"{height}×{width} (H×W): cut crops of that size and average their scores, or "
                "build it with another input_size"
            )
            raise UsageError(msg)
        *maps, top = self.backbone(images)
        blocks = cast("list[FeedbackBlock]", list(self.feedback))
        seen = [
            block.states_and_gates(fm, steps=self.steps)
            for block, fm in zip(blocks, maps, strict=False)
        ]
        hidden = tuple(states for states, _ in seen)
        v = v_m = attention = None
        features = []
        if self.transformer is not None:
            v_m, attention = self.transformer(top)
            features.append(v_m[:, None].expand(-1, self.steps, -1))
        if blocks:
            read = [
                block.details(gates if block.reads_gate else states)
                for block, (states, gates) in zip(blocks, seen, strict=True)
            ]
            v = torch.stack(read, dim=2)
            features.append(v.flatten(2))
        if self.baseline is not None:
            features.append(self.baseline(top.mean(dim=(2, 3)))[:, None].expand(-1, self.steps, -1))
        step_scores = _OUTPUT_SCALE * self.mlp_3(torch.cat(features, dim=2))[..., 0]
        return REQAOutput(step_scores[:, -1], step_scores, v, v_m, hidden, attention)

    def fitted(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors of a REQA for crops of any size as they fit this one.

        Read-outs and the positions of the encoder are interpolated over the places that they are
        for, as is usual for ViTs. A read-out makes of an evenly filled map what it made of it.
        """
        fitted = dict(tensors)
        for number, hidden in enumerate(_HIDDEN[: len(self.feedback)]):
            name = f"feedback.{number}.read_out.weight"
            given, wanted = tensors[name], self.get_parameter(name).shape[1] // hidden
            places = given.shape[1] // hidden
            maps = _of_places(given.reshape(_DETAIL, hidden, places), wanted)
            fitted[name] = (maps * (places / wanted)).flatten(1)
        if self.transformer is not None:
            name = "transformer.position"
            given, wanted = tensors[name].mT, self.get_parameter(name).shape[1] - 1
            maps = _of_places(given[..., 1:], wanted)
            fitted[name] = torch.cat([given[..., :1], maps], dim=2).mT
        return fitted


def _of_places(values: Tensor, count: int) -> Tensor:
    """Interpolate values (B, C, N) of the N places of a square to another square, (B, C, count)."""
    old, new = isqrt(values.shape[-1]), isqrt(count)
    maps = values.reshape(*values.shape[:2], old, old)
    return F.interpolate(maps, size=(new, new), mode="bilinear").flatten(2)


def _mlp_3(features: int) -> nn.Sequential:
    """Return MLP-III, with a ReLU after every layer, the last included."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise((features, *_MLP_3, 1)):
        linear = nn.Linear(inputs, outputs)
        nn.init.kaiming_normal_(linear.weight)
        layers += [linear, nn.ReLU()]
    # A third of all random starts would give 0 for every image, and the last ReLU no gradient.
    nn.init.constant_(linear.bias, _FIRST_SCORE / _OUTPUT_SCALE)
    return nn.Sequential(*layers)
