"""From a name to a model that is ready to score: specification, weights, engine."""

from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from biqa_cli.datasets.learnt import Learnt
from biqa_cli.errors import UsageError, WeightsError
from biqa_cli.models.base import Precision
from biqa_cli.models.build import build_network
from biqa_cli.models.catalog import DEFAULT_MODEL, MODELS, SUFFIX, find_model, names_a_file
from biqa_cli.models.engines import (
    EngineChoice,
    LoadedModel,
    Wanted,
    choose_engine,
    ready,
    require_a_score,
)
from biqa_cli.models.graph_content import tensors_of_graph
from biqa_cli.models.graphs import own_graph, read_own_graph
from biqa_cli.models.installed_torch import require_torch
from biqa_cli.models.options import with_defaults
from biqa_cli.models.spec import ModelSpec
from biqa_cli.models.trained import TrainedNetwork, trained_of
from biqa_cli.models.tuned import Tuned, TunedEngine, correction_of, tuned_of
from biqa_cli.weights.cache import read_verified
from biqa_cli.weights.checkpoint import decode_checkpoint, read_and_hash
from biqa_cli.weights.download import obtain_file
from biqa_cli.weights.header import Header, header_of, read_header, require_shapes
from biqa_cli.weights.manifest import Checkpoint, load_manifest

if TYPE_CHECKING:
    from torch import nn

__all__ = ["LoadedModel", "load_for_export", "load_model", "specification"]


