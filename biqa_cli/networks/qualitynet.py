"""QualityNet: two backbones, each weighted by spatial and channel attention, fused into one score.

Reference:
    Aslam et al., "QualityNet: A multi-stream fusion framework with spatial and channel attention
    for blind image quality assessment", Scientific Reports 14, 2024,
    https://doi.org/10.1038/s41598-024-77076-4
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

import torch
from torch import Tensor, nn

from biqa_cli.distortions.flaws import FLAWS
from biqa_cli.errors import UsageError
from biqa_cli.networks.backbones import Backbone

Chains = Literal[1, 2, "both"]
Attention = Literal["none", "SA", "CA", "SA+CA"]
Levels = Literal["last", "all"]
Pooling = Literal["mean", "mean+std"]
Affine = tuple[tuple[float, ...], tuple[float, ...]]

_CHANNEL_REDUCTION = 8
# Keras' values for batch norm, in torch's meaning of momentum.
_BN_EPS, _BN_MOMENTUM = 1e-3, 0.01
_VARIANCE_FLOOR = 1e-8


@dataclass(frozen=True, slots=True)
class QualityNetOutput:
    """What one forward pass of QualityNet returns.

    Tuples have one entry for each chain; with levels="all" one for each level of each chain, the
    finest of the first chain first.
    """

    scores: Tensor
    """(B,), unbounded, on the scale of the labels (eq. 34), with `flaws` lowered by them, but in
    training."""
    features: Tensor
    """The fused vector (B, C_1 + C_2), 4608 numbers in the paper (eq. 24)."""
    maps: tuple[Tensor, ...]
    """The maps that are read (B, C, h, w), in the paper the last of each backbone: see Grad-CAM."""
    spatial_gates: tuple[Tensor, ...]
    """In (0, 1) (eq. 4): (B, 1, 1, 1) with GAP first, else (B, 1, h, w). Empty without SA."""
    channel_gates: tuple[Tensor, ...]
    """(B, C) in (0, 1) (eq. 10). Empty without CA."""
    rated: Tensor
    """(B,), the scores before flaws lower them."""
    pooled: tuple[Tensor, ...] = ()
    """The means and deviations of `maps`, (B, 2·C, 1, 1) each; empty with pooling="mean"."""
    ceilings: Tensor | None = None
    """(B,), the most that photos with such flaws are worth, on the same scale; None without them,
    and in training, where `flaws_of` tells."""
    flaws: Tensor | None = None
    """(B, 12) in (0, 1): how strong each of `FLAWS` is; None where `ceilings` is."""


class SpatialAttention(nn.Module):
    """SA: one gate for each place, from the mean and the maximum of its channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to gates (B, 1, H, W) in (0, 1) (eqs. 1 to 4)."""
        pooled = torch.cat([x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)], dim=1)
        return torch.sigmoid(self.conv(pooled))


class ChannelAttention(nn.Module):
    """CA: one gate for each channel, from its mean and its maximum over the map.

    Args:
        channels: Channels of the map; the hidden layer has an eighth of them.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(1, channels // _CHANNEL_REDUCTION)
        self.fc1 = nn.Linear(2 * channels, hidden)
        self.fc2 = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to gates (B, C, 1, 1) in (0, 1) (eqs. 6 to 10)."""
        pooled = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)
        gates = torch.sigmoid(self.fc2(torch.relu(self.fc1(pooled))))
        return gates[:, :, None, None]


class QualityNet(nn.Module):
    """QualityNet on any two backbones.

    Args:
        first: Chain-1, ResNet-50 in the paper.
        second: Chain-2, EfficientNet-B7 in the paper.
        chains: Both chains, or the one that the ablation keeps (figure 15); the backbone of the
            other is then not part of the network.
        attention: Which attention blocks each chain has (figure 15: none or both).
        inputs: For each chain the (scale, shift) of the channels that turns the normalised view
            into what its backbone was trained with; None leaves the view as it is.
        attention_first: Gates the map and pools last, as the prose says. Otherwise pools the map,
            then gates the 1×1 rest, as eqs. 13 to 16 say.
        levels: "last" reads the last map of each backbone, as the paper does; "all" reads all four,
            each with attention of its own (our extension: flaws that pass before the last map).
        pooling: What global pooling leaves of a map: its means, as in the paper, or its means and
            standard deviations (our extension: noise and blur change how much a map varies).
        flaws: Whether a second head tells which flaws there are, and the most that a photo with
            them is worth, and `lowered` lowers the scores (our extension: rated photos hardly have
            the flaws that a head could learn to rate).

    Raises:
        UsageError: If a switch has another value than these.
    """

    def __init__(
        self,
        first: Backbone,
        second: Backbone,
        *,
        chains: Chains = "both",
        attention: Attention = "SA+CA",
        attention_first: bool = False,
        levels: Levels = "last",
        pooling: Pooling = "mean",
        flaws: bool = False,
        inputs: Sequence[Affine | None] = (None, None),
    ) -> None:
        super().__init__()
        switches = (
            (chains, Chains),
            (attention, Attention),
            (levels, Levels),
            (pooling, Pooling),
        )
        for value, choices in switches:
            if value not in get_args(choices):
                allowed = ", ".join(map(repr, get_args(choices)))
                msg = f"QualityNet has no variant {value!r}: use one of {allowed}"
                raise UsageError(msg)
        if attention_first and (flaws or pooling != "mean"):
            raise UsageError(
                "attention_first gates maps: it goes with pooling=mean and flaws=false alone"
            )
        backbones = {1: [first], 2: [second], "both": [first, second]}[chains]
        self._inputs = {1: inputs[:1], 2: inputs[1:], "both": inputs}[chains]
        self.attention_first = attention_first
        self.levels = 1 if levels == "last" else len(first.channels)
        self.backbones = nn.ModuleList(cast("list[nn.Module]", backbones))
        self.statistics = 2 if pooling == "mean+std" else 1
        self.widths = [
            self.statistics * c for backbone in backbones for c in backbone.channels[-self.levels :]
        ]
        self.spatial = nn.ModuleList(SpatialAttention() for _ in self.widths if "SA" in attention)
        self.channel = nn.ModuleList(ChannelAttention(c) for c in self.widths if "CA" in attention)
        self.head = dense_layers(sum(self.widths), 1)
        self.flaw_head = dense_layers(sum(self.widths), 1 + len(FLAWS)) if flaws else None

    def forward(self, images: Tensor) -> QualityNetOutput:
        """Score normalised images (B, 3, H, W) of any size that the backbones accept."""
        return self.from_maps(self.maps(images))

    def maps(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map images to the maps that are read, (B, 2048, 7, 7) and (B, 2560, 7, 7) at 224."""
        read: list[Tensor] = []
        for backbone, affine in zip(self.backbones, self._inputs, strict=True):
            maps = backbone(images if affine is None else _applied(affine, images))
            read += maps[-self.levels :]
        return tuple(read)

    def pooled(self, images: Tensor) -> Tensor:
        """Return what GAP first leaves of the maps: (B, C_1 + C_2), twice that with deviations."""
        return torch.cat([self._pool(x).flatten(1).float() for x in self.maps(images)], dim=1)

    def from_pooled(self, pooled: Tensor) -> QualityNetOutput:
        """Score images by what `pooled` has returned; with GAP first it is equal to `forward`."""
        split = torch.split(pooled[:, :, None, None], self.widths, dim=1)
        return self._from_gateable(split, maps=split)

    def from_maps(self, maps: Sequence[Tensor]) -> QualityNetOutput:
        """Score what `maps` has returned (eqs. 13 to 34)."""
        gateable = maps if self.attention_first else [self._pool(x) for x in maps]
        return self._from_gateable(gateable, maps=maps)

    def _pool(self, x: Tensor) -> Tensor:
        """Return the means of a map (B, C, 1, 1), with "mean+std" its deviations behind them."""
        # Not in bfloat16: a deviation is made of small differences.
        precise = torch.promote_types(x.dtype, torch.float32)
        mean = x.mean(dim=(2, 3), keepdim=True, dtype=precise)
        if self.statistics == 1:
            return mean
        # Not torch.std: its gradient is not finite where a channel is constant.
        variance = (x - mean).square().mean(dim=(2, 3), keepdim=True)
        return torch.cat([mean, (variance + _VARIANCE_FLOOR).sqrt()], dim=1)

    def _from_gateable(
        self, gateable: Sequence[Tensor], *, maps: Sequence[Tensor]
    ) -> QualityNetOutput:
        gated = list(gateable)
        spatial_gates = tuple(sa(x) for sa, x in zip(self.spatial, gated, strict=False))
        gated = _apply(spatial_gates, gated)
        channel_gates = tuple(ca(x) for ca, x in zip(self.channel, gated, strict=False))
        gated = _apply(channel_gates, gated)
        features = torch.cat([x.mean(dim=(2, 3)) for x in gated], dim=1)
        scores = rated = self.head(features)[:, 0]
        ceilings = flaws = None
        # In training it is shown examples alone: its batch norms shall see nothing else.
        if self.flaw_head is not None and not self.training:
            ceilings, flaws = self.flaws_of(torch.cat([x.flatten(1) for x in gateable], dim=1))
            scores = lowered(rated, ceilings, flaws)
        return QualityNetOutput(
            scores=scores,
            features=features,
            maps=tuple(maps),
            spatial_gates=spatial_gates,
            channel_gates=tuple(gate.flatten(1) for gate in channel_gates),
            rated=rated,
            pooled=tuple(gateable) if self.statistics > 1 else (),
            ceilings=ceilings,
            flaws=flaws,
        )

    def flaws_of(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """Return the ceilings (B,) and how strong each of `FLAWS` is (B, 12).

        Args:
            pooled: What `pooled` has returned.
        """
        assert self.flaw_head is not None, "only with flaws"  # noqa: S101  our invariant
        said = self.flaw_head(pooled)
        return said[:, 0], torch.sigmoid(said[:, 1:])


def lowered(rated: Tensor, ceilings: Tensor, flaws: Tensor) -> Tensor:
    """Return scores (B,) between what photos would be rated and their ceilings, if these are lower.

    The stronger the flaws (B, 12) are, all together, the nearer to the ceiling, which is reached
    where they add up to 2/3: no score is lowered where no flaw is told.
    """
    return rated - (1.5 * flaws.sum(dim=1)).clamp(max=1) * (rated - ceilings).clamp(min=0)


def _applied(affine: Affine, images: Tensor) -> Tensor:
    """Return scale · x + shift, channel by channel."""
    scale, shift = (images.new_tensor(values).reshape(3, 1, 1) for values in affine)
    return scale * images + shift


def _apply(gates: Sequence[Tensor], maps: Sequence[Tensor]) -> list[Tensor]:
    """Return gate · map for each chain (eqs. 5 and 11), the maps themselves without gates."""
    return [gate * x for gate, x in zip(gates, maps, strict=True)] if gates else list(maps)


def dense_layers(features: int, outputs: int) -> nn.Sequential:
    """Return the head (eqs. 25 to 34), which NLNet may have too."""
    return nn.Sequential(
        *_dense(features, 1024, dropout=0.25),
        *_dense(1024, 512, dropout=0.25),
        *_dense(512, 256, dropout=0.5),
        nn.Linear(256, outputs),
    )


def _dense(inputs: int, outputs: int, *, dropout: float) -> tuple[nn.Module, ...]:
    """Return one stage of the head (eqs. 25 to 27); "Bernoulli(p)" in eq. 27 is what is kept."""
    return (
        nn.Linear(inputs, outputs),
        nn.ReLU(),
        nn.BatchNorm1d(outputs, eps=_BN_EPS, momentum=_BN_MOMENTUM),
        nn.Dropout(dropout),
    )
