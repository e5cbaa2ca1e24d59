"""What every family must do, whatever its equations: the tests of the families call these."""

from collections.abc import Callable
from typing import Any

import scipy.stats
import torch
from torch import Tensor, nn

Loss = Callable[[Any, Tensor], Tensor]
"""From what a network returns for the chosen photos and their indices to a scalar."""


def overfit_srcc(
    network: nn.Module,
    images: Tensor,
    mos: Tensor,
    loss: Loss,
    *,
    steps: int,
    rate: float = 1e-3,
    batch: int = 32,
) -> float:
    """Train on a few photos and return the SRCC on them in evaluation mode.

    The training ends once the SRCC is above 0.95, and at the latest after so many steps. The loss
    is called with the output for the chosen photos and their indices (batch,).
    """
    torch.manual_seed(0)
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    srcc = -1.0
    for step in range(1, steps + 1):
        network.train()
        chosen = torch.randperm(len(mos))[:batch]
        optimiser.zero_grad()
        loss(network(images[chosen]), chosen).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        if step % 10 == 0 or step == steps:
            srcc = _srcc(network, images, mos)
            if srcc > 0.95:
                break
    return srcc


def _srcc(network: nn.Module, images: Tensor, mos: Tensor) -> float:
    network.eval()
    with torch.inference_mode():
        predicted = network(images).scores
    return float(scipy.stats.spearmanr(mos.numpy(), predicted.numpy())[0])


def parameters_without_gradient(network: nn.Module, loss: Tensor) -> list[str]:
    """Return the names of the parameters that the loss does not reach."""
    loss.backward()
    return [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]


def batch_and_alone(network: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the scores of a batch, and of its images one by one, in evaluation mode.

    Raises:
        AssertionError: If a second pass over the batch gives other scores.
    """
    network.eval()
    with torch.inference_mode():
        together = network(images).scores
        alone = torch.cat([network(image[None]).scores for image in images])
        assert torch.equal(together, network(images).scores)
    return together, alone


def float32_and_bfloat16(network: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the scores (B,) in float32 and under bfloat16 autocast, in evaluation mode."""
    network.eval()
    with torch.inference_mode():
        full = network(images).scores
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = network(images).scores
    return full, half.float()
