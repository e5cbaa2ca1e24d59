"""From a specification, weights and a graph to an engine that runs, whatever is wanted of it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from biqa_cli.datasets.learnt import Learnt
from biqa_cli.errors import UsageError, WeightsError
from biqa_cli.models.base import Engine, EngineName, Precision
from biqa_cli.models.build import build_network
from biqa_cli.models.devices import resolve_device
from biqa_cli.models.graph_content import with_output_before
from biqa_cli.models.installed_torch import require_torch
from biqa_cli.models.memory import give_back_freed_memory
from biqa_cli.models.spec import Family, InputContract, ModelSpec
from biqa_cli.results import ComputedIn

logger = logging.getLogger(__name__)

EngineChoice = Literal["auto", "onnx", "torch"]
Tensors = Mapping[str, NDArray[np.float32]]

FEATURES: dict[Family, str] = {
    "qualitynet": "head.0",
    "blockiqa": "fusion.0",
    "reqa": "mlp_3.0",
    "shdiqa": "decoder.score",
}
"""The layer of a network whose input are its features."""


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

    @property
    def precision(self) -> ComputedIn:
        """What the network computes in."""
        return "bfloat16" if self.engine.name == "openvino" else "float32"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller of `load_model` asks for beside the weights."""

    engine: EngineChoice
    device: str
    threads: int
    offline: bool
    features: bool
    precision: Precision = "float32"


def choose_engine(wanted: Wanted, *, has_graph: bool, name: str) -> tuple[EngineName, str]:
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


def ready(
    spec: ModelSpec,
    tensors: Tensors,
    weights_sha256: str,
    graph: bytes | None,
    *,
    device: str,
    wanted: Wanted,
) -> LoadedModel:
    """Return a model that is ready to score.

    Args:
        spec: Of the model.
        tensors: Its weights by name, verified.
        weights_sha256: Of the file that they come from.
        graph: ONNX, or None for PyTorch.
        device: Where PyTorch runs.
        wanted: What else the caller asks for.

    Raises:
        UsageError: If features are wanted of a network that has none.
        WeightsError: If graph, weights and specification do not fit.
    """
    layer = _features_of(spec) if wanted.features else ""
    of_graph = "" if graph is None else sha256(graph).hexdigest()
    if graph is not None and _in_bfloat16(wanted):
        from biqa_cli.models.openvino_engine import OpenVinoEngine

        engine: Engine = OpenVinoEngine(graph, tensors, threads=wanted.threads)
        logger.info("%s computes in bfloat16, in OpenVINO", spec.name)
    elif graph is not None:
        from biqa_cli.models.onnx_engine import OnnxEngine

        output = ""
        if layer:
            graph, output = with_output_before(graph, layer, source=f"the graph of {spec.name}")
        runs = OnnxEngine(graph, tensors, threads=wanted.threads, features=output)
        if runs.tells_flaws != spec.tells_flaws:
            msg = f"the ONNX graph of {spec.name} is of another network: run `biqa export` again"
            raise WeightsError(msg)
        engine = runs
    else:
        if wanted.precision == "bfloat16":
            msg = (
                f"bfloat16 needs an ONNX graph and the CPU, and {spec.name} would run in PyTorch "
                f"on {device}: use --precision float32"
            )
            raise UsageError(msg)
        require_torch(spec.name)
        from biqa_cli.models.torch_engine import TorchEngine

        engine = TorchEngine(
            build_network(spec), tensors, device=device, threads=wanted.threads, features=layer
        )
    # Either engine has a copy of its own.
    del tensors
    give_back_freed_memory()
    return LoadedModel(spec, engine, weights_sha256, of_graph)


def _in_bfloat16(wanted: Wanted) -> bool:
    """Return whether a graph is run in bfloat16.

    Raises:
        UsageError: If that is wanted together with features, or of ONNX Runtime.
    """
    keeps_float32 = wanted.features or wanted.engine == "onnx"
    if wanted.precision == "float32" or (wanted.precision == "auto" and keeps_float32):
        return False
    if wanted.engine == "onnx":
        msg = (
            "ONNX Runtime computes in float32, and bfloat16 runs in OpenVINO: leave out --engine "
            "or --precision"
        )
        raise UsageError(msg)
    if wanted.features:
        raise UsageError("a tuned model computes in float32: leave out --precision bfloat16")
    if wanted.precision == "bfloat16":
        return True
    from biqa_cli.models.openvino_engine import saves_time

    return saves_time()


def _features_of(spec: ModelSpec) -> str:
    """Return the layer that reads the features of a network.

    Raises:
        UsageError: If its family has none.
    """
    if spec.family not in FEATURES:
        msg = f"{spec.name} has no features that can be read: use a model of {', '.join(FEATURES)}"
        raise UsageError(msg)
    return FEATURES[spec.family]


def require_a_score(model: LoadedModel, *, source: str) -> None:
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
