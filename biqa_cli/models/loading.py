"""From a name to a model that is ready to score: specification, weights, engine."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from biqa_cli.datasets.learnt import Learnt
from biqa_cli.errors import UsageError, WeightsError
from biqa_cli.models.base import Engine, EngineName
from biqa_cli.models.build import build_network
from biqa_cli.models.catalog import DEFAULT_MODEL, MODELS, SUFFIX, find_model, names_a_file
from biqa_cli.models.devices import resolve_device
from biqa_cli.models.graphs import own_graph, read_own_graph, tensors_of_graph
from biqa_cli.models.installed_torch import require_torch
from biqa_cli.models.memory import give_back_freed_memory
from biqa_cli.models.options import with_defaults
from biqa_cli.models.spec import InputContract, ModelSpec
from biqa_cli.models.trained import TrainedNetwork, trained_of
from biqa_cli.weights.cache import read_verified
from biqa_cli.weights.checkpoint import decode_checkpoint, read_and_hash
from biqa_cli.weights.download import obtain_file
from biqa_cli.weights.header import Header, header_of, read_header, require_shapes
from biqa_cli.weights.manifest import Checkpoint, load_manifest

if TYPE_CHECKING:
    from torch import nn

EngineChoice = Literal["auto", "onnx", "torch"]
Tensors = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A specification and the engine that runs it."""

    spec: ModelSpec
    engine: Engine
    weights_sha256: str
    graph_sha256: str = ""
    """Of the ONNX graph that the engine runs; empty where it runs none."""
    learnt: Learnt | None = None
    """What weights of one's own say they have learnt from; None where they do not."""


def load_model(
    name: str | PathLike[str] = DEFAULT_MODEL,
    *,
    engine: EngineChoice = "auto",
    device: str = "auto",
    threads: int = 0,
    offline: bool = False,
) -> LoadedModel:
    """Return a model with its trained weights.

    Args:
        name: As in `biqa models list`, or a safetensors file of your own: a name with a slash, or
            that ends in .safetensors, is a file.
        engine: "auto", "onnx" or "torch". "auto" is ONNX Runtime on the CPU if there is a graph,
            listed with the checkpoint or made by `biqa export`, otherwise torch.
        device: "auto", "cpu", "cuda" or "mps". "auto" is cuda if there is an NVIDIA driver with a
            device that torch can use, otherwise the CPU.
        threads: Threads of one forward pass on the CPU; 0 is one per core.
        offline: If true, missing weights are an error; nothing is downloaded.

    Raises:
        UsageError: If the model, engine or device does not exist or does not fit, or torch is
            needed and not installed.
        WeightsError: If the weights are missing or wrong.
    """
    wanted = _Wanted(engine, device, threads, offline)
    if isinstance(name, PathLike) or names_a_file(name):
        return _load_own(Path(name), wanted)
    spec, checkpoint = find_model(name), load_manifest().find(name)
    if checkpoint is None:
        others = [known for known in MODELS if load_manifest().find(known) is not None]
        msg = (
            f"{name} has no trained weights, so its scores would mean nothing: choose one of "
            f"{', '.join(others)}, or a file of your own (-m FILE{SUFFIX})"
        )
        raise WeightsError(msg)
    return _load_listed(spec, checkpoint, wanted)


def specification(name: str) -> ModelSpec:
    """Return what a model declares before its weights are read; `name` as in `load_model`.

    Raises:
        UsageError: If there is no model of that name.
        WeightsError: If the file cannot be read, or does not say which network it is of.
    """
    return _own_spec(Path(name))[0] if names_a_file(name) else find_model(name)


def load_for_export(name: str, *, offline: bool = False) -> tuple[ModelSpec, "nn.Module"]:
    """Return the specification and the network of a model, with weights, on the CPU.

    Raises:
        UsageError: If there is no such model.
        WeightsError: If the weights are missing or wrong.
    """
    require_torch("an export", extra="export")
    from biqa_cli.models.torch_engine import TorchEngine

    model = load_model(name, engine="torch", device="cpu", offline=offline)
    assert isinstance(model.engine, TorchEngine), "asked for above"
    return model.spec, model.engine.network


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the caller of `load_model` asks for beside the weights."""

    engine: EngineChoice
    device: str
    threads: int
    offline: bool


def _load_listed(spec: ModelSpec, checkpoint: Checkpoint, wanted: _Wanted) -> LoadedModel:
    """Return a model whose weights and graph are those of the manifest, to the last byte."""
    chosen, device = _choose_engine(wanted, has_graph=checkpoint.graph is not None, name=spec.name)
    path = obtain_file(checkpoint, checkpoint.weights, load_manifest(), offline=wanted.offline)
    content = read_verified(path, sha256=checkpoint.sha256)
    trained = trained_of(header_of(content, source=str(path)), source=str(path))
    spec = spec if trained is None else trained.fit(spec)
    tensors = decode_checkpoint(content, source=str(path))
    del content
    graph = _listed_graph(checkpoint, offline=wanted.offline) if chosen == "onnx" else None
    return _ready(spec, tensors, checkpoint.sha256, graph, device=device, threads=wanted.threads)


def _load_own(path: Path, wanted: _Wanted) -> LoadedModel:
    """Return a model with weights of the user's own: nothing in the file is believed unchecked."""
    spec, trained, header = _own_spec(path)
    # A listed graph is that of its network at its own size.
    pinned = _listed_with_graph_of(spec)
    made = own_graph(path, spec)
    has_graph = pinned is not None or made.is_file()
    chosen, device = _choose_engine(wanted, has_graph=has_graph, name=spec.name)
    graph = None
    if chosen == "torch":
        require_torch(spec.name)
        shapes = _shapes_of_network(spec)
    else:
        graph = (
            read_own_graph(made)
            if pinned is None
            else _listed_graph(pinned, offline=wanted.offline)
        )
        shapes = tensors_of_graph(graph, source=str(made))
    require_shapes(header.shapes, shapes, source=str(path))
    tensors, found = read_and_hash(path)
    model = _ready(spec, tensors, found, graph, device=device, threads=wanted.threads)
    _require_a_score(model, source=str(path))
    return replace(model, learnt=trained.learnt)