def load_model(
    name: str | PathLike[str] = DEFAULT_MODEL,
    *,
    engine: EngineChoice = "auto",
    device: str = "auto",
    threads: int = 0,
    offline: bool = False,
    features: bool = False,
    precision: Precision = "float32",
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
        features: Whether the engine also tells what the head of the network reads.
        precision: "float32", or "bfloat16" on CPUs that have it, in OpenVINO. "auto" is bfloat16
            where that saves time. Scores then differ by about a point.

    Raises:
        UsageError: If the model, engine or device does not exist or does not fit, the network has
            no features, or torch is needed and not installed.
        WeightsError: If the weights are missing or wrong.
    """
    wanted = Wanted(engine, device, threads, offline, features, precision)
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
    return _own_spec(Path(name)) if names_a_file(name) else find_model(name)


def load_for_export(name: str, *, offline: bool = False) -> tuple[ModelSpec, "nn.Module"]:
    """Return the specification and the network of a model, with weights, on the CPU.

    Raises:
        UsageError: If there is no such model.
        WeightsError: If the weights are missing or wrong.
    """
    require_torch("an export", extra="export")
    from biqa_cli.models.torch_engine import TorchEngine

    if base := specification(name).base:
        msg = f"{name} is tuned and has no network of its own: export {base}"
        raise UsageError(msg)
    model = load_model(name, engine="torch", device="cpu", offline=offline)
    assert isinstance(model.engine, TorchEngine), "asked for above"
    return model.spec, model.engine.network


def _load_listed(spec: ModelSpec, checkpoint: Checkpoint, wanted: Wanted) -> LoadedModel:
    """Return a model whose weights and graph are those of the manifest, to the last byte."""
    chosen, device = choose_engine(wanted, has_graph=checkpoint.graph is not None, name=spec.name)
    path = obtain_file(checkpoint, checkpoint.weights, load_manifest(), offline=wanted.offline)
    content = read_verified(path, sha256=checkpoint.sha256)
    trained = trained_of(header_of(content, source=str(path)), source=str(path))
    spec = spec if trained is None else trained.fit(spec)
    tensors = decode_checkpoint(content, source=str(path))
    del content
    graph = _listed_graph(checkpoint, offline=wanted.offline) if chosen == "onnx" else None
    return ready(spec, tensors, checkpoint.sha256, graph, device=device, wanted=wanted)


def _load_own(path: Path, wanted: Wanted) -> LoadedModel:
    """Return a model with weights of the user's own: nothing in the file is believed unchecked."""
    header = read_header(path)
    tuned = tuned_of(header, source=str(path))
    if tuned is not None:
        return _load_tuned(path, tuned, wanted)
    spec, trained = _own_network(path, header)
    # A listed graph is that of its network at its own size.
    pinned = _listed_with_graph_of(spec)
    made = own_graph(path, spec)
    has_graph = pinned is not None or made.is_file()
    chosen, device = choose_engine(wanted, has_graph=has_graph, name=spec.name)
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
    model = ready(spec, tensors, found, graph, device=device, wanted=wanted)
    require_a_score(model, source=str(path))
    return replace(model, learnt=trained.learnt)


def _load_tuned(path: Path, tuned: Tuned, wanted: Wanted) -> LoadedModel:
    """Return a base whose scores are corrected.

    Raises:
        WeightsError: If the base is not the one that was tuned.
    """
    base = load_model(
        _base_of(path, tuned)[0],
        engine=wanted.engine,
        device=wanted.device,
        threads=wanted.threads,
        offline=wanted.offline,
        features=True,
        precision=wanted.precision,
    )
    if base.weights_sha256 != tuned.base_sha256:
        msg = (
            f"{path} was tuned on other weights of {tuned.base} than those that are here: run "
            "`biqa tune` again"
        )
        raise WeightsError(msg)
    tensors, found = read_and_hash(path)
    engine = TunedEngine(
        base.engine,
        correction_of(tensors, source=str(path)),
        before=base.spec.scale,
        after=tuned.scale,
    )
    listed = load_manifest().listed(base.weights_sha256)
    before = (
        Learnt(ancestors=(listed.name,))
        if listed
        else base.learnt or Learnt(ancestors=(Path(base.spec.name).name,))
    )
    model = LoadedModel(
        _tuned_spec(path, tuned, base.spec),
        engine,
        found,
        base.graph_sha256,
        tuned.learnt | before,
    )
    require_a_score(model, source=str(path))
    return model


def _tuned_spec(path: Path, tuned: Tuned, base: ModelSpec) -> ModelSpec:
    return replace(base, name=str(path), scale=tuned.scale, base=base.name)


def _base_of(path: Path, tuned: Tuned) -> tuple[str, ModelSpec]:
    """Return the model that a file corrects, as `load_model` takes it, and what it declares.

    Raises:
        WeightsError: If it is missing, or tuned itself.
    """
    if not names_a_file(tuned.base):
        try:
            return tuned.base, find_model(tuned.base)
        except UsageError as error:
            msg = f"{path} was tuned on a model that this version of biqa lacks: {error}"
            raise WeightsError(msg) from error
    base = path.parent.absolute() / tuned.base
    try:
        header = read_header(base)
    except WeightsError as error:
        msg = (
            f"{path} needs the file that it was tuned on ({error}): put it back there, or run "
            "`biqa tune` again"
        )
        raise WeightsError(msg) from error
    # Asked before anything of it is loaded: a file may name itself.
    if tuned_of(header, source=str(base)) is not None:
        msg = f"{path} was tuned on {base}, which is tuned itself: tune what that was made of"
        raise WeightsError(msg)
    return str(base), _own_network(base, header)[0]


def _own_spec(path: Path) -> ModelSpec:
    header = read_header(path)
    tuned = tuned_of(header, source=str(path))
    if tuned is None:
        return _own_network(path, header)[0]
    return _tuned_spec(path, tuned, _base_of(path, tuned)[1])


def _own_network(path: Path, header: Header) -> tuple[ModelSpec, TrainedNetwork]:
    """Return what a file of weights declares; its name is that of the file as it was given."""
    trained = trained_of(header, source=str(path))
    if trained is None:
        msg = f"{path} does not say which network it is of: only files that biqa has written do"
        raise WeightsError(msg)
    return replace(trained.fit(find_model(trained.model)), name=str(path)), trained


def _listed_with_graph_of(spec: ModelSpec) -> Checkpoint | None:
    """Return the listed checkpoint whose graph is that of a network, None where none is."""
    for checkpoint in load_manifest().checkpoints:
        listed = MODELS.get(checkpoint.name)
        if listed and checkpoint.graph and _network(listed) == _network(spec):
            return checkpoint
    return None


def _network(spec: ModelSpec) -> tuple[object, ...]:
    """Return all that an ONNX graph depends on."""
    return spec.family, spec.backbones, with_defaults(spec.family, spec.options), spec.input


def _shapes_of_network(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    import torch

    from biqa_cli.models.torch_engine import shapes_of

    # On the device "meta" a network has shapes and no memory.
    with torch.device("meta"):
        return shapes_of(build_network(spec))


def _listed_graph(checkpoint: Checkpoint, *, offline: bool) -> bytes:
    assert checkpoint.graph is not None, "the caller has chosen the engine by it"
    path = obtain_file(checkpoint, checkpoint.graph, load_manifest(), offline=offline)
    return read_verified(path, sha256=checkpoint.graph.sha256)
