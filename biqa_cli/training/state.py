"""The state of a training, from which the next run continues; nothing is ever pickled.

A state is one file: tensors under their names, everything else as JSON in its header. It is
written under another name and renamed, so that it is always whole, whenever the power fails.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from biqa_cli.errors import UsageError
from biqa_cli.training.optimisation import Moving
from biqa_cli.whole_files import write_whole

_KEY = "state"


@dataclass(slots=True)
class Progress:
    """Where a training stands: all of a state that is no tensor."""

    phase: int = 0
    more_phases: bool = False
    """Whether others follow, which begin from the starting weights."""
    epoch: int = 0
    """Of the phase, counted from 0: the one that runs or comes next."""
    step: int = 0
    """Steps of this epoch that are done."""
    sums: dict[str, float] = field(default_factory=dict)
    """Of the losses of these steps."""
    epoch_seconds: float = 0.0
    """Spent in this epoch."""
    seconds: float = 0.0
    """Of all steps and validations, in all runs; not of those that an interruption undid."""
    best: float | None = None
    """Correlation of the kept epoch."""
    best_row: dict[str, Any] = field(default_factory=dict)
    """Its row of the log."""
    waited: int = 0
    """Epochs since."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """The log so far."""
    photos: dict[str, Any] = field(default_factory=dict)
    """Hash of the split and numbers of photos: what must be the same when the training goes on."""
    learnt: dict[str, Any] = field(default_factory=dict)
    """Hashes of what is learnt from, see `plain_learnt`."""
    init: list[str] = field(default_factory=list)
    """The starting weights that were asked for."""
    starts: list[str] = field(default_factory=list)
    """A sentence on each starting weight."""


def save_state(path: Path, progress: Progress, moving: Moving) -> None:
    """Write a state; an earlier one stays whole until the new one is.

    Raises:
        UsageError: If the file cannot be written.
    """
    tensors = {f"learner.{name}": t for name, t in moving.learner.state_dict().items()}
    if moving.averaged is not None:
        tensors |= {f"mean.{name}": t for name, t in moving.averaged.state_dict().items()}
    state = moving.optimiser.state_dict()
    for number, values in state["state"].items():
        tensors |= {f"optimiser.{number}.{key}": value for key, value in values.items()}
    tensors["generator.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["generator.cuda"] = torch.cuda.get_rng_state()
    plain = {
        "progress": asdict(progress),
        "rates": [group["lr"] for group in state["param_groups"]],
        "schedule": {
            key: value for key, value in moving.schedule.state_dict().items() if key != "lr_lambdas"
        },
    }
    # Copies, for tensors may share memory or lie channels last.
    whole = {n: t.detach().cpu().contiguous().clone() for n, t in tensors.items()}
    write_whole(path, save(whole, metadata={_KEY: json.dumps(plain)}))


def read_progress(path: Path) -> Progress:
    """Return where a training stands, from the header of its state alone.

    Raises:
        UsageError: If the file is no state.
    """
    try:
        return Progress(**_read_plain(path)["progress"])
    except (KeyError, TypeError) as error:
        msg = f"{path} was written by another version of biqa ({error}): train in another --out"
        raise UsageError(msg) from error


def restore(path: Path, moving: Moving) -> None:
    """Put a learner, its optimiser, its schedule and the generators where a state left them.

    Raises:
        UsageError: If the file is no state of such a learner.
    """
    plain = _read_plain(path)
    with safe_open(path, "pt") as file:
        tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no dict
    try:
        moving.learner.load_state_dict(_under("learner.", tensors))
        if moving.averaged is not None:
            moving.averaged.load_state_dict(_under("mean.", tensors))
    except RuntimeError as error:
        msg = f"{path} is the state of another network: {error}"
        raise UsageError(msg) from error
    parameters = moving.parameters
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _under("optimiser.", tensors).items():
        number, key = name.split(".")
        parameter = parameters[int(number)]
        if tensor.shape == parameter.shape:
            # In the parameter's own layout, so that a step sums in the same order.
            tensor = torch.empty_like(parameter).copy_(tensor)  # noqa: PLW2901
        state.setdefault(int(number), {})[key] = tensor
    groups = moving.optimiser.state_dict()["param_groups"]
    for group, rate in zip(groups, plain["rates"], strict=True):
        group["lr"] = rate
    moving.optimiser.load_state_dict({"state": state, "param_groups": groups})
    lambdas = moving.schedule.state_dict().get("lr_lambdas")
    extra = {} if lambdas is None else {"lr_lambdas": lambdas}
    moving.schedule.load_state_dict(plain["schedule"] | extra)
    torch.set_rng_state(tensors["generator.cpu"])
    if "generator.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["generator.cuda"])


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def _read_plain(path: Path) -> dict[str, Any]:
    try:
        with safe_open(path, "pt") as file:
            plain: dict[str, Any] = json.loads(file.metadata()[_KEY])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        msg = f"{path} is no state of a training: {error}"
        raise UsageError(msg) from error
    return plain
