"""How parameters move: groups, optimiser, the rates over time, and how far from the start."""

import copy
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from biqa_cli.errors import UsageError
from biqa_cli.training.backbones import BackboneSlot
from biqa_cli.training.recipe import OptimiserRecipe, ScheduleRecipe

_WARMUP_START = 1e-3
_SGD_MOMENTUM = 0.9
# Learnt tokens and positions of transformers; vectors are known by their shape.
_TOKENS = frozenset({"class_token", "positions", "tokens", "quality", "position"})

Schedule = LambdaLR | ReduceLROnPlateau


def make_optimiser(
    learner: nn.Module, recipe: OptimiserRecipe, slots: tuple[BackboneSlot, ...]
) -> torch.optim.Optimizer:
    """Return the optimiser of all parameters that learn.

    Backbones have their own rate, and vectors and tokens no decay if the recipe says so.

    Raises:
        UsageError: If nothing learns.
    """
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in learner.named_parameters():
        if parameter.requires_grad:
            in_backbone = any(name.startswith(slot.prefix) for slot in slots)
            decays = recipe.decay_all or not _is_vector(name, parameter)
            groups.setdefault((in_backbone, decays), []).append(parameter)
    if not groups:
        raise UsageError('nothing would learn: set trainable to "all", "half", "last" or "head"')
    parameters = [
        {
            "params": chosen,
            "lr": recipe.backbone_rate if in_backbone else recipe.rate,
            "weight_decay": recipe.weight_decay if decays else 0.0,
        }
        for (in_backbone, decays), chosen in groups.items()
    ]
    if recipe.algorithm == "sgd":
        return torch.optim.SGD(parameters, momentum=_SGD_MOMENTUM)
    if recipe.algorithm == "adamw":
        return torch.optim.AdamW(parameters)
    return torch.optim.Adam(parameters)


def _is_vector(name: str, parameter: nn.Parameter) -> bool:
    return parameter.ndim <= 1 or name.rpartition(".")[2] in _TOKENS


def make_schedule(
    optimiser: torch.optim.Optimizer, recipe: ScheduleRecipe, *, epochs: int, steps: int
) -> Schedule:
    """Return what sets the rates: after each step, or on a plateau after each epoch.

    Args:
        optimiser: Whose rates to set.
        recipe: The curve.
        epochs: Of the phase.
        steps: Of an epoch.
    """
    if recipe.curve == "plateau":
        return ReduceLROnPlateau(
            optimiser, factor=recipe.factor, patience=recipe.every, min_lr=recipe.lowest
        )

    def factor_for(base: float) -> Any:  # noqa: ANN401  a function that torch does not type
        def factor(step: int) -> float:
            wanted = rate_factor(step, recipe, epochs=epochs, steps=steps)
            return max(wanted, recipe.lowest / base) if base else wanted

        return factor

    return LambdaLR(optimiser, [factor_for(group["lr"]) for group in optimiser.param_groups])


def rate_factor(step: int, recipe: ScheduleRecipe, *, epochs: int, steps: int) -> float:
    """Return what the rate is multiplied by at a step, counted from 0.

    Example:
        >>> from biqa_cli.training.config import load_recipe
        >>> schedule = load_recipe("shdiqa").schedule
        >>> [round(rate_factor(10 * e, schedule, epochs=9, steps=10), 3) for e in (0, 3, 5, 6)]
        [0.001, 0.1, 0.1, 0.01]
    """
    rising = recipe.warmup * steps
    if step < rising:
        return _WARMUP_START + (1 - _WARMUP_START) * step / rising
    if recipe.curve == "step":
        return recipe.factor ** (step // steps // recipe.every)
    if recipe.curve == "cosine":
        share = (step - rising) / max(epochs * steps - rising, 1)
        return (1 + math.cos(math.pi * min(share, 1))) / 2
    return 1.0


def mixed_with_start(start: nn.Module, trained: nn.Module, *, start_share: float) -> nn.Module:
    """Return a copy of a trained network with the weights on the way from its start to it.

    Each weight is `start_share` of what it began with and the rest of what it is. Between the two
    a network often agrees better with what it has not learnt from than at either end.

    Reference:
        Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022, eq. 1 (WiSE-FT), with
        α = 1 - start_share.
    """
    mixed = copy.deepcopy(trained)
    first = start.state_dict()
    with torch.no_grad():
        for name, tensor in mixed.state_dict().items():
            if tensor.is_floating_point():
                tensor.lerp_(first[name], start_share)
    return mixed


def rates(optimiser: torch.optim.Optimizer) -> Iterator[float]:
    """Yield the rate of each group."""
    return (float(group["lr"]) for group in optimiser.param_groups)
