"""How parameters change: groups, optimiser, the rates over time, averaged weights."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from biqa_cli.errors import UsageError
from biqa_cli.models.backbone_slots import BackboneSlot
from biqa_cli.recipes.record import OptimiserRecipe, Recipe, ScheduleRecipe

_WARMUP_START = 1e-3
# Learnt tokens and positions of transformers; vectors are known by their shape.
_TOKENS = frozenset({"class_token", "positions", "tokens", "quality", "position"})

Schedule = LambdaLR | ReduceLROnPlateau


@dataclass(frozen=True, slots=True)
class Moving:
    """What changes with every step of a phase."""

    learner: nn.Module
    optimiser: torch.optim.Optimizer
    schedule: Schedule
    averaged: AveragedModel | None
    """The exponential moving average of the learner's weights; None without."""

    @property
    def parameters(self) -> list[nn.Parameter]:
        """All that learns, group by group."""
        return [p for group in self.optimiser.param_groups for p in group["params"]]


def make_moving(
    learner: nn.Module,
    recipe: Recipe,
    slots: tuple[BackboneSlot, ...],
    *,
    epochs: int,
    steps: int,
) -> Moving:
    """Return optimiser, schedule and averaged weights of a phase at its beginning."""
    optimiser = make_optimiser(learner, recipe.optimiser, slots)
    schedule = make_schedule(optimiser, recipe.schedule, epochs=epochs, steps=steps)
    averaged = None
    if recipe.optimiser.ema:
        decay = get_ema_multi_avg_fn(recipe.optimiser.ema)  # type: ignore[no-untyped-call]  # torch
        averaged = AveragedModel(learner, multi_avg_fn=decay, use_buffers=True)
    return Moving(learner, optimiser, schedule, averaged)


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
            is_small = parameter.ndim <= 1 or name.rpartition(".")[2] in _TOKENS
            decays = recipe.decay_all or not is_small
            groups.setdefault((in_backbone, decays), []).append(parameter)
    if not groups:
        raise UsageError("nothing would learn: set optimiser.trainable to all, last or head")
    parameters = [
        {
            "params": chosen,
            "lr": recipe.backbone_rate if in_backbone else recipe.rate,
            "weight_decay": recipe.weight_decay if decays else 0.0,
        }
        for (in_backbone, decays), chosen in groups.items()
    ]
    if recipe.algorithm == "adamw":
        return torch.optim.AdamW(parameters)
    return torch.optim.Adam(parameters)


def make_schedule(
    optimiser: torch.optim.Optimizer, recipe: ScheduleRecipe, *, epochs: int, steps: int
) -> Schedule:
    """Return what sets the rates: after each of the steps of an epoch, or on a plateau after it."""
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
        >>> from biqa_cli.recipes.files import load_recipe
        >>> schedule = load_recipe("shdiqa").schedule
        >>> [round(rate_factor(10 * e, schedule, epochs=9, steps=10), 3) for e in (0, 3, 5, 6)]
        [0.001, 0.1, 0.1, 0.01]
    """
    rising = recipe.warmup * steps
    if step < rising:
        return _WARMUP_START + (1 - _WARMUP_START) * step / rising
    if recipe.curve == "step":
        return recipe.factor ** (step // steps // recipe.every)
    share = (step - rising) / max(epochs * steps - rising, 1)
    return (1 + math.cos(math.pi * min(share, 1))) / 2
