"""From a name to a model that is ready to score: specification, weights, engine."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from biqa_cli import __version__
from biqa_cli.errors import UsageError, WeightsError
from biqa_cli.models.base import Engine, EngineName
from biqa_cli.models.build import build_network
from biqa_cli.models.catalog import DEFAULT_MODEL, MODELS, find_model
from biqa_cli.models.devices import resolve_device
from biqa_cli.models.memory import give_back_freed_memory
from biqa_cli.models.options import with_defaults
from biqa_cli.models.spec import ModelSpec, OptionValue
from biqa_cli.models.trained import read_trained
from biqa_cli.weights.cache import graph_folder, read_verified, sha256_of
from biqa_cli.weights.checkpoint import read_checkpoint
from biqa_cli.weights.download import obtain
from biqa_cli.weights.manifest import Checkpoint, load_manifest

if TYPE_CHECKING:
    from torch import nn

EngineChoice = Literal["auto", "onnx", "torch"]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A specification and the engine that runs it."""

    spec: ModelSpec
    engine: Engine
    weights_sha256: str


def load_model(
    name: str = DEFAULT_MODEL,
    *,
    engine: EngineChoice = "auto",
    device: str = "auto",
    threads: int = 0,
    weights: str | PathLike[str] | None = None,
    offline: bool = False,
) -> LoadedModel:
    """Return a model of the catalogue with its trained weights.

    Args:
        name: As in `biqa models list`.
        engine: "auto" is ONNX Runtime on the CPU where there is a graph, listed with the checkpoint
            or made by `biqa export`, else torch.
        device: "auto", "cpu", "cuda" or "mps". "auto" is cuda where there is an NVIDIA driver
            with a device, else the CPU.
        threads: Threads of one forward pass on the CPU; 0 is one for each core.
        weights: A safetensors file of one's own in place of the listed checkpoint.
        offline: Whether weights may not be downloaded.

    Raises:
        UsageError: If the model, engine or device does not exist or does not fit.
        WeightsError: If the weights are missing or wrong.
    """
    spec = find_model(name)
    checkpoint = load_manifest().find(name)
    if checkpoint is None and weights is None:
        others = [known for known in MODELS if load_manifest().find(known) is not None]
        msg = (
            f"{name} has no trained weights, so its scores would mean nothing: choose one of "
            f"{', '.join(others)}, or give your own with --weights"
        )
        raise WeightsError(msg)
    own = None if weights is None else Path(weights)
    trained = None if own is None else read_trained(own)
    if trained is not None:
        listed, spec = spec, trained.fit(spec)
        if spec.input != listed.input or _options_of(spec) != _options_of(listed):
            # The graph is that of the listed network at its own size.
            checkpoint = None
    made = graph_file(spec)
    has_graph = made.is_file() or (checkpoint is not None and checkpoint.graph is not None)
    chosen, usable = _choose_engine(engine, device, has_graph=has_graph, name=name)
    path, tensors, sha256 = _own_or_listed(checkpoint, own, offline=offline)
    if own is None and (trained := read_trained(path)) is not None:
        spec = trained.fit(spec)
    if chosen == "onnx":
        from biqa_cli.models.onnx_engine import OnnxEngine

        graph = _listed_graph(checkpoint, offline=offline) or made.read_bytes()
        ready: Engine = OnnxEngine(graph, tensors, threads=threads)
    else:
        from biqa_cli.models.torch_engine import TorchEngine

        ready = TorchEngine(build_network(spec), tensors, device=usable, threads=threads)
    # Either engine has a copy of its own.
    del tensors
    give_back_freed_memory()
    return LoadedModel(spec, ready, sha256)


def load_for_export(
    name: str, *, weights: Path | None = None, offline: bool = False
) -> tuple[ModelSpec, "nn.Module"]:
    """Return the specification and the network of a model, with weights, on the CPU.

    Raises:
        UsageError: If there is no such model.
        WeightsError: If the weights are missing or wrong.
    """
    from biqa_cli.models.torch_engine import TorchEngine

    model = load_model(name, engine="torch", device="cpu", weights=weights, offline=offline)
    assert isinstance(model.engine, TorchEngine), "asked for above"
    return model.spec, model.engine.network


def graph_file(spec: ModelSpec) -> Path:
    """Return where `biqa export` puts the graph of a network for the CPU engine.

    The name changes with everything that the graph depends on, so that none is ever out of date.
    """
    view, crops = spec.input, spec.input.crops
    size = [view.height, view.width] if crops is None else [crops.size, crops.size]
    known = [__version__, spec.family, spec.backbones, sorted(_options_of(spec).items()), size]
    key = hashlib.sha256(json.dumps(known).encode()).hexdigest()[:12]
    return graph_folder() / f"{spec.name}-{key}.onnx"


def _options_of(spec: ModelSpec) -> dict[str, OptionValue]:
    """Return all options of a network, the paper's where the specification says nothing else."""
    return with_defaults(spec.family, spec.options)


def _choose_engine(
    engine: EngineChoice, device: str, *, has_graph: bool, name: str
) -> tuple[EngineName, str]:
    """Return the engine and the device to use."""
    if engine == "auto":
        found = resolve_device(device)
        return ("onnx" if has_graph and found == "cpu" else "torch"), found
    if engine == "torch":
        return "torch", resolve_device(device)
    if not has_graph:
        msg = (
            f"there is no ONNX graph of {name} here: make it with `biqa export {name}` (the same "
            "--weights), or use --engine torch"
        )
        raise UsageError(msg)
    if device not in ("auto", "cpu"):
        msg = f"--engine onnx runs on the CPU, not on {device!r}: use --engine torch"
        raise UsageError(msg)
    return "onnx", "cpu"


def _own_or_listed(
    checkpoint: Checkpoint | None, own: Path | None, *, offline: bool
) -> tuple[Path, Mapping[str, NDArray[np.float32]], str]:
    """Return the file of the weights, its tensors and its sha256."""
    if own is not None:
        return own, read_checkpoint(own, sha256=None), sha256_of(own)
    assert checkpoint is not None, "the caller has checked that there are weights"
    path, *_ = obtain(checkpoint, load_manifest(), offline=offline)
    return path, read_checkpoint(path, sha256=checkpoint.sha256), checkpoint.sha256


def _listed_graph(checkpoint: Checkpoint | None, *, offline: bool) -> bytes | None:
    if checkpoint is None or checkpoint.graph is None:
        return None
    _, path = obtain(checkpoint, load_manifest(), offline=offline)
    return read_verified(path, sha256=checkpoint.graph.sha256)
