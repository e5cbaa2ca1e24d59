from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import torch
from biqa_cli.training.backbones import BackboneSlot
from biqa_cli.training.hints import Hinted, channel_correlation, with_hints
from biqa_cli.training.initial import trained_backbone
from safetensors.torch import save_file
from tiny_backbone import TinyBackbone
from torch import Tensor, nn

from biqa_cli.errors import UsageError, WeightsError
from biqa_cli.models.build import build_backbone
from biqa_cli.models.catalog import IMAGENET_MEAN, IMAGENET_STD, LITE_MEAN, LITE_STD
from biqa_cli.networks.blockiqa import BlockIQA
from biqa_cli.training.families.base import Batch, Phase, Terms, output_of
from biqa_cli.weights.cache import locate
from biqa_cli.weights.manifest import load_manifest

SLOT = BackboneSlot("backbone.", "efficientnet-lite0")


class Scorer(nn.Module):
    """The mean of the backbone's last map is the score."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, images: Tensor) -> Tensor:
        maps: tuple[Tensor, ...] = self.backbone(images)
        return maps[-1].mean(dim=(1, 2, 3))


def phase_of(network: nn.Module) -> Phase:
    def loss(batch: Batch) -> Terms:
        return {"loss": 0 * network(batch.images).sum() + 2}

    return Phase("", 1, network, network, "", loss, nn.functional.mse_loss)


def mse_of(network: nn.Module) -> Callable[[Batch], Terms]:
    return lambda batch: {"loss": output_of(network, batch).scores.square().mean()}


def batch_of(images: Tensor) -> Batch:
    nothing = torch.zeros(len(images))
    return Batch(images, nothing, nothing, {}, 0, torch.Generator())


def embedded_weights() -> Path:
    checkpoint = load_manifest().find("qualitynet-lite")
    assert checkpoint is not None
    file = locate(checkpoint.weights)
    assert file is not None
    return file


def lite0(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return cast("nn.Module", build_backbone("efficientnet-lite0")).eval()


def test_the_correlation_is_of_each_channel_over_images_and_places() -> None:
    torch.manual_seed(0)
    maps = torch.randn(4, 3, 5, 6)
    scaled = torch.tensor([0.01, 1, 100]).view(3, 1, 1) * maps + 7
    assert channel_correlation(maps, scaled).item() == pytest.approx(1, abs=1e-3)
    assert channel_correlation(maps, -maps).item() == pytest.approx(-1, abs=1e-3)
    assert channel_correlation(maps, torch.ones_like(maps)).item() == 0
    other = torch.randn(4, 3, 5, 6)
    each = [
        torch.corrcoef(torch.stack([maps[:, c].flatten(), other[:, c].flatten()]))[0, 1]
        for c in range(3)
    ]
    expected = torch.stack(each).mean().item()
    assert channel_correlation(maps, other).item() == pytest.approx(expected, abs=1e-4)


def test_a_backbone_that_is_its_teacher_has_nothing_to_learn() -> None:
    (_, backbone), (_, teacher) = (
        trained_backbone(embedded_weights()),
        trained_backbone(embedded_weights()),
    )
    backbone.eval()
    phase = with_hints(
        phase_of(Scorer(backbone)), SLOT, teacher, "efficientnet-lite0", weight=3, trainable="all"
    )
    hinted = cast("Hinted", phase.learner)
    for regressor in cast("list[nn.Conv2d]", hinted.regressors):
        nn.init.dirac_(regressor.weight)
    same = phase.loss(batch_of(torch.randn(2, 3, 64, 64)))
    assert same["hint"].item() == pytest.approx(0, abs=1e-3)
    other = with_hints(
        phase_of(Scorer(backbone)), SLOT, lite0(1), "efficientnet-lite0", weight=3, trainable="all"
    )
    terms = other.loss(batch_of(torch.randn(2, 3, 64, 64)))
    assert terms["hint"] > 0.5
    assert terms["loss"].item() == pytest.approx(2 + 3 * terms["hint"].item())


def test_the_backbone_learns_and_its_teacher_does_not() -> None:
    backbone, teacher = lite0(0), lite0(1)
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    phase = with_hints(
        phase_of(Scorer(backbone)), SLOT, teacher, "efficientnet-lite0", weight=1, trainable="all"
    )
    phase.learner.train()
    torch.manual_seed(2)
    images = torch.randn(4, 3, 64, 64)
    learns = [p for p in phase.learner.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(learns, lr=1e-3)
    hints = []
    for _ in range(8):
        optimiser.zero_grad()
        terms = phase.loss(batch_of(images))
        terms["loss"].backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        hints.append(terms["hint"].item())
    assert hints[-1] < 0.8 * hints[0]
    assert all(torch.equal(before[name], t) for name, t in teacher.state_dict().items())
    assert phase.learner.get_submodule(phase.prefix.rstrip(".")) is phase.network


def test_the_teacher_sees_the_same_pixels_normalised_as_it_learnt_them() -> None:
    seen = []

    class Spy(nn.Module):
        channels, strides = (2,), (32,)

        def forward(self, images: Tensor) -> tuple[Tensor, ...]:
            seen.append(images)
            return (images[:, :2, ::32, ::32],)

    def normalised(pixels: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
        return (pixels - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)

    pixels = torch.rand(2, 3, 64, 64)
    network = Scorer(cast("nn.Module", build_backbone("resnet50")))
    slot = BackboneSlot("backbone.", "resnet50")
    phase = with_hints(
        phase_of(network), slot, Spy(), "efficientnet-lite0", weight=1, trainable="all"
    )
    phase.loss(batch_of(normalised(pixels, IMAGENET_MEAN, IMAGENET_STD)))
    (images,) = seen
    assert torch.allclose(images, normalised(pixels, LITE_MEAN, LITE_STD), atol=1e-5)


def test_what_is_kept_of_teacher_and_frozen_stages_hints_as_the_photos_do() -> None:
    torch.manual_seed(0)
    network, teacher = BlockIQA(TinyBackbone(), blocks=1), TinyBackbone()
    images = torch.randn(3, 3, 64, 96)
    network.learns_above = (64, 96)
    plain = Phase("", 1, network, network, "", mse_of(network), nn.functional.mse_loss)
    slot = BackboneSlot("backbone.", "resnet50")
    phases = [
        with_hints(
            replace(plain, keeps_below_last=kept),
            slot,
            teacher,
            "resnet50",
            weight=2,
            trainable="last",
        )
        for kept in (False, True)
    ]
    phases[1].learner.load_state_dict(phases[0].learner.state_dict())
    assert phases[0].beside is None and phases[1].beside is not None
    with torch.no_grad():
        kept = [network.pooled(images), phases[1].beside(images)[:, None]]
    batches = [batch_of(images), replace(batch_of(torch.cat(kept, dim=2)), is_pooled=True)]
    network.eval()
    seen, pooled = (phase.loss(b) for phase, b in zip(phases, batches, strict=True))
    assert seen["hint"].item() == pytest.approx(pooled["hint"].item(), rel=1e-5)
    assert seen["loss"].item() == pytest.approx(pooled["loss"].item(), rel=1e-5)
    # Only the last map: the others are frozen.
    assert len(cast("Hinted", phases[0].learner).regressors) == 1
    pooled["loss"].backward()  # type: ignore[no-untyped-call]
    assert network.backbone.last.weight.grad is not None


def test_the_backbone_of_a_checkpoint_is_found_and_other_files_are_refused(tmp_path: Path) -> None:
    name, backbone = trained_backbone(embedded_weights())
    assert name == "efficientnet-lite0"
    assert len(backbone(torch.zeros(1, 3, 64, 64))) == 4
    unknown = tmp_path / "unknown.safetensors"
    save_file({"x": torch.zeros(3)}, unknown)
    with pytest.raises(WeightsError, match="does not say which network it is"):
        trained_backbone(unknown)
    with pytest.raises((WeightsError, UsageError)):
        trained_backbone(tmp_path / "missing.safetensors")