def _own_spec(path: Path) -> tuple[ModelSpec, TrainedNetwork, Header]:
    """Return what a file of weights declares; its name is that of the file as it was given."""
    header = read_header(path)
    trained = trained_of(header, source=str(path))
    if trained is None:
        msg = f"{path} does not say which network it is of: only files that biqa has written do"
        raise WeightsError(msg)
    return replace(trained.fit(find_model(trained.model)), name=str(path)), trained, header


def _listed_with_graph_of(spec: ModelSpec) -> Checkpoint | None:
    """Return the listed checkpoint whose graph is that of a network, None where none is."""
    for checkpoint in load_manifest().checkpoints:
        listed = MODELS.get(checkpoint.name)
        if listed and checkpoint.graph and _network(listed) == _network(spec):
            return checkpoint
    return None


def _ready(
    spec: ModelSpec,
    tensors: Tensors,
    weights_sha256: str,
    graph: bytes | None,
    *,
    device: str,
    threads: int,
) -> LoadedModel:
    if graph is not None:
        from biqa_cli.models.onnx_engine import OnnxEngine

        runs = OnnxEngine(graph, tensors, threads=threads)
        if runs.tells_flaws != spec.tells_flaws:
            msg = f"the ONNX graph of {spec.name} is of another network: run `biqa export` again"
            raise WeightsError(msg)
        engine: Engine = runs
    else:
        require_torch(spec.name)
        from biqa_cli.models.torch_engine import TorchEngine

        engine = TorchEngine(build_network(spec), tensors, device=device, threads=threads)
    # Either engine has a copy of its own.
    del tensors
    give_back_freed_memory()
    of_graph = "" if graph is None else sha256(graph).hexdigest()
    return LoadedModel(spec, engine, weights_sha256, of_graph)


def _require_a_score(model: LoadedModel, *, source: str) -> None:
    """Refuse weights that give no score for any photo, so that no photo is blamed for them.

    Raises:
        WeightsError: If the score of a view of noise cannot be computed or is not finite.
    """
    contract = model.spec.input
    try:
        found = model.engine.predict(_noise(contract))
    except Exception as error:
        # What ONNX Runtime and torch raise has no common base beside Exception.
        msg = f"{source} cannot be used: the network fails on any view ({_first_line(error)})"
        raise WeightsError(msg) from error
    if not found.is_finite():
        score = float(found.scores[0])
        msg = f"{source} cannot be used: the network gives no finite score ({score})"
        raise WeightsError(msg)


def _noise(contract: InputContract) -> NDArray[np.float32]:
    crops = contract.crops
    size = (contract.height, contract.width) if crops is None else (crops.size, crops.size)
    view = np.random.default_rng(0).uniform(size=(1, *size, 3))
    noise: NDArray[np.float32] = (
        ((view - contract.mean) / contract.std).astype(np.float32).transpose(0, 3, 1, 2)
    )
    return np.ascontiguousarray(noise)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _network(spec: ModelSpec) -> tuple[object, ...]:
    """Return all that an ONNX graph depends on."""
    return spec.family, spec.backbones, with_defaults(spec.family, spec.options), spec.input


def _shapes_of_network(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    import torch

    from biqa_cli.models.torch_engine import shapes_of

    # On the device "meta" a network has shapes and no memory.
    with torch.device("meta"):
        return shapes_of(build_network(spec))


def _choose_engine(wanted: _Wanted, *, has_graph: bool, name: str) -> tuple[EngineName, str]:
    """Return the engine and the device to use."""
    engine, device = wanted.engine, wanted.device
    if engine == "auto":
        found = resolve_device(device)
        return ("onnx" if has_graph and found == "cpu" else "torch"), found
    if engine == "torch":
        require_torch("--engine torch")
        return "torch", resolve_device(device)
    if not has_graph:
        msg = (
            f"there is no ONNX graph of {name} here: make it with `biqa export {name}`, or use "
            "--engine torch"
        )
        raise UsageError(msg)
    if device not in ("auto", "cpu"):
        msg = f"--engine onnx runs on the CPU, not on {device!r}: use --engine torch"
        raise UsageError(msg)
    return "onnx", "cpu"


def _listed_graph(checkpoint: Checkpoint, *, offline: bool) -> bytes:
    assert checkpoint.graph is not None, "the caller has chosen the engine by it"
    path = obtain_file(checkpoint, checkpoint.graph, load_manifest(), offline=offline)
    return read_verified(path, sha256=checkpoint.graph.sha256)
